//! Jobs and nodes as `admin` changes them in another process while the server runs.

use std::time::Duration;

use dinkem_appliance::app::accounts::{auth, dinks};
use dinkem_appliance::app::jobs::operator::{self, AnyJob, Filter};
use dinkem_appliance::app::{accounts, audit, jobs, leases, nodes};
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::failure::{Failure, FailureCode, Retry};
use dinkem_appliance::domain::id::KeyId;
use dinkem_appliance::domain::job::{Caller, JobStatus, Stage};
use dinkem_appliance::domain::lease::Progress;
use dinkem_appliance::domain::node::NodeState;
use dinkem_appliance::wire::node_requests::FailReport;
use uuid::Uuid;

use crate::support::epochs::clip_file;
use crate::support::test_app::{TestApp, bearer, spec};
use crate::support::wait::until;

fn submit(test: &TestApp, caller: &Caller) -> Uuid {
    jobs::submit(&test.app, caller, spec()).unwrap().job.public_id
}

fn refusal<T>(answer: Result<T, Error>) -> (Kind, &'static str) {
    answer.err().map(|error| (error.kind, error.code.as_str())).expect("it must be refused")
}

fn ids(found: &[AnyJob]) -> Vec<Uuid> {
    found.iter().map(|any| any.info.job.public_id).collect()
}

fn at(stage: Stage) -> Progress {
    Progress { stage, fraction: 0.5 }
}

fn permanent_failure() -> Failure {
    Failure::for_good(FailureCode::PlayerNotInDemo, "The player is not there.")
}

/// The server sees changes of another process at its next write, or shortly after.
fn claimed(test: &TestApp, node: &dinkem_appliance::domain::node::Node) -> leases::Grant {
    until("the job to be claimed", || test.claim(node))
}

#[test]
fn admin_finds_jobs_by_account_key_node_and_status() {
    let test = TestApp::start();
    let admin = test.admin();
    let (metered, reserved) = test.account("one");
    let (other, _) = test.account("two");
    let node = test.node("n1");
    let idle = test.node("n2");
    let failed = submit(&test, &metered);
    let lease = test.claim(&node).unwrap().lease.id;
    leases::fail(&test.app, &node, lease, permanent_failure().into()).unwrap();
    let queued = submit(&test, &metered);
    let rendering = submit(&test, &reserved);
    let foreign = submit(&test, &other);
    assert_eq!(test.claim(&node).unwrap().job.job.public_id, rendering, "reserved jobs are claimed first");

    let account = |name: &str| Filter { account: Some(name.into()), ..Filter::default() };
    let key = |key: KeyId| Filter { key: Some(key), ..Filter::default() };
    let on = |name: &str| Filter { node: Some(name.into()), ..Filter::default() };
    let status = |status| Filter { status: Some(status), ..Filter::default() };
    let cases: Vec<(&str, Filter, Vec<Uuid>)> = vec![
        ("all", Filter::default(), vec![foreign, rendering, queued, failed]),
        ("account", account("one"), vec![rendering, queued, failed]),
        ("key", key(metered.key), vec![queued, failed]),
        ("key and status", Filter { status: Some(JobStatus::Queued), ..key(metered.key) }, vec![queued]),
        ("key of another account", Filter { key: Some(other.key), ..account("one") }, vec![]),
        ("key and its account", Filter { key: Some(reserved.key), ..account("one") }, vec![rendering]),
        ("node", on("n1"), vec![rendering, failed]),
        ("node by id", on(&node.public_id.to_string()), vec![rendering, failed]),
        ("node and status", Filter { status: Some(JobStatus::Failed), ..on("n1") }, vec![failed]),
        ("node and account", Filter { account: Some("two".into()), ..on("n1") }, vec![]),
        ("idle node", on(&idle.name), vec![]),
        ("status", status(JobStatus::Rendering), vec![rendering]),
        ("nothing", status(JobStatus::Done), vec![]),
    ];
    for (what, filter, expected) in cases {
        assert_eq!(ids(&operator::list(&admin, &filter, 50).unwrap()), expected, "{what}");
    }
    assert_eq!(ids(&operator::list(&admin, &Filter::default(), 2).unwrap()), [foreign, rendering]);
    let shown = operator::show(&admin, failed).unwrap();
    assert_eq!((shown.account.as_str(), shown.node.as_deref(), shown.info.job.key), ("one", Some("n1"), metered.key));
    for filter in [account("nobody"), key(KeyId(99)), on("nowhere")] {
        assert_eq!(refusal(operator::list(&admin, &filter, 50)), (Kind::NotFound, "not_found"), "{filter:?}");
    }
    assert_eq!(refusal(operator::show(&admin, Uuid::nil())), (Kind::NotFound, "not_found"));
}

#[test]
fn admin_shows_the_same_queue_position_and_waiting_reason_as_the_server() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("one");
    let (other, _) = test.account("two");
    let waiting: Vec<(Caller, Uuid)> =
        [&metered, &reserved, &other, &metered, &other, &metered].map(|of| (of.clone(), submit(&test, of))).into();
    let same = |test: &TestApp| {
        for (caller, id) in &waiting {
            let actual = jobs::get(&test.app, caller, *id).unwrap();
            let seen = operator::show(&test.admin(), *id).unwrap().info;
            assert_eq!(
                (seen.queue_position, seen.waiting_because, seen.job.status),
                (actual.queue_position, actual.waiting_because, actual.job.status)
            );
        }
    };
    same(&test);
    let node = test.node("n1");
    let lease = test.claim(&node).unwrap().lease.id;
    same(&test);
    leases::fail(&test.app, &node, lease, Failure::here(FailureCode::RenderFailed, "x").into()).unwrap();
    same(&test);
    accounts::deactivate(&test.app, &crate::support::operator(), "one").unwrap();
    let shut_out = operator::show(&test.admin(), waiting[0].1).unwrap().info;
    assert_eq!(shut_out.waiting_because.as_deref(), Some("its account is deactivated"));
}

#[test]
fn job_cancelled_by_admin_leaves_the_queue_and_its_node_is_told() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n1");
    let (first, second) = (submit(&test, &metered), submit(&test, &metered));
    let lease = test.claim(&node).unwrap().lease.id;
    leases::heartbeat(&test.app, &node, lease, at(Stage::Rendering)).unwrap();
    let poster = [0xff, 0xd8, 0xff];
    leases::put_poster(&test.app, &node, lease, &mut &poster[..]).unwrap();

    let admin = test.admin();
    for id in [first, second] {
        assert_eq!(
            operator::cancel(&admin, &crate::support::operator(), id).unwrap().info.job.status,
            JobStatus::Cancelled
        );
        assert_eq!(refusal(operator::cancel(&admin, &crate::support::operator(), id)), (Kind::Conflict, "job_ended"));
        assert_eq!(jobs::get(&test.app, &metered, id).unwrap().job.status, JobStatus::Cancelled);
    }
    let actual = leases::heartbeat(&test.app, &node, lease, at(Stage::Rendering));
    assert_eq!(refusal(actual), (Kind::Conflict, "cancelled"));
    assert!(test.claim(&node).is_none(), "the server's queue has dropped it too");
    let files = std::fs::read_dir(test.dir.path().join("clips")).unwrap().count();
    assert_eq!(files, 0);
}

#[test]
fn server_drops_a_lease_ended_by_another_process() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n1");
    let id = submit(&test, &metered);
    let lease = test.claim(&node).unwrap().lease.id;
    operator::cancel(&test.admin(), &crate::support::operator(), id).unwrap();
    // An upload still in flight when its file was removed.
    let file = test.dir.path().join(clip_file(test.dir.path(), lease, "mp4"));
    std::fs::write(&file, "late").unwrap();
    test.clock.advance(Duration::from_secs(1));
    assert_eq!(leases::expire(&test.app).unwrap(), 0);
    assert!(!file.exists());
}

#[test]
fn retried_job_keeps_its_queue_position_and_starts_with_zero_attempts() {
    let test = TestApp::start();
    let admin = test.admin();
    let (metered, _) = test.account("studio");
    let node = test.node("n1");
    let (failed, cancelled, last) = (submit(&test, &metered), submit(&test, &metered), submit(&test, &metered));
    let lease = test.claim(&node).unwrap().lease.id;
    assert_eq!(
        refusal(operator::retry(&admin, &crate::support::operator(), failed)),
        (Kind::Conflict, "cannot_retry"),
        "it renders"
    );
    leases::fail(&test.app, &node, lease, permanent_failure().into()).unwrap();
    operator::cancel(&admin, &crate::support::operator(), cancelled).unwrap();
    assert_eq!(
        refusal(operator::retry(&admin, &crate::support::operator(), last)),
        (Kind::Conflict, "cannot_retry"),
        "it waits"
    );

    for id in [cancelled, failed] {
        let job = operator::retry(&admin, &crate::support::operator(), id).unwrap().info.job;
        assert_eq!((job.status, job.attempts, job.failure), (JobStatus::Queued, 0, None));
        assert_eq!((job.started_at_ms, job.finished_at_ms), (None, None));
    }
    for expected in [failed, cancelled, last] {
        let grant = claimed(&test, &node);
        assert_eq!(grant.job.job.public_id, expected);
        // The attempts start again from zero.
        leases::fail(&test.app, &node, grant.lease.id, permanent_failure().into()).unwrap();
    }
    let actual: Vec<_> =
        audit::list(&admin, 3).unwrap().into_iter().map(|entry| (entry.action, entry.subject)).collect();
    let expected = [("jobs.retry", failed), ("jobs.retry", cancelled), ("jobs.cancel", cancelled)];
    assert_eq!(actual, expected.map(|(action, id)| (action.to_owned(), id.to_string())));
}

#[test]
fn job_log_lists_every_attempt_with_its_outcome() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let (one, two) = (test.node("n1"), test.node("n2"));
    let id = submit(&test, &metered);
    let lease = test.claim(&one).unwrap().lease.id;
    test.clock.advance(Duration::from_secs(5));
    let failure = Failure { code: FailureCode::RenderFailed, message: "It broke.".into(), retry: Retry::Elsewhere };
    let log = Some("frame 7\nout of paint".into());
    leases::fail(&test.app, &one, lease, FailReport { failure, log, demo_build: None }).unwrap();
    test.claim(&two).unwrap();
    operator::cancel(&test.admin(), &crate::support::operator(), id).unwrap();

    let (job, attempts) = operator::log(&test.admin(), id).unwrap();
    assert_eq!((job.info.job.status, job.node.as_deref()), (JobStatus::Cancelled, Some("n2")));
    let actual: Vec<_> = attempts.iter().map(|attempt| (attempt.node.as_str(), attempt.state.as_str())).collect();
    assert_eq!(actual, [("n2", "cancelled"), ("n1", "failed")]);
    let first = &attempts[1];
    assert_eq!(first.ended_at_ms.unwrap() - first.started_at_ms, 5_000);
    assert_eq!(first.failure, Some((FailureCode::RenderFailed, "It broke.".to_owned())));
    assert_eq!(first.log.as_deref(), Some("frame 7\nout of paint"));
    assert_eq!((&attempts[0].failure, &attempts[0].log), (&None, &None));
}

#[test]
fn drained_node_finishes_its_job_and_gets_no_more_until_resumed() {
    let test = TestApp::start();
    let admin = test.admin();
    let (metered, _) = test.account("studio");
    let node = test.node("n1");
    submit(&test, &metered);
    let waits = submit(&test, &metered);
    let lease = test.claim(&node).unwrap().lease.id;
    assert!(nodes::drain(&admin, &crate::support::operator(), "n1").unwrap().draining);
    leases::heartbeat(&test.app, &node, lease, at(Stage::Rendering)).unwrap();
    leases::fail(&test.app, &node, lease, permanent_failure().into()).unwrap();
    assert!(test.claim(&node).is_none());
    let info = &nodes::list(&admin).unwrap()[0];
    assert_eq!((info.state, info.state.as_str()), (NodeState::Draining, "draining"));
    let why = jobs::get(&test.app, &metered, waits).unwrap().waiting_because;
    assert_eq!(why.as_deref(), Some("every node that could take it is draining"));
    assert_eq!(dinks::show(&admin).unwrap().live_slots, 0);

    assert!(!nodes::resume(&admin, &crate::support::operator(), &node.public_id.to_string()).unwrap().draining);
    assert_eq!(claimed(&test, &node).job.job.public_id, waits);
    nodes::resume(&admin, &crate::support::operator(), "n1").unwrap();
    let actual: Vec<_> = audit::list(&admin, 2).unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(actual, ["nodes.resume", "nodes.drain"], "resuming a node that is not drained changes nothing");
    assert_eq!(refusal(nodes::drain(&admin, &crate::support::operator(), "n9")), (Kind::NotFound, "not_found"));
}

#[test]
fn removed_node_loses_its_key_and_name_and_its_job_returns_to_the_queue_uncounted() {
    let test = TestApp::start();
    let admin = test.admin();
    let (metered, _) = test.account("studio");
    let joined = nodes::join(&test.app, &nodes::token(&admin, &crate::support::operator()).unwrap(), "n1").unwrap();
    let id = submit(&test, &metered);
    let lease = test.claim(&joined.node).unwrap().lease.id;

    let (node, put_back) = nodes::remove(&admin, &crate::support::operator(), "n1").unwrap();
    assert_eq!((node.name.as_str(), put_back), ("n1", 1));
    assert_eq!(
        refusal(auth::authenticate_node(&test.app, &[&bearer(&joined.key)])),
        (Kind::Unauthorized, "invalid_key")
    );
    let late = leases::heartbeat(&test.app, &joined.node, lease, at(Stage::Rendering));
    assert_eq!(refusal(late), (Kind::Conflict, "lost"));
    assert!(test.claim(&joined.node).is_none(), "a claim that was waiting gets nothing");
    assert!(nodes::list(&admin).unwrap().is_empty());
    assert_eq!(refusal(nodes::remove(&admin, &crate::support::operator(), "n1")), (Kind::NotFound, "not_found"));

    let again = test.node("n1");
    assert_eq!(again.name, "n1");
    let grant = claimed(&test, &again);
    assert_eq!((grant.job.job.public_id, grant.job.job.failure.is_some()), (id, true));
    let (_, attempts) = operator::log(&admin, id).unwrap();
    assert_eq!(attempts[1].failure, Some((FailureCode::NodeFailed, "The render node was removed.".to_owned())));
    assert!(attempts[1].node.starts_with("n1 (removed"), "{attempts:?}");
}
