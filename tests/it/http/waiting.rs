//! `GET /api/clips/{id}?wait=`: the response comes when the job's status or stage changes.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::{self, App};
use dinkem_appliance::os::random::FakeRandom;
use serde_json::json;

use super::node::{heartbeat, publish};
use crate::support::appliance::Appliance;
use crate::support::client::{Answer, Request, connect};
use crate::support::wait::until;

fn request(key: &str, id: &str, wait: u32) -> Request {
    Request::get(&format!("/api/clips/{id}?wait={wait}")).key(key)
}

/// Sends a request that waits, and returns once `waiting` requests are waiting.
fn wait_for(appliance: &Appliance, key: &str, id: &str, wait: u32, waiting: usize) -> TcpStream {
    let mut stream = connect(appliance.address);
    stream.write_all(&request(key, id, wait).bytes()).unwrap();
    until_waiting(appliance, waiting);
    stream
}

fn until_waiting(appliance: &Appliance, waiting: usize) {
    until("the waiting requests", || (appliance.app.waiting_requests() == waiting).then_some(()));
}

/// Status, stage and `Retry-After`.
fn told(answer: &Answer) -> (String, Option<String>, Option<String>) {
    let job = answer.json();
    let text = |name: &str| job[name].as_str().map(str::to_owned);
    (text("status").unwrap(), text("stage"), answer.header("Retry-After").map(str::to_owned))
}

#[test]
fn waiting_request_is_answered_when_status_or_stage_changes() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let (id, other) = (appliance.job(&key), appliance.job(&key));
    let bystander = wait_for(&appliance, &key, &other, 25, 1);
    let after = |change: &dyn Fn()| {
        let waiting = wait_for(&appliance, &key, &id, 25, 2);
        change();
        let answer = Answer::read(waiting, false).expect(200);
        until_waiting(&appliance, 1);
        told(&answer)
    };
    let state = |status: &str, stage: Option<&str>, retry: Option<&str>| {
        (status.to_owned(), stage.map(str::to_owned), retry.map(str::to_owned))
    };
    let claim = std::cell::OnceCell::new();
    let claimed = after(&|| claim.set(appliance.claim(&node).unwrap()).unwrap());
    assert_eq!(claimed, state("rendering", None, Some("2")));
    let claim = claim.get().unwrap();
    for stage in ["fetching", "parsing", "rendering", "uploading"] {
        let told = after(&|| drop(heartbeat(&appliance, &node, claim, stage, 0.5).expect(200)));
        assert_eq!(told, state("rendering", Some(stage), Some("2")));
    }
    assert_eq!(after(&|| publish(&appliance, &node, claim)), state("done", None, None));
    drop(bystander);
}

#[test]
fn waiting_request_is_answered_when_its_time_is_over() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    let short = wait_for(&appliance, &key, &id, 5, 1);
    let long = wait_for(&appliance, &key, &id, 25, 2);
    for (advance, stream, left) in [(5, short, 1), (20, long, 0)] {
        appliance.clock.advance(Duration::from_secs(advance));
        let answer = Answer::read(stream, false).expect(200);
        assert_eq!(told(&answer), ("queued".into(), None, Some("2".into())));
        until_waiting(&appliance, left);
    }
}

#[test]
fn finished_job_and_a_wait_of_zero_are_answered_at_once() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    for query in ["", "?wait=0", "?wait="] {
        let answer = appliance.send(&Request::get(&format!("/api/clips/{id}{query}")).key(&key)).expect(200);
        assert_eq!(told(&answer), ("queued".into(), None, Some("2".into())), "{query}");
    }
    appliance.send(&Request::delete(&format!("/api/clips/{id}")).key(&key)).expect(200);
    assert_eq!(told(&appliance.send(&request(&key, &id, 25)).expect(200)), ("cancelled".into(), None, None));
}

#[test]
fn job_cancelled_by_another_process_is_noticed() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    let waiting = wait_for(&appliance, &key, &id, 25, 1);
    let random = Arc::new(FakeRandom::default());
    let admin = App::beside(appliance.app.data_dir(), appliance.clock.clone(), random).unwrap();
    app::jobs::operator::cancel(&admin, &crate::support::operator(), id.parse().unwrap()).unwrap();
    assert_eq!(told(&Answer::read(waiting, false).expect(200)), ("cancelled".into(), None, None));
}

#[test]
fn request_beyond_the_limits_is_answered_at_once() {
    let appliance = Appliance::start_with(|options| options.limits.waiting_requests = 16);
    let accounts: Vec<_> = (0..9)
        .map(|number| {
            let key = appliance.account(&format!("studio {number}")).metered;
            let id = appliance.job(&key);
            (key, id)
        })
        .collect();
    let mut waiting = Vec::new();
    for (key, id) in &accounts[..8] {
        for _ in 0..2 {
            waiting.push(wait_for(&appliance, key, id, 25, waiting.len() + 1));
        }
        let third = appliance.send(&request(key, id, 25)).expect(200);
        assert_eq!(told(&third), ("queued".into(), None, Some("2".into())), "an account may use an eighth");
    }
    let (key, id) = &accounts[8];
    appliance.send(&request(key, id, 25)).expect(200);
    assert_eq!(appliance.app.waiting_requests(), 16, "nobody's wait was ended");
}

#[test]
fn client_that_disconnects_stops_waiting() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    drop(wait_for(&appliance, &key, &id, 25, 1));
    until_waiting(&appliance, 0);
}

#[test]
fn waiting_request_is_answered_when_the_server_stops() {
    let mut appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    let waiting = wait_for(&appliance, &key, &id, 25, 1);
    assert_eq!(appliance.stop(), 0, "no request was aborted");
    assert_eq!(told(&Answer::read(waiting, false).expect(200)), ("queued".into(), None, Some("2".into())));
}

#[test]
fn lookups_are_served_while_requests_wait_on_every_thread() {
    const THREADS: usize = 2;
    let appliance = Appliance::start_with(|options| options.limits.threads = THREADS);
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    let waiting: Vec<_> = (1..=THREADS).map(|count| wait_for(&appliance, &key, &id, 25, count)).collect();
    for path in ["/api/account", "/api/clips?limit=5", &format!("/api/clips/{id}")] {
        appliance.send(&Request::get(path).key(&key)).expect(200);
    }
    drop(waiting);
}

#[test]
fn bad_wait_is_rejected_only_for_a_job_that_exists() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    let cases = [
        ("wait=26", "wait"),
        ("wait=-1", "wait"),
        ("wait=%2B1", "wait"),
        ("wait=1.5", "wait"),
        ("wait=long", "wait"),
        ("wait=1&wait=2", "wait"),
        ("wiat=25", "wiat"),
    ];
    for (query, field) in cases {
        let send = |id: &str| appliance.send(&Request::get(&format!("/api/clips/{id}?{query}")).key(&key));
        send(&id).expect_bad_field(field);
        send("00000000-0000-7000-8000-000000000000").expect(404);
    }
    // Were it to wait, this would never end: the clock stands still.
    let put = appliance.send(&Request::put(&format!("/api/clips/{id}?wait=25")).key(&key)).expect(405);
    assert_eq!(put.json()["code"], json!("method_not_allowed"));
}

#[test]
fn hundreds_of_requests_wait_on_a_few_threads_and_only_those_of_the_changed_job_are_answered() {
    const EACH: usize = 100;
    let appliance = Appliance::start_with(|options| options.limits.threads = 2);
    let key = appliance.account("studio").metered;
    let ids = [appliance.job(&key), appliance.job(&key)];
    let mut waiting: Vec<TcpStream> =
        (1..=2 * EACH).map(|count| wait_for(&appliance, &key, &ids[count % 2], 25, count)).collect();
    appliance.send(&Request::get("/api/demos").key(&key)).expect(200);
    appliance.send(&Request::delete(&format!("/api/clips/{}", ids[1])).key(&key)).expect(200);
    for stream in waiting.drain(..).step_by(2) {
        assert_eq!(told(&Answer::read(stream, false).expect(200)), ("cancelled".into(), None, None));
    }
}
