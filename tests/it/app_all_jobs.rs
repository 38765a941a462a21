//! What the operator does with jobs and nodes from another process, and what the running server makes of it.

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
use uuid::Uuid;

use crate::support::office::{Office, bearer, spec};
use crate::support::wait::until;

fn submit(office: &Office, caller: &Caller) -> Uuid {
    jobs::submit(&office.app, caller, spec()).unwrap().job.public_id
}

fn code<T>(answer: Result<T, Error>) -> (Kind, &'static str) {
    answer.err().map(|error| (error.kind, error.code)).expect("it is refused")
}

fn ids(found: &[AnyJob]) -> Vec<Uuid> {
    found.iter().map(|any| any.info.job.public_id).collect()
}

fn at(stage: Stage) -> Progress {
    Progress { stage, fraction: 0.5 }
}

fn for_good() -> Failure {
    Failure::for_good(FailureCode::PlayerNotInDemo, "The player is not there.")
}

/// The server takes in what another process has changed when it next writes, or after a moment.
fn claimed(office: &Office, node: &dinkem_appliance::domain::node::Node) -> leases::Grant {
    until("the job to be claimed", || office.claim(node))
}

#[test]
fn admin_finds_jobs_by_account_key_node_and_status() {
    let office = Office::open();
    let admin = office.admin();
    let (metered, reserved) = office.account("one");
    let (other, _) = office.account("two");
    let node = office.node("n1");
    let idle = office.node("n2");
    let failed = submit(&office, &metered);
    let lease = office.claim(&node).unwrap().lease.id;
    leases::fail(&office.app, &node, lease, for_good(), None).unwrap();
    let queued = submit(&office, &metered);
    let rendering = submit(&office, &reserved);
    let foreign = submit(&office, &other);
    assert_eq!(office.claim(&node).unwrap().job.job.public_id, rendering, "reserved is claimed ahead");

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
        assert_eq!(code(operator::list(&admin, &filter, 50)), (Kind::NotFound, "not_found"), "{filter:?}");
    }
    assert_eq!(code(operator::show(&admin, Uuid::nil())), (Kind::NotFound, "not_found"));
}

#[test]
fn admin_reads_place_and_reason_off_the_rows_as_the_server_tells_them() {
    let office = Office::open();
    let (metered, reserved) = office.account("one");
    let (other, _) = office.account("two");
    let waiting: Vec<(Caller, Uuid)> =
        [&metered, &reserved, &other, &metered, &other, &metered].map(|of| (of.clone(), submit(&office, of))).into();
    let same = |office: &Office| {
        for (caller, id) in &waiting {
            let told = jobs::get(&office.app, caller, *id).unwrap();
            let seen = operator::show(&office.admin(), *id).unwrap().info;
            assert_eq!(
                (seen.queue_position, seen.waiting_because, seen.job.status),
                (told.queue_position, told.waiting_because, told.job.status)
            );
        }
    };
    same(&office);
    let node = office.node("n1");
    let lease = office.claim(&node).unwrap().lease.id;
    same(&office);
    leases::fail(&office.app, &node, lease, Failure::here(FailureCode::RenderFailed, "x"), None).unwrap();
    same(&office);
    accounts::deactivate(&office.app, &crate::support::operator(), "one").unwrap();
    let shut_out = operator::show(&office.admin(), waiting[0].1).unwrap().info;
    assert_eq!(shut_out.waiting_because.as_deref(), Some("its account is deactivated"));
}

#[test]
fn a_job_that_admin_cancels_is_gone_from_the_queue_and_its_node_hears_of_it() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n1");
    let (first, second) = (submit(&office, &metered), submit(&office, &metered));
    let lease = office.claim(&node).unwrap().lease.id;
    leases::heartbeat(&office.app, &node, lease, at(Stage::Rendering)).unwrap();
    let poster = [0xff, 0xd8, 0xff];
    leases::put_poster(&office.app, &node, lease, &mut &poster[..]).unwrap();

    let admin = office.admin();
    for id in [first, second] {
        assert_eq!(
            operator::cancel(&admin, &crate::support::operator(), id).unwrap().info.job.status,
            JobStatus::Cancelled
        );
        assert_eq!(code(operator::cancel(&admin, &crate::support::operator(), id)), (Kind::Conflict, "job_ended"));
        assert_eq!(jobs::get(&office.app, &metered, id).unwrap().job.status, JobStatus::Cancelled);
    }
    let told = leases::heartbeat(&office.app, &node, lease, at(Stage::Rendering));
    assert_eq!(code(told), (Kind::Conflict, "cancelled"));
    assert!(office.claim(&node).is_none(), "the server's queue has heard of it too");
    let files = std::fs::read_dir(office.dir.path().join("clips")).unwrap().count();
    assert_eq!(files, 0);
}

#[test]
fn the_server_forgets_a_lease_that_another_process_has_ended() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let node = office.node("n1");
    let id = submit(&office, &metered);
    let lease = office.claim(&node).unwrap().lease.id;
    operator::cancel(&office.admin(), &crate::support::operator(), id).unwrap();
    // What was still on its way when the file was removed.
    let file = office.dir.path().join(format!("clips/{lease}.mp4"));
    std::fs::write(&file, "late").unwrap();
    office.clock.advance(Duration::from_secs(1));
    assert_eq!(leases::expire(&office.app).unwrap(), 0);
    assert!(!file.exists());
}

#[test]
fn a_failed_or_cancelled_job_is_retried_in_its_old_place_with_fresh_attempts() {
    let office = Office::open();
    let admin = office.admin();
    let (metered, _) = office.account("studio");
    let node = office.node("n1");
    let (failed, cancelled, last) = (submit(&office, &metered), submit(&office, &metered), submit(&office, &metered));
    let lease = office.claim(&node).unwrap().lease.id;
    assert_eq!(
        code(operator::retry(&admin, &crate::support::operator(), failed)),
        (Kind::Conflict, "cannot_retry"),
        "it renders"
    );
    leases::fail(&office.app, &node, lease, for_good(), None).unwrap();
    operator::cancel(&admin, &crate::support::operator(), cancelled).unwrap();
    assert_eq!(
        code(operator::retry(&admin, &crate::support::operator(), last)),
        (Kind::Conflict, "cannot_retry"),
        "it waits"
    );

    for id in [cancelled, failed] {
        let job = operator::retry(&admin, &crate::support::operator(), id).unwrap().info.job;
        assert_eq!((job.status, job.attempts, job.failure), (JobStatus::Queued, 0, None));
        assert_eq!((job.started_at_ms, job.finished_at_ms), (None, None));
    }
    for expected in [failed, cancelled, last] {
        let grant = claimed(&office, &node);
        assert_eq!(grant.job.job.public_id, expected);
        // Three fresh attempts: two failures here do not end it.
        leases::fail(&office.app, &node, grant.lease.id, for_good(), None).unwrap();
    }
    let told: Vec<_> = audit::list(&admin, 3).unwrap().into_iter().map(|entry| (entry.action, entry.subject)).collect();
    let expected = [("jobs.retry", failed), ("jobs.retry", cancelled), ("jobs.cancel", cancelled)];
    assert_eq!(told, expected.map(|(action, id)| (action.to_owned(), id.to_string())));
}

#[test]
fn a_jobs_log_tells_of_every_attempt_with_its_end() {
    let office = Office::open();
    let (metered, _) = office.account("studio");
    let (one, two) = (office.node("n1"), office.node("n2"));
    let id = submit(&office, &metered);
    let lease = office.claim(&one).unwrap().lease.id;
    office.clock.advance(Duration::from_secs(5));
    let failure = Failure { code: FailureCode::RenderFailed, message: "It broke.".into(), retry: Retry::Elsewhere };
    leases::fail(&office.app, &one, lease, failure, Some("frame 7\nout of paint".into())).unwrap();
    office.claim(&two).unwrap();
    operator::cancel(&office.admin(), &crate::support::operator(), id).unwrap();

    let (job, attempts) = operator::log(&office.admin(), id).unwrap();
    assert_eq!((job.info.job.status, job.node.as_deref()), (JobStatus::Cancelled, Some("n2")));
    let told: Vec<_> = attempts.iter().map(|attempt| (attempt.node.as_str(), attempt.state.as_str())).collect();
    assert_eq!(told, [("n2", "cancelled"), ("n1", "failed")]);
    let first = &attempts[1];
    assert_eq!(first.ended_at_ms.unwrap() - first.started_at_ms, 5_000);
    assert_eq!(first.failure, Some((FailureCode::RenderFailed, "It broke.".to_owned())));
    assert_eq!(first.log.as_deref(), Some("frame 7\nout of paint"));
    assert_eq!((&attempts[0].failure, &attempts[0].log), (&None, &None));
}

#[test]
fn a_drained_node_finishes_what_it_has_and_is_given_nothing_more_until_it_resumes() {
    let office = Office::open();
    let admin = office.admin();
    let (metered, _) = office.account("studio");
    let node = office.node("n1");
    submit(&office, &metered);
    let waits = submit(&office, &metered);
    let lease = office.claim(&node).unwrap().lease.id;
    assert!(nodes::drain(&admin, &crate::support::operator(), "n1").unwrap().draining);
    leases::heartbeat(&office.app, &node, lease, at(Stage::Rendering)).unwrap();
    leases::fail(&office.app, &node, lease, for_good(), None).unwrap();
    assert!(office.claim(&node).is_none());
    let info = &nodes::list(&admin).unwrap()[0];
    assert_eq!((info.state, info.state.as_str()), (NodeState::Draining, "draining"));
    let why = jobs::get(&office.app, &metered, waits).unwrap().waiting_because;
    assert_eq!(why.as_deref(), Some("every node that could take it is draining"));
    assert_eq!(dinks::show(&admin).unwrap().live_slots, 0);

    assert!(!nodes::resume(&admin, &crate::support::operator(), &node.public_id.to_string()).unwrap().draining);
    assert_eq!(claimed(&office, &node).job.job.public_id, waits);
    nodes::resume(&admin, &crate::support::operator(), "n1").unwrap();
    let told: Vec<_> = audit::list(&admin, 2).unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(told, ["nodes.resume", "nodes.drain"], "resuming what is not drained changes nothing");
    assert_eq!(code(nodes::drain(&admin, &crate::support::operator(), "n9")), (Kind::NotFound, "not_found"));
}

#[test]
fn a_removed_nodes_key_is_refused_its_job_goes_back_uncounted_and_its_name_is_free() {
    let office = Office::open();
    let admin = office.admin();
    let (metered, _) = office.account("studio");
    let joined = nodes::join(&office.app, &nodes::token(&admin, &crate::support::operator()).unwrap(), "n1").unwrap();
    let id = submit(&office, &metered);
    let lease = office.claim(&joined.node).unwrap().lease.id;

    let (node, put_back) = nodes::remove(&admin, &crate::support::operator(), "n1").unwrap();
    assert_eq!((node.name.as_str(), put_back), ("n1", 1));
    assert_eq!(
        code(auth::authenticate_node(&office.app, &[&bearer(&joined.key)])),
        (Kind::Unauthorized, "invalid_key")
    );
    let late = leases::heartbeat(&office.app, &joined.node, lease, at(Stage::Rendering));
    assert_eq!(code(late), (Kind::Conflict, "lost"));
    assert!(office.claim(&joined.node).is_none(), "a claim that was waiting gets nothing");
    assert!(nodes::list(&admin).unwrap().is_empty());
    assert_eq!(code(nodes::remove(&admin, &crate::support::operator(), "n1")), (Kind::NotFound, "not_found"));

    let again = office.node("n1");
    assert_eq!(again.name, "n1");
    let grant = claimed(&office, &again);
    assert_eq!((grant.job.job.public_id, grant.job.job.failure.is_some()), (id, true));
    let (_, attempts) = operator::log(&admin, id).unwrap();
    assert_eq!(attempts[1].failure, Some((FailureCode::NodeFailed, "The render node was removed.".to_owned())));
    assert!(attempts[1].node.starts_with("n1 (removed"), "{attempts:?}");
}
