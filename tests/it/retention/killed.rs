//! Repeated `kill -9` of a server that applies retention rules under load: no job is lost or archived twice, and `doctor`
//! finds nothing.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::accounts::auth;
use dinkem_appliance::app::upkeep::doctor::{self, Examination};
use dinkem_appliance::app::upkeep::{retention, sweep};
use dinkem_appliance::app::{App, Settings, accounts, demos, jobs, leases, nodes};
use dinkem_appliance::domain::failure::{Failure, FailureCode};
use dinkem_appliance::domain::id::JobId;
use dinkem_appliance::domain::job::{Caller, JobStatus};
use dinkem_appliance::domain::list::JobFilter;
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::retention::Kind;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::clock::FakeClock;
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::store::{Store, ledger};

use super::{archived, bytes, days, files, ids};
use crate::support::operator;
use crate::support::rng::Rng;
use crate::support::test_app::{BUILTIN, LEASE, START_MS, TestApp};
use crate::support::video::{CLIP, POSTER};

const ROUNDS: u32 = 12;
/// Threads that submit and render.
const STUDIOS: u32 = 2;
/// Maximum of lines read before a kill.
const MAX_LINES: usize = 120;
/// Environment variable with the child's round, the time, the account's key and the directory.
const CHILD: &str = "RETENTION_KILL_CHILD";
/// Prefix of acknowledged jobs in the output; status and id follow.
const ENDED: &str = "ended ";
/// Prefix of what retention did.
const RETENTION: &str = "retention ";

/// What `doctor` finds, except that the tests' dinks have no nodes.
pub fn faults(test: &TestApp) -> Vec<&'static str> {
    examine(test.dir.path(), test.clock.clone())
}

fn examine(data_dir: &Path, clock: Arc<FakeClock>) -> Vec<&'static str> {
    let (data_dir, random) = (data_dir.to_owned(), Arc::new(SystemRandom));
    let examination = Examination {
        data_dir,
        host: None,
        certificate: None,
        clock,
        random,
        storage: None,
        replica_socket: None,
        fix: false,
    };
    let faults = doctor::examine(&examination).unwrap();
    faults.iter().map(|fault| fault.code).filter(|code| !["dinks_oversold", "no_nodes"].contains(code)).collect()
}

fn serve(dir: &Path, clock: Arc<FakeClock>) -> Arc<App> {
    let settings = Settings { lease_ms: LEASE.as_millis() as u64, ..Settings::default() };
    App::serve(dir, settings, clock, Arc::new(SystemRandom)).unwrap()
}

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

/// Not a test by itself: the child process that is killed. Does nothing without the variable.
#[test]
fn child_process_entry_point() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let [round, now_ms, key, dir] = task.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
    let clock = Arc::new(FakeClock::at(now_ms.parse().unwrap()));
    let app = serve(Path::new(dir), clock.clone());
    let caller = auth::authenticate(&app, &[&format!("Bearer {key}")]).unwrap();
    // What the killed server's nodes held returns to the queue.
    clock.advance(2 * LEASE);
    leases::expire(&app).unwrap();
    std::thread::scope(|scope| {
        for studio in 0..STUDIOS {
            let token = nodes::token(&app, &operator()).unwrap();
            let node = nodes::join(&app, &token, &format!("{round}-{studio}")).unwrap().node;
            let (app, caller, clock) = (&app, &caller, &clock);
            scope.spawn(move || {
                for number in 0_u32.. {
                    work(app, caller, &node, number);
                    clock.advance(Duration::from_secs(3_600));
                }
            });
        }
        loop {
            let gone = retention::run(&app).unwrap();
            if gone > 0 {
                say(&format!("{RETENTION}{gone}"));
            }
        }
    });
}

/// Submits a job with a demo of its own, and cancels it, or works on the next job: it fails, or ends with a clip. The
/// other studio may have been faster.
fn work(app: &App, caller: &Caller, node: &Node, number: u32) {
    let mut demo = format!("PBDEMS2\0{} {number}", node.name).into_bytes();
    demo.resize(1_000, 0);
    let sha256 = demos::receive(app, caller, &mut &demo[..]).unwrap().sha256;
    let id = jobs::submit(app, caller, super::job_for(&sha256)).unwrap().job.public_id;
    let ended = |status: &str, id| say(&format!("{ENDED}{status} {id}"));
    if number.is_multiple_of(3) {
        return ended(jobs::remove(app, caller, id).unwrap().job.status.as_str(), id);
    }
    let Some(grant) = leases::claim(app, node, BUILTIN, 1, Duration::ZERO).unwrap() else { return };
    let (lease, id) = (grant.lease.id, grant.job.job.public_id);
    if number % 3 == 1 {
        let failure = Failure::for_good(FailureCode::RenderFailed, "x");
        if leases::fail(app, node, lease, failure.into()).is_ok() {
            ended("failed", id);
        }
        return;
    }
    let uploaded = leases::append_video(app, node, lease, 0, &mut &CLIP[..]).is_ok()
        && leases::put_poster(app, node, lease, &mut &POSTER[..]).is_ok();
    if uploaded && leases::complete(app, node, lease, Sha256::of(&*CLIP).into()).is_ok() {
        ended("done", id);
    }
}

/// All jobs in the store, by id.
fn stored(app: &App, caller: &Caller) -> BTreeMap<String, JobStatus> {
    let (mut found, mut before) = (BTreeMap::new(), None);
    loop {
        let page = jobs::list(app, caller, &JobFilter::default(), 100, before).unwrap();
        found.extend(page.jobs.iter().map(|info| (info.job.public_id.to_string(), info.job.status)));
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

#[test]
fn server_killed_while_it_deletes_and_archives_loses_nothing_and_doctor_is_content() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let clock = Arc::new(FakeClock::at(START_MS));
    let app = serve(&data, clock.clone());
    let (_, keys) = accounts::create(&app, &operator(), "studio", true).unwrap();
    accounts::activate(&app, &operator(), None).unwrap();
    let key = keys.metered.unwrap();
    for (kind, limits) in
        [(Kind::Clips, bytes(4 * CLIP.len() as u64)), (Kind::Demos, bytes(5_000)), (Kind::Jobs, days(1))]
    {
        retention::set(&app, &operator(), kind, None, Some(limits)).unwrap();
    }
    drop(app);
    let (mut ended, mut rng, mut removals) = (BTreeMap::new(), Rng::new(12), 0);
    for round in 0..ROUNDS {
        // Each round begins long after the one before.
        let now_ms = START_MS + i64::from(round) * 86_400_000 * 20;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "retention::killed::child_process_entry_point", "--nocapture"])
            .env(CHILD, format!("{round} {now_ms} {} {}", key.reveal(), data.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut read: Vec<String> = lines.by_ref().take(1 + rng.below(MAX_LINES)).collect();
        child.kill().unwrap();
        // Lines printed before the kill count too, except the last one, which may be incomplete.
        read.extend(lines);
        read.pop();
        child.wait().unwrap();
        for line in read {
            removals += u32::from(line.starts_with(RETENTION));
            if let Some((status, id)) = line.strip_prefix(ENDED).and_then(|line| line.split_once(' ')) {
                let earlier = ended.insert(id.to_owned(), status.to_owned());
                assert!(earlier.is_none_or(|earlier| earlier == status), "{id} ended twice");
            }
        }
    }
    assert!(removals > ROUNDS && ended.len() > 10 * ROUNDS as usize, "{removals} {}", ended.len());

    clock.advance(Duration::from_secs(86_400 * 365));
    let app = serve(&data, clock.clone());
    let caller = auth::authenticate(&app, &[&format!("Bearer {}", key.reveal())]).unwrap();
    sweep::sweep(&app).unwrap();
    assert_eq!(examine(&data, clock.clone()), [""; 0]);
    retention::run(&app).unwrap();
    assert_eq!(examine(&data, clock), [""; 0]);

    let months = files(&data, "archive");
    let month = |name: &String| name.trim_start_matches("jobs-").trim_end_matches(".jsonl.gz").to_owned();
    let lines: Vec<_> = months.iter().flat_map(|name| archived(&data, &month(name))).collect();
    let in_archive: HashSet<String> = ids(&lines).into_iter().collect();
    assert_eq!(in_archive.len(), lines.len(), "none is archived twice");
    let in_store = stored(&app, &caller);
    assert!(in_store.keys().all(|id| !in_archive.contains(id)), "none is in both");
    let status = |line: &serde_json::Value| line["job"]["status"].as_str().unwrap().to_owned();
    let mut all: BTreeMap<String, String> = ids(&lines).into_iter().zip(lines.iter().map(status)).collect();
    all.extend(in_store.into_iter().map(|(id, status)| (id, status.as_str().to_owned())));
    let wrong: Vec<_> = ended.iter().filter(|(id, status)| all.get(*id) != Some(status)).collect();
    assert!(wrong.is_empty(), "{} of {} lost or changed: {wrong:?}", wrong.len(), ended.len());
    let billed = Store::beside(&data).unwrap().read(|db| ledger::page(db, JobId(0), 100_000)).unwrap();
    assert_eq!(billed.len(), all.values().filter(|status| *status == "done").count(), "each is billed once");
}
