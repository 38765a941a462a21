//! Stopped or disconnected nodes get no jobs that would have to wait for their lease to expire.

use std::cell::Cell;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use dinkem_appliance::app::leases::{Claim, Claimed};
use dinkem_appliance::app::{jobs, leases, nodes};
use dinkem_appliance::domain::job::JobStatus;
use dinkem_appliance::domain::node::NodeState;
use dinkem_appliance::domain::offer::Offer;
use dinkem_appliance::wire::node_requests::CLAIM_WAIT_SECONDS;
use serde_json::json;

use crate::support::appliance::{Appliance, Joined};
use crate::support::client::{Answer, Request, connect};
use crate::support::test_app::{BUILTIN, TestApp, spec};
use crate::support::wait::until;

/// Sends a waiting claim, and returns once the server has received it.
pub fn waiting_claim(appliance: &Appliance, node: &Joined, slots: u32) -> TcpStream {
    let body = json!({"wait_seconds": CLAIM_WAIT_SECONDS, "renderers": ["builtin"], "slots": slots});
    let request = Request::post("/api/node/claims").key(&node.key).json(body.to_string());
    let mut stream = connect(appliance.address);
    stream.write_all(&request.bytes()).unwrap();
    // Once this request is answered, the server has also received the claim before it.
    appliance.send(&Request::get("/healthz")).expect(200);
    stream
}

fn state(appliance: &Appliance, name: &str) -> NodeState {
    let all = nodes::list(&appliance.app).unwrap();
    all.into_iter().find(|info| info.node.name == name).unwrap().state
}

#[test]
fn claim_of_a_disconnected_node_takes_no_job() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let (gone, other) = (appliance.node("gone"), appliance.node("other"));
    for _ in 0..10 {
        drop(waiting_claim(&appliance, &gone, 1));
        appliance.send(&Request::get("/healthz")).expect(200);
        let id = appliance.job(&key);
        let claim = appliance.claim(&other).expect("the other node must get the job");
        assert_eq!((&claim["job"]["id"], &claim["job"]["attempts"]), (&json!(id), &json!(0)));
    }
}

#[test]
fn job_claimed_as_its_node_disconnects_is_put_back_uncounted() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let (gone, other) = (test.node("gone"), test.node("other"));
    let id = jobs::submit(&test.app, &metered, spec()).unwrap().job.public_id;
    // The node is connected when the claim begins and when a job is found, but not after it was taken.
    let checks = Cell::new(0);
    let is_there = || checks.replace(checks.get() + 1) < 2;
    let offer = Offer { renderers: BUILTIN.to_vec(), slots: 1, ..Offer::none() };
    let claim = Claim { offer: &offer, wait: Duration::ZERO, waiting_claims: 10, is_there: &is_there };
    assert!(matches!(leases::begin(&test.app, &gone, &claim).unwrap(), Claimed::Nothing));
    assert_eq!(checks.get(), 3);
    let job = jobs::get(&test.app, &metered, id).unwrap().job;
    assert_eq!((job.status, job.attempts), (JobStatus::Queued, 0));
    assert_eq!(nodes::list(&test.app).unwrap()[0].leases, 0);
    assert_eq!(test.claim(&other).unwrap().job.job.public_id, id);
}

#[test]
fn node_that_left_gets_no_job_until_it_claims_again() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let claim = waiting_claim(&appliance, &node, 1);
    until("the claim", || (nodes::list(&appliance.app).unwrap()[0].node.offer.slots == 1).then_some(()));
    assert_eq!(state(&appliance, "n1"), NodeState::Up);
    for _ in 0..2 {
        let left = appliance.send(&Request::post("/api/node/leave").key(&node.key).json("{}")).expect(200);
        assert_eq!((left.json(), state(&appliance, "n1").as_str()), (json!({}), "stopped"));
    }
    Answer::read(claim, false).expect(204);
    let id = appliance.job(&key);
    let job = appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).json();
    assert_eq!((&job["status"], &job["waiting_because"]), (&json!("queued"), &json!("no render node is connected")));

    assert_eq!(appliance.claim(&node).unwrap()["job"]["id"], json!(id));
    assert_eq!(state(&appliance, "n1"), NodeState::Up);
}

#[cfg(unix)]
#[test]
fn terminated_node_process_is_shown_as_stopped_at_once() {
    use crate::support::process;
    let appliance = process::Appliance::start(&[]);
    let mut node = appliance.node("n1", None);
    let listed = |about: &str, is: &dyn Fn(&serde_json::Value) -> bool| {
        until(about, || Some(appliance.admin(&["nodes", "list"])["nodes"][0].clone()).filter(is))
    };
    listed("the node to be up", &|node| node["state"] == "up" && node["slots"] == 1);
    node.signal("TERM");
    assert!(node.wait().0.success());
    let stopped = appliance.admin(&["nodes", "list"])["nodes"][0].clone();
    assert!(stopped["state"] == "stopped" && stopped["stopped_at"].is_string(), "{stopped}");
    let _again = appliance.node("n1", None);
    let back = listed("the node to be up again", &|node| node["state"] == "up");
    assert!(back["stopped_at"].is_null(), "{back}");
}
