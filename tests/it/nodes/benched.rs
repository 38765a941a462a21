//! Benched nodes: no jobs, what the operator sees, how they come back.

use std::time::Duration;

use dinkem_appliance::app::accounts::{auth, dinks};
use dinkem_appliance::app::nodes::Joined;
use dinkem_appliance::app::upkeep::health;
use dinkem_appliance::app::{jobs, nodes};
use dinkem_appliance::domain::node::{Node, NodeState};
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::store::{self, Store};

use crate::support::cli::Cli;
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

fn join(test: &TestApp) -> Joined {
    nodes::join(&test.app, &nodes::token(&test.app, &crate::support::operator()).unwrap(), "n1").unwrap()
}

#[test]
fn benched_node_gets_no_jobs_and_returns_after_increasing_delays() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let Joined { node, key } = join(&test);
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
