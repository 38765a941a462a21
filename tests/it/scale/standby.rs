//! A warm standby with a real Litestream: `docs/standby.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::scale::primary::Primary;
use crate::support::appliance::good_job;
use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::wait::until;

/// Longest window of lost jobs when server and Litestream are killed together, in seconds: the package's configuration
/// copies once a second; the rest is for a busy machine.
const WINDOW_SECONDS: f64 = 10.0;

#[test]
fn a_planned_switch_under_load_loses_no_job() {
    let Some(mut primary) = Primary::start("a planned switch", &["--max-queued-jobs", "1000000"]) else { return };
    let key = primary.appliance.account("studio");
    primary.wait_for_replica();
    let accepted = primary.under_load(&key, 300, |primary| {
        primary.appliance.server().signal("TERM");
        assert!(primary.appliance.server().wait().0.success());
        primary.stop_litestream("TERM");
    });
    primary.fail_over();
    assert_eq!(primary.lost(&key, &accepted).len(), 0, "of {}", accepted.len());
    assert_eq!(primary.appliance.faults(&[]).0, ["no_nodes"], "nothing else is wrong");
}

#[test]
fn server_and_litestream_killed_at_load_lose_at_most_the_window_and_every_lost_job_says_so() {
    let Some(mut primary) = Primary::start("a failover", &["--max-queued-jobs", "1000000"]) else { return };
    let key = primary.appliance.account("studio");
    primary.wait_for_replica();
    let kept = primary.under_load(&key, 100, |_| ());
    primary.wait_for_replica();
    let accepted = primary.under_load(&key, 500, Primary::kill_both);
    primary.fail_over();
    assert_eq!(primary.lost(&key, &kept).len(), 0, "the replica had them");
    let lost = primary.lost(&key, &accepted);
    let last = accepted.iter().map(|job| job.at).max().unwrap();
    let window = lost.iter().map(|job| (last - job.at).as_secs_f64()).fold(0.0, f64::max);
    eprintln!("{} of {} acknowledged jobs lost, window {window:.2} s", lost.len(), accepted.len());
    assert!(window < WINDOW_SECONDS, "{window} s");
    // Submitted again, they are jobs like any other.
    let again: BTreeSet<String> = lost.iter().map(|_| primary.appliance.submit(&key, &good_job())).collect();
    assert_eq!(again.len(), lost.len());
}

#[test]
fn lag_grows_and_doctor_warns_while_litestream_is_away_and_all_is_well_when_it_is_back() {
    let Some(mut primary) = Primary::start("the replica's lag", &[]) else { return };
    assert_eq!(primary.faults(), [""; 0]);
    primary.stop_litestream("KILL");
    assert_eq!(primary.faults(), ["replica_gone"]);
    let before = primary.lag().unwrap();
    primary.appliance.account("studio");
    until("the lag to grow", || primary.lag().filter(|lag| *lag > before + 1.0));
    primary.replicate();
    assert_eq!(primary.faults(), [""; 0]);
    // Its tables in the store disturb neither a start nor doctor.
    primary.appliance.restart();
    assert_eq!(primary.faults(), [""; 0]);
}

/// Every lease of a store: its number, and its job's id.
fn leases(appliance: &Appliance) -> BTreeMap<i64, String> {
    let store = appliance.store();
    let mut statement =
        store.prepare("SELECT leases.id, public_id FROM leases JOIN jobs ON jobs.id = leases.job").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, uuid::Uuid::from_bytes(row.get(1)?).to_string())));
    rows.unwrap().map(Result::unwrap).collect()
}

/// The ids of the jobs in the ledger.
fn billed(appliance: &Appliance) -> BTreeSet<String> {
    let store = appliance.store();
    let mut statement = store.prepare("SELECT public_id FROM ledger JOIN jobs ON jobs.id = ledger.job").unwrap();
    let rows = statement.query_map([], |row| Ok(uuid::Uuid::from_bytes(row.get(0)?).to_string()));
    rows.unwrap().map(Result::unwrap).collect()
}

/// Asserts that a lease of the old server is worth nothing at the new one, whatever its node does.
fn assert_refused(appliance: &Appliance, node_key: &str, lease: &Value) {
    let path = |rest: &str| format!("/api/node/leases/{lease}{rest}");
    let beat = json!({"stage": "rendering", "progress": 0.5});
    let complete = json!({"video_sha256": "0".repeat(64)});
    for (method, path, body) in [
        ("PUT", path(""), Some(&beat)),
        ("PUT", path("/video?offset=0"), None),
        ("POST", path("/complete"), Some(&complete)),
    ] {
        let (status, answer) = appliance.call(method, &path, node_key, body);
        assert_eq!(status, 409, "{method} {path}: {answer}");
    }
}

#[test]
fn jobs_that_the_replica_had_are_done_and_billed_once_and_all_later_ones_say_that_they_are_lost() {
    let flags = ["--fetch-allow", "127.0.0.0/8", "--lease-seconds", "300"];
    let Some(mut primary) = Primary::start("kept and lost jobs", &flags) else { return };
    let files = quick::server();
    let key = primary.appliance.account("studio");
    let claim = json!({"wait_seconds": 0, "renderers": ["builtin"], "slots": 4});
    let take = |appliance: &Appliance, node_key: &str| {
        let (status, held) = appliance.call("POST", "/api/node/claims", node_key, Some(&claim));
        assert_eq!(status, 200, "{held}");
        (held["job"]["id"].as_str().unwrap().to_owned(), held["lease"].clone())
    };
    let node = primary.appliance.node("old", None);
    let done = primary.appliance.submit(&key, &quick::job(&files));
    primary.appliance.wait_for_clip(&key, &done);
    drop(node);
    let state = fs::read(primary.appliance.scratch().join("old/node.json")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    let node_key = state["node_key"].as_str().unwrap();
    let waiting: [String; 3] = std::array::from_fn(|_| primary.appliance.submit(&key, &quick::job(&files)));
    let first = take(&primary.appliance, node_key);
    assert_eq!(first.0, waiting[0]);
    primary.wait_for_replica();
    primary.stop_litestream("KILL");

    // The replica never hears of what follows: a lease, a clip with its bill, jobs, and a lease of one of these.
    let second = take(&primary.appliance, node_key);
    assert_eq!(second.0, waiting[1]);
    let node = primary.appliance.node("unknown", None);
    primary.appliance.wait_for_clip(&key, &waiting[2]);
    drop(node);
    let lost: Vec<_> = (0..20).map(|_| primary.appliance.submit(&key, &quick::job(&files))).collect();
    let third = take(&primary.appliance, node_key);
    assert!(lost.contains(&third.0));
    assert_eq!(primary.appliance.ledger_rows(), 2);
    let old = leases(&primary.appliance);
    primary.appliance.server().kill();
    primary.fail_over();

    for (_, lease) in [&first, &second, &third] {
        assert_refused(&primary.appliance, node_key, lease);
    }
    assert_eq!(primary.appliance.ledger_rows(), 1, "a late delivery is no clip");
    for id in &lost {
        let (status, answer) = primary.appliance.call("GET", &format!("/api/clips/{id}"), &key, None);
        assert_eq!((status, &answer["code"]), (404, &json!("lost_in_failover")), "{answer}");
    }
    assert_eq!(primary.appliance.job(&key, &done)["status"], "done");
    let _node = primary.appliance.node("new", None);
    for id in &waiting {
        primary.appliance.wait_for_clip(&key, id);
    }
    let bills: Vec<_> = [done].iter().chain(&waiting).map(|id| id.to_string()).collect();
    assert_eq!(billed(&primary.appliance), BTreeSet::from_iter(bills));
    assert_eq!(primary.appliance.ledger_rows(), 4, "none twice");
    let new = leases(&primary.appliance);
    let kept: BTreeMap<_, _> = new.iter().filter(|(number, _)| old.contains_key(number)).collect();
    assert!(kept.iter().all(|(number, job)| old[number] == **job), "{old:?} {new:?}: no number for two jobs");
    assert_eq!((kept.len(), new.len()), (2, 5), "that of the finished job, the first, and three new ones");
}
