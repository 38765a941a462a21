//! Waiting claims cost no thread, and as many are woken as there are jobs for them.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::jobs::operator;
use dinkem_appliance::app::leases::frames;
use dinkem_appliance::app::{App, accounts, nodes};
use dinkem_appliance::os::random::FakeRandom;
use serde_json::{Value, json};

use super::leave::waiting_claim;
use crate::support::appliance::{Appliance, Joined};
use crate::support::client::{Answer, Request};
use crate::support::wait::until;

/// Threads of the server: far fewer than claims wait.
const THREADS: usize = 4;

fn start() -> Appliance {
    Appliance::start_with(|options| options.limits.threads = THREADS)
}

/// One waiting claim of each node, in order.
fn waiting_claims(appliance: &Appliance, nodes: &[Joined]) -> Vec<TcpStream> {
    let before = appliance.app.waiting_claims();
    let claims = nodes.iter().enumerate().map(|(count, node)| {
        let claim = waiting_claim(appliance, node, 1);
        until_waiting(appliance, before + count + 1);
        claim
    });
    claims.collect()
}

fn until_waiting(appliance: &Appliance, count: usize) {
    until("the waiting claims", || (appliance.app.waiting_claims() == count).then_some(()));
}

fn nodes(appliance: &Appliance, count: usize) -> Vec<Joined> {
    (0..count).map(|number| appliance.node(&format!("n{number}"))).collect()
}

/// `admin` in another process.
fn admin(appliance: &Appliance) -> Arc<App> {
    App::beside(appliance.app.data_dir(), appliance.clock.clone(), Arc::new(FakeRandom::default())).unwrap()
}

fn job_of(claim: TcpStream) -> Value {
    Answer::read(claim, false).expect(200).json()["job"]["id"].clone()
}

#[test]
fn hundreds_of_claims_wait_on_a_few_threads_and_each_job_wakes_one() {
    const CLAIMS: usize = 300;
    const JOBS: usize = 20;
    let appliance = start();
    let key = appliance.account("studio").metered;
    let mut claims = waiting_claims(&appliance, &nodes(&appliance, CLAIMS));
    for path in ["/api/account", "/healthz", "/api/demos"] {
        appliance.send(&Request::get(path).key(&key)).expect(200);
    }
    // Those that wait longest come first.
    for claim in claims.drain(..JOBS) {
        let id = appliance.job(&key);
        assert_eq!(job_of(claim), json!(id));
    }
    assert_eq!(appliance.app.woken_claims(), JOBS as u64);
    assert_eq!(appliance.app.waiting_claims(), CLAIMS - JOBS);
    let metrics = appliance.send(&Request::get("/metrics")).expect(200);
    for line in [format!("dinkem_claims_waiting {}", CLAIMS - JOBS), format!("dinkem_claims_woken_total {JOBS}")] {
        assert!(metrics.text().lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn jobs_that_become_available_together_wake_as_many_claims() {
    const JOBS: usize = 5;
    let appliance = start();
    let keys = appliance.inactive_account("studio");
    accounts::activate(&appliance.app, &crate::support::operator(), Some("studio")).unwrap();
    let mut ids: Vec<String> = (0..JOBS).map(|_| appliance.job(&keys.metered)).collect();
    accounts::deactivate(&appliance.app, &crate::support::operator(), "studio").unwrap();
    let claims = waiting_claims(&appliance, &nodes(&appliance, 2 * JOBS));
    assert_eq!(appliance.app.woken_claims(), 0, "the account's jobs wait");
    accounts::activate(&admin(&appliance), &crate::support::operator(), Some("studio")).unwrap();
    let mut got: Vec<Value> = claims.into_iter().take(JOBS).map(job_of).collect();
    got.sort_by_key(Value::to_string);
    ids.sort();
    assert_eq!(json!(got), json!(ids));
    assert_eq!(appliance.app.woken_claims(), JOBS as u64);
}

#[test]
fn job_set_back_wakes_a_claim_of_another_node() {
    let appliance = start();
    let key = appliance.account("studio").metered;
    let both = nodes(&appliance, 2);
    let id = appliance.job(&key);
    let lease = appliance.claim(&both[0]).unwrap()["lease"].clone();
    let claim = waiting_claims(&appliance, &both[1..]).remove(0);
    let failed = json!({"code": "render_failed", "message": "x", "retry": "elsewhere"}).to_string();
    let path = format!("/api/node/leases/{lease}/fail");
    appliance.send(&Request::post(&path).key(&both[0].key).json(failed)).expect(200);
    assert_eq!(job_of(claim), json!(id));
}

#[test]
fn claim_of_a_full_node_gets_a_job_as_soon_as_a_slot_is_free() {
    let appliance = start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let (first, second) = (appliance.job(&key), appliance.job(&key));
    assert_eq!(job_of(waiting_claim(&appliance, &node, 1)), json!(first));
    let claim = waiting_claims(&appliance, &[node]).remove(0);
    appliance.send(&Request::delete(&format!("/api/clips/{first}")).key(&key)).expect(200);
    assert_eq!(job_of(claim), json!(second));
}

#[test]
fn job_retried_by_another_process_wakes_a_claim() {
    let appliance = start();
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    appliance.send(&Request::delete(&format!("/api/clips/{id}")).key(&key)).expect(200);
    let claim = waiting_claims(&appliance, &nodes(&appliance, 1)).remove(0);
    operator::retry(&admin(&appliance), &crate::support::operator(), id.parse().unwrap()).unwrap();
    assert_eq!(job_of(claim), json!(id));
}

#[test]
fn claim_ends_when_its_node_hangs_up_drains_or_is_removed() {
    type End = fn(&Appliance);
    let ends: [(&str, End); 4] = [
        ("drained", |appliance| drop(nodes::drain(&appliance.app, &crate::support::operator(), "n0").unwrap())),
        ("drained elsewhere", |appliance| {
            drop(nodes::drain(&admin(appliance), &crate::support::operator(), "n0").unwrap())
        }),
        ("removed", |appliance| drop(nodes::remove(&appliance.app, &crate::support::operator(), "n0").unwrap())),
        ("removed elsewhere", |appliance| {
            drop(nodes::remove(&admin(appliance), &crate::support::operator(), "n0").unwrap())
        }),
    ];
    for (what, end) in ends {
        let appliance = start();
        let key = appliance.account("studio").metered;
        let mut claims = waiting_claims(&appliance, &nodes(&appliance, 3));
        end(&appliance);
        Answer::read(claims.remove(0), false).expect(204);
        drop(claims.remove(0));
        until_waiting(&appliance, 1);
        let id = appliance.job(&key);
        assert_eq!(job_of(claims.remove(0)), json!(id), "{what}: the job goes to the one that is left");
        assert_eq!(appliance.app.woken_claims(), 1, "{what}");
    }
}

#[test]
fn heartbeats_are_due_often_only_while_somebody_watches() {
    let appliance = start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let id = appliance.job(&key);
    let claim = appliance.claim(&node).unwrap();
    assert_eq!(claim["heartbeat_ms"], json!(10_000));
    let path = format!("/api/node/leases/{}", claim["lease"]);
    let next = || {
        let beat = Request::put(&path).key(&node.key).json(r#"{"stage":"rendering","progress":0.5}"#);
        appliance.send(&beat).expect(200).json()["heartbeat_ms"].clone()
    };
    assert_eq!(next(), json!(10_000));
    appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).expect(200);
    for (seconds, expected) in [(0, 500), (29, 500), (1, 10_000)] {
        appliance.clock.advance(Duration::from_secs(seconds));
        assert_eq!(next(), json!(expected), "{seconds}");
    }
    frames::watch(&appliance.app);
    assert_eq!(next(), json!(500), "an operator has the dashboard open");
}
