//! Fairness between nodes: claims and leases of one node leave room for the others.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use dinkem_appliance::app::{App, leases, nodes};
use dinkem_appliance::domain::job::Stage;
use dinkem_appliance::domain::lease::{LEASE_AGE_SECONDS, Progress};
use dinkem_appliance::os::random::FakeRandom;
use dinkem_appliance::wire::node_requests::CLAIM_WAIT_SECONDS;
use serde_json::json;

use super::leave::waiting_claim;
use crate::support::appliance::Appliance;
use crate::support::client::{Answer, Request};
use crate::support::test_app::{LEASE, TestApp, spec};
use crate::support::wait::until;

/// Whether a response has arrived.
fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let answered = stream.peek(&mut [0]).is_ok();
    stream.set_nonblocking(false).unwrap();
    answered
}

/// Waits until this many of the claims are answered, and returns those.
fn answered(claims: Vec<TcpStream>, count: usize) -> Vec<TcpStream> {
    until("the claims to be answered", || {
        (claims.iter().filter(|claim| is_answered(claim)).count() == count).then_some(())
    });
    let (answered, waiting): (Vec<_>, Vec<_>) = claims.into_iter().partition(is_answered);
    // Keep the others waiting until the test is over.
    std::mem::forget(waiting);
    answered
}

#[test]
fn many_claims_of_one_node_leave_room_for_another() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let (greedy, honest) = (appliance.node("greedy"), appliance.node("honest"));
    let claims: Vec<_> = (0..120).map(|_| waiting_claim(&appliance, &greedy, 1)).collect();
    let other = waiting_claim(&appliance, &honest, 1);
    let ended = answered(claims, 118);
    assert!(!is_answered(&other), "only slots + 1 claims of the node and the other node's keep waiting");
    for claim in ended {
        Answer::read(claim, false).expect(204);
    }
    // The greedy node has one slot, so one of the two jobs goes to the other node.
    let ids = [appliance.job(&key), appliance.job(&key)];
    let got = Answer::read(other, false).expect(200).json()["job"]["id"].as_str().unwrap().to_owned();
    assert!(ids.contains(&got));
}

#[test]
fn waiting_claims_end_when_their_node_is_drained_or_removed() {
    for what in ["drained", "removed"] {
        let appliance = Appliance::start();
        let node = appliance.node("n1");
        let claims = [waiting_claim(&appliance, &node, 2), waiting_claim(&appliance, &node, 2)];
        let admin =
            App::beside(appliance.app.data_dir(), appliance.clock.clone(), std::sync::Arc::new(FakeRandom::default()));
        let admin = admin.unwrap();
        let began = Instant::now();
        match what {
            "drained" => drop(nodes::drain(&admin, &crate::support::operator(), "n1").unwrap()),
            _ => drop(nodes::remove(&admin, &crate::support::operator(), "n1").unwrap()),
        }
        for claim in claims {
            Answer::read(claim, false).expect(204);
        }
        let took = began.elapsed();
        assert!(took < Duration::from_secs(CLAIM_WAIT_SECONDS / 2), "{what}: {took:?}");
        let status = if what == "removed" { 401 } else { 204 };
        let body = json!({"wait_seconds": 25, "renderers": ["builtin"], "slots": 1}).to_string();
        appliance.send(&Request::post("/api/node/claims").key(&node.key).json(body)).expect(status);
    }
}

#[test]
fn removed_nodes_jobs_go_to_another_node_uncounted() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let (node, other) = (appliance.node("n1"), appliance.node("n2"));
    let id = appliance.job(&key);
    let claim = appliance.claim(&node).unwrap();
    nodes::remove(&appliance.app, &crate::support::operator(), "n1").unwrap();
    let lease = format!("/api/node/leases/{}", claim["lease"]);
    appliance.send(&Request::put(&lease).key(&node.key).json(r#"{"stage":"parsing","progress":0.5}"#)).expect(401);
    let again = appliance.claim(&other).unwrap();
    assert_eq!((&again["job"]["id"], &again["job"]["attempts"]), (&json!(id), &json!(0)));
}

#[test]
fn lease_ends_after_two_hours_despite_progress() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n1");
    dinkem_appliance::app::jobs::submit(&test.app, &metered, spec()).unwrap();
    let grant = test.claim(&node).unwrap();
    let step = LEASE * 2 / 3;
    let steps = LEASE_AGE_SECONDS / step.as_secs();
    for number in 1..steps {
        test.clock.advance(step);
        let progress = Progress { stage: Stage::Rendering, fraction: number as f64 / steps as f64 };
        leases::heartbeat(&test.app, &node, grant.lease.id, progress).unwrap();
        assert_eq!(leases::expire(&test.app).unwrap(), 0, "step {number} of {steps}");
    }
    test.clock.advance(step);
    assert_eq!(leases::expire(&test.app).unwrap(), 1);
    let late = Progress { stage: Stage::Uploading, fraction: 1.0 };
    let actual = leases::heartbeat(&test.app, &node, grant.lease.id, late).unwrap_err();
    assert_eq!(actual.code.as_str(), "lost");
}
