//! Benched nodes: no jobs, what the operator sees, how they come back.

use std::time::Duration;

use dinkem_appliance::app::accounts::{auth, dinks};
use dinkem_appliance::app::upkeep::health;
use dinkem_appliance::app::{jobs, nodes};
use dinkem_appliance::domain::node::{Node, NodeState};
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::store::{self, Store};

use serde_json::json;

use crate::http::node::publish;
use crate::support::appliance::{Appliance, Joined};
use crate::support::cli::Cli;
use crate::support::client::Request;
use crate::support::test_app::{TestApp, bearer, spec};

const MINUTE: Duration = Duration::from_secs(60);

fn bench(test: &TestApp, node: &Node) {
    nodes::bench(&test.app, node, "Its video is not the round's.").unwrap();
}

/// State and bench of the only node, as `admin nodes list` shows them.
fn listed(test: &TestApp) -> (NodeState, Option<(i64, String)>) {
    let info = nodes::list(&test.admin()).unwrap().remove(0);
    let bench = info.node.bench.filter(|_| info.state == NodeState::Benched);
    (info.state, bench.map(|bench| ((bench.until_ms - test.now_ms()) / 60_000, bench.because)))
}

fn join(test: &TestApp) -> nodes::Joined {
    nodes::join(&test.app, &nodes::token(&test.app, &crate::support::operator()).unwrap(), "n1").unwrap()
}

#[test]
fn benched_node_gets_no_jobs_and_returns_after_increasing_delays() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let nodes::Joined { node, key } = join(&test);
    assert!(test.claim(&node).is_none(), "there is no job yet");
    let id = jobs::submit(&test.app, &metered, spec()).unwrap().job.public_id;
    for minutes in [10, 20, 40] {
        bench(&test, &node);
        assert_eq!(listed(&test), (NodeState::Benched, Some((minutes, "Its video is not the round's.".into()))));
        assert!(test.claim(&node).is_none());
        let why = jobs::get(&test.app, &metered, id).unwrap().waiting_because;
        assert_eq!(why.as_deref(), Some("every node that could take it is draining or benched"));
        assert_eq!(dinks::show(&test.app).unwrap().live_slots, 0);
        let figures = health::figures(&test.app).unwrap();
        let benched = figures.nodes.iter().find(|nodes| nodes.state == NodeState::Benched).unwrap();
        assert_eq!((benched.nodes, benched.state.as_str()), (1, "benched"));
        test.clock.advance(MINUTE * u32::try_from(minutes).unwrap());
        auth::authenticate_node(&test.app, &[&bearer(&key)]).unwrap();
        assert_eq!(listed(&test), (NodeState::Up, None));
    }
    assert_eq!(test.claim(&node).unwrap().job.job.public_id, id);
}

#[test]
fn admin_shows_why_and_until_when_a_node_is_benched() {
    let test = TestApp::start();
    let node = test.node("n1");
    // The command uses the real clock.
    let now = SystemClock::new().now_ms();
    Store::beside(test.dir.path())
        .unwrap()
        .write(move |tx| {
            store::nodes::seen(tx, node.id, now)?;
            store::nodes::bench(tx, node.id, "Its video is not the round's.", now)
        })
        .unwrap();
    let cli = Cli::new();
    let dir = test.dir.path().to_str().unwrap();
    let admin = |args: &[&str]| cli.run(&[&["--json", "--data-dir", dir, "admin", "nodes"], args].concat());
    let listed = admin(&["list"]).json()["nodes"][0].clone();
    assert_eq!(
        (&listed["state"], &listed["benched_because"]),
        (&"benched".into(), &"Its video is not the round's.".into())
    );
    assert!(listed["benched_until"].is_string(), "{listed}");
    let shown = cli.run(&["--data-dir", dir, "admin", "nodes", "list"]);
    let (_, bench) =
        shown.out.split_once("n1 is benched and gets work again in ").unwrap_or_else(|| panic!("{shown:?}"));
    assert!(bench.trim_end().ends_with(": Its video is not the round's."), "{shown:?}");
    assert_eq!(admin(&["resume", "n1"]).status, 0);
    assert_eq!(admin(&["list"]).json()["nodes"][0]["benched_until"], serde_json::Value::Null);
}

#[test]
fn operator_resumes_a_benched_node_and_its_next_bench_is_short() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n1");
    bench(&test, &node);
    bench(&test, &node);
    nodes::resume(&test.admin(), &crate::support::operator(), "n1").unwrap();
    assert_eq!(listed(&test), (NodeState::Up, None));
    jobs::submit(&test.app, &metered, spec()).unwrap();
    assert!(test.claim(&node).is_some());
    bench(&test, &node);
    assert_eq!(listed(&test).1.unwrap().0, 10);
}

/// Fails the node's next job, over HTTP; the job's id.
fn fails(appliance: &Appliance, node: &Joined, retry: &str) -> String {
    let claim = appliance.claim(node).expect("there is a job for it");
    let body = json!({"code": "render_failed", "message": "The picture was black.", "retry": retry}).to_string();
    let fail = format!("/api/node/leases/{}/fail", claim["lease"]);
    appliance.send(&Request::post(&fail).key(&node.key).json(body)).expect(200);
    claim["job"]["id"].as_str().unwrap().to_owned()
}

fn completes(appliance: &Appliance, node: &Joined) {
    let claim = appliance.claim(node).expect("there is a job for it");
    publish(appliance, node, &claim);
}

fn state_of(appliance: &Appliance, name: &str) -> (NodeState, bool, Option<String>) {
    let all = nodes::list(&appliance.app).unwrap().into_iter();
    let info = all.into_iter().find(|info| info.node.name == name).unwrap();
    let why = info.node.bench.clone().filter(|_| info.is_benched).map(|bench| bench.because);
    (info.state, info.node.is_on_trial(), why)
}

#[test]
fn node_whose_last_five_jobs_failed_is_benched_once_another_completes_one_of_them() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let (bad, good) = (appliance.node("bad"), appliance.node("good"));
    // The good node is known as one that can take them.
    assert!(appliance.claim(&good).is_none());
    (0..5).for_each(|_| drop(appliance.job(&key)));
    (0..4).for_each(|_| drop(fails(&appliance, &bad, "elsewhere")));
    completes(&appliance, &good);
    assert_eq!(state_of(&appliance, "bad").0, NodeState::Up, "four are not enough");
    fails(&appliance, &bad, "elsewhere");
    let (state, _, why) = state_of(&appliance, "bad");
    assert_eq!(state, NodeState::Benched);
    let why = why.unwrap();
    assert!(why.contains("last 5 jobs failed") && why.ends_with("The picture was black."), "{why}");
    assert!(appliance.claim(&bad).is_none());
    (0..4).for_each(|_| completes(&appliance, &good));
    assert_eq!(state_of(&appliance, "good").0, NodeState::Up);
}

#[test]
fn failures_count_when_another_node_completes_such_a_job_later() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let (bad, good) = (appliance.node("bad"), appliance.node("good"));
    assert!(appliance.claim(&good).is_none());
    (0..5).for_each(|_| drop(appliance.job(&key)));
    (0..5).for_each(|_| drop(fails(&appliance, &bad, "elsewhere")));
    assert_eq!(state_of(&appliance, "bad").0, NodeState::Up, "the jobs themselves may be bad");
    completes(&appliance, &good);
    assert_eq!(state_of(&appliance, "bad").0, NodeState::Benched);
}

#[test]
fn jobs_that_fail_everywhere_bench_no_node() {
    let appliance = Appliance::start();
    let hostile = appliance.account("hostile").metered;
    let nodes = ["n1", "n2"].map(|name| appliance.node(name));
    assert!(appliance.claim(&nodes[1]).is_none());
    for node in &nodes {
        for retry in ["never", "anywhere", "elsewhere"] {
            for _ in 0..6 {
                appliance.job(&hostile);
                fails(&appliance, node, retry);
            }
        }
    }
    assert_eq!([state_of(&appliance, "n1").0, state_of(&appliance, "n2").0], [NodeState::Up; 2]);
}

#[test]
fn after_its_bench_a_node_gets_one_job_at_a_time_until_one_succeeds_and_a_longer_bench_if_it_fails() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let (bad, good) = (appliance.node("bad"), appliance.node("good"));
    assert!(appliance.claim(&good).is_none());
    (0..5).for_each(|_| drop(appliance.job(&key)));
    (0..5).for_each(|_| drop(fails(&appliance, &bad, "elsewhere")));
    (0..5).for_each(|_| completes(&appliance, &good));
    assert_eq!(state_of(&appliance, "bad").0, NodeState::Benched);

    let heard_from = |node: &Joined| assert!(appliance.claim(node).is_none());
    appliance.clock.advance(10 * MINUTE);
    [&bad, &good].into_iter().for_each(heard_from);
    assert_eq!(state_of(&appliance, "bad"), (NodeState::Up, true, None));
    appliance.job(&key);
    fails(&appliance, &bad, "elsewhere");
    appliance.clock.advance(19 * MINUTE);
    heard_from(&bad);
    assert_eq!(state_of(&appliance, "bad").0, NodeState::Benched, "twice as long");
    appliance.clock.advance(MINUTE);
    completes(&appliance, &good);
    heard_from(&bad);
    assert_eq!(state_of(&appliance, "bad").0, NodeState::Up, "a job that failed before says nothing new");

    (0..3).for_each(|_| drop(appliance.job(&key)));
    let claim = appliance.claim(&bad).unwrap();
    assert!(appliance.claim(&bad).is_none(), "one at a time");
    publish(&appliance, &bad, &claim);
    assert!(!state_of(&appliance, "bad").1);
    assert!(appliance.claim(&bad).is_some() && appliance.claim(&bad).is_some());
}

#[test]
fn resumed_node_starts_with_a_clean_record() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let (bad, good) = (appliance.node("bad"), appliance.node("good"));
    assert!(appliance.claim(&good).is_none());
    (0..5).for_each(|_| drop(appliance.job(&key)));
    (0..5).for_each(|_| drop(fails(&appliance, &bad, "elsewhere")));
    (0..5).for_each(|_| completes(&appliance, &good));
    nodes::resume(&appliance.app, &crate::support::operator(), "bad").unwrap();
    appliance.job(&key);
    fails(&appliance, &bad, "elsewhere");
    completes(&appliance, &good);
    assert_eq!(state_of(&appliance, "bad"), (NodeState::Up, false, None));
}
