//! Two servers and one leader lock, in a bucket on this machine.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use dinkem_appliance::app::upkeep::leader::{LEADER_SILENT, Leader};
use dinkem_appliance::domain::error_code::ErrorCode;
use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::os::clock::{FakeClock, SystemClock};
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::os::s3::object::Condition;
use dinkem_appliance::os::s3::{Bucket, Credentials, Location};
use dinkem_appliance::os::stop::StopFlag;

use crate::support::appliance::good_job;
use crate::support::process::Appliance;
use crate::support::s3::{BUCKET, Fault, S3};
use crate::support::wait::until;

const KEY: &str = "leader";

/// Who wants to lead, on a thread of its own.
struct Candidate {
    thread: Option<JoinHandle<Option<Leader>>>,
    stop: Arc<StopFlag>,
}

impl Candidate {
    /// `name`: the id of its access key, which tells its requests from those of others.
    fn start(s3: &S3, name: &str, clock: &Arc<FakeClock>) -> Self {
        let location = Location { prefix: String::new(), ..s3.location() };
        let credentials = Credentials { key_id: name.into(), secret: Secret::new("secret") };
        let system = Arc::new(SystemClock::new());
        let bucket = Bucket::new(location, credentials, system, Arc::new(SystemRandom)).unwrap();
        let (stop, clock) = (Arc::new(StopFlag::default()), clock.clone());
        let until = stop.clone();
        let lead = move || Leader::wait(bucket, KEY.into(), clock, &SystemRandom, &until).unwrap();
        Self { thread: Some(std::thread::spawn(lead)), stop }
    }

    fn leads(&mut self) -> Option<Leader> {
        let thread = self.thread.take_if(|thread| thread.is_finished())?;
        thread.join().unwrap()
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn clock() -> Arc<FakeClock> {
    Arc::new(FakeClock::at(1_800_000_000_000))
}

/// Whether a request is a write of this candidate's.
fn writes(head: &str, name: &str) -> bool {
    head.starts_with("PUT ") && head.contains(&format!("X-Amz-Credential={name}%2F"))
}

/// Waits until a candidate has sent so many more requests.
fn await_requests(s3: &S3, name: &str, more: usize) {
    let of = format!("X-Amz-Credential={name}%2F");
    let count = || s3.seen().iter().filter(|line| line.contains(&of)).count();
    let before = count();
    until("requests", || (count() >= before + more).then_some(()));
}

#[test]
fn a_leader_that_cannot_renew_its_lock_stops_writing_and_goes_on_when_it_can() {
    let Some(s3) = S3::start("the leader lock") else { return };
    let clock = clock();
    let mut first = Candidate::start(&s3, "one", &clock);
    let leader = until("the first to lead", || first.leads());
    s3.fault(|head| writes(head, "one").then_some(Fault::Answer(500, "InternalError")));
    await_requests(&s3, "one", 2);
    clock.advance(LEADER_SILENT - Duration::from_millis(1));
    assert!(leader.lock.check().is_ok());
    clock.advance(Duration::from_millis(1));
    assert_eq!(leader.lock.check().unwrap_err().code, ErrorCode::NotLeader);
    s3.heal();
    until("the first to write again", || leader.lock.check().ok());
    // An answer that is lost is no lost lock.
    let mut once = Some(Fault::LostAnswer);
    s3.fault(move |head| if writes(head, "one") { once.take() } else { None });
    await_requests(&s3, "one", 4);
    assert!(leader.lock.check().is_ok());
}

#[test]
fn a_second_server_leads_only_when_the_first_writes_no_more_and_the_first_never_writes_again() {
    let Some(s3) = S3::start("a leader lock that runs out") else { return };
    let clock = clock();
    let mut first = Candidate::start(&s3, "one", &clock);
    let old = until("the first to lead", || first.leads());
    let mut second = Candidate::start(&s3, "two", &clock);
    await_requests(&s3, "two", 4);
    assert!(second.leads().is_none());

    s3.fault(|head| writes(head, "one").then_some(Fault::Answer(500, "InternalError")));
    await_requests(&s3, "one", 2);
    let new = until("the second to lead", || {
        clock.advance(Duration::from_secs(1));
        let new = second.leads();
        assert!(new.is_none() || old.lock.check().is_err(), "both write");
        new
    });
    s3.heal();
    until("the first to see that it lost the lock", || {
        old.lock.check().is_err_and(|error| error.message.contains("has taken")).then_some(())
    });
    until("the second to renew", || new.lock.check().ok());
    drop(old);
    await_requests(&s3, "two", 1);
    assert!(new.lock.check().is_ok(), "the first does not give back what is not its own");
}

#[test]
fn no_server_leads_with_a_store_that_ignores_the_conditions_of_a_write() {
    let Some(s3) = S3::start_strict("a store without conditional writes") else { return };
    let stop = StopFlag::default();
    let Err(error) = Leader::wait(s3.bucket(), KEY.into(), clock(), &SystemRandom, &stop) else { panic!("it leads") };
    assert!(error.message.contains("If-None-Match"), "{error}");
}

#[test]
fn a_stopped_server_gives_the_lock_to_the_next_and_a_server_whose_lock_was_taken_answers_503() {
    let Some(s3) = S3::start("servers with a leader lock") else { return };
    let url = format!("s3://{BUCKET}/{KEY}");
    let storage = s3.flags("disk");
    let flags: Vec<&str> = storage.iter().map(String::as_str).chain(["--leader-lock", &url]).collect();
    let mut one = Appliance::start(&flags);
    let key = one.account("studio");
    one.submit(&key, &good_job());
    one.server().signal("TERM");
    assert!(one.server().wait().0.success());

    // Gets the lock at once.
    let mut two = Appliance::start(&flags);
    let key = two.account("studio");
    let job = two.submit(&key, &good_job());
    // As another server would take it after this one was silent for long.
    s3.bucket().put(KEY, b"other 0", "text/plain", Condition::None).unwrap();
    until("the server to notice", || {
        let (status, answer) = two.call("POST", "/api/clips", &key, Some(&good_job()));
        (status == 503).then(|| assert_eq!(answer["code"], "not_leader"))
    });
    two.job(&key, &job);
    until("the server to be unready", || (two.raw("GET", "/readyz", None, None).0 == 503).then_some(()));
    two.server().signal("TERM");
    assert!(two.server().wait().0.success());
}
