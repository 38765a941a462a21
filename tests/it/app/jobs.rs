//! Jobs and leases: claiming, heartbeats, expiry, failures, cancellation, restarts.

use std::time::Duration;

use dinkem_appliance::app::{accounts, jobs, leases};
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::failure::{Failure, FailureCode, Retry};
use dinkem_appliance::domain::id::JobId;
use dinkem_appliance::domain::job::{ATTEMPTS, Caller, JobSpec, JobStatus, Renderer, Stage};
use dinkem_appliance::domain::job_info::JobInfo;
use dinkem_appliance::domain::lease::Progress;
use dinkem_appliance::domain::list::JobFilter;
use dinkem_appliance::domain::sha256::Sha256;

use crate::support::test_app::{BUILTIN, LEASE, START_MS, TestApp, spec};

fn at(stage: Stage, fraction: f64) -> Progress {
    Progress { stage, fraction }
}

fn submit(test: &TestApp, caller: &Caller) -> JobInfo {
    jobs::submit(&test.app, caller, spec()).unwrap()
}

#[track_caller]
fn assert_conflict<T>(answer: Result<T, Error>, code: &str) {
    let error = answer.err().expect("it must be refused");
    assert_eq!((error.kind, error.code.as_str()), (Kind::Conflict, code), "{error}");
}

fn failure(retry: Retry) -> Failure {
    Failure { code: FailureCode::RenderFailed, message: "It went wrong.".into(), retry }
}

#[test]
fn job_is_stored_as_submitted_and_visible_only_to_its_account() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("studio");
    let (stranger, _) = test.account("stranger");
    let mut ordered = spec();
    ordered.metadata = Some(r#"{"a": "ß", "b":[1,2]}"#.into());
    ordered.commands.spec_show_xray = true;
    ordered.fps = 60;
    ordered.resolution = 1440;
    ordered.renderer = Renderer::Game;
    let info = jobs::submit(&test.app, &reserved, ordered.clone()).unwrap();
    assert_eq!(info.job.spec, ordered);
    assert_eq!((info.job.status, info.job.attempts), (JobStatus::Queued, 0));
    assert_eq!(info.job.public_id.get_version_num(), 7);
    assert_eq!(info.queue_position, Some(1));
    assert_eq!(info.waiting_because.as_deref(), Some("no render node is connected"));

    let again = jobs::get(&test.app, &metered, info.job.public_id).unwrap();
    assert_eq!(again.job, info.job, "either key of the account sees it");
    let error = jobs::get(&test.app, &stranger, info.job.public_id).err().unwrap();
    assert_eq!(error.kind, Kind::NotFound);
    assert_eq!(jobs::remove(&test.app, &stranger, info.job.public_id).err().unwrap().kind, Kind::NotFound);
}

#[test]
fn reserved_jobs_are_claimed_before_metered_ones_each_class_in_order() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("studio");
    let (other, _) = test.account("other");
    let order = [&metered, &other, &reserved, &metered, &reserved].map(|caller| submit(&test, caller).job.id);
    let positions: Vec<_> = jobs::list(&test.app, &metered, &JobFilter::default(), 50, None)
        .unwrap()
        .jobs
        .iter()
        .map(|info| info.queue_position.unwrap())
        .collect();
    assert_eq!(positions, [2, 2, 1, 1], "newest first; positions count by class and account");

    let node = test.node("n");
    let mut claimed = Vec::new();
    while let Some(grant) = leases::claim(&test.app, &node, BUILTIN, 10, Duration::ZERO).unwrap() {
        assert_eq!(grant.job.job.status, JobStatus::Rendering);
        assert_eq!(grant.job.job.started_at_ms, Some(START_MS));
        claimed.push(grant.job.job.id);
    }
    assert_eq!(claimed, [2, 4, 0, 1, 3].map(|at| order[at]));
}

#[test]
fn node_never_holds_more_jobs_than_slots() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let ids: Vec<_> = (0..3).map(|_| submit(&test, &metered).job.public_id).collect();
    let (one, two) = (test.node("n"), test.node("n"));
    assert_eq!((one.name.as_str(), two.name.as_str()), ("n", "n-2"));
    let first = test.claim(&one).unwrap();
    assert!(test.claim(&one).is_none());
    let reason = |at: usize| jobs::get(&test.app, &metered, ids[at]).unwrap().waiting_because;
    assert_eq!(reason(1).as_deref(), Some("the only node is busy"), "the other node has not claimed yet");
    test.claim(&two).unwrap();
    assert_eq!(reason(2).as_deref(), Some("all 2 nodes are busy"));
    leases::fail(&test.app, &one, first.lease.id, failure(Retry::Never).into()).unwrap();
    assert_eq!(reason(2).as_deref(), Some("a node is about to take it"));
    assert!(test.claim(&one).is_some());
}

#[test]
fn waiting_claim_wakes_for_a_job_and_ends_when_the_server_stops() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let long = Duration::from_secs(60);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| leases::claim(&test.app, &node, BUILTIN, 1, long).unwrap());
        let job = submit(&test, &metered).job.id;
        assert_eq!(waiting.join().unwrap().unwrap().job.job.id, job);
    });
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| leases::claim(&test.app, &node, BUILTIN, 1, long));
        test.app.stop();
        assert_eq!(waiting.join().unwrap().err().unwrap().code.as_str(), "stopping");
    });
    assert!(test.app.stopping());
}

#[test]
fn heartbeats_extend_a_lease_and_report_progress() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let id = submit(&test, &metered).job.public_id;
    let node = test.node("n");
    let grant = test.claim(&node).unwrap();
    assert_eq!(grant.expires_in_ms, LEASE.as_millis() as u64);
    for step in 1..=6 {
        test.clock.advance(LEASE / 2);
        let progress = at(Stage::Rendering, f64::from(step) / 10.0);
        assert_eq!(
            leases::heartbeat(&test.app, &node, grant.lease.id, progress).unwrap().expires_in_ms,
            grant.expires_in_ms
        );
        assert_eq!(leases::expire(&test.app).unwrap(), 0);
        let info = jobs::get(&test.app, &metered, id).unwrap();
        assert_eq!((info.job.status, info.progress), (JobStatus::Rendering, Some(progress)));
    }
}

#[test]
fn expired_lease_returns_job_to_its_queue_position_and_late_calls_are_refused() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let first = submit(&test, &metered).job;
    submit(&test, &metered);
    let node = test.node("n");
    let grant = test.claim(&node).unwrap();
    assert_eq!(grant.job.job.id, first.id);
    test.clock.advance(LEASE);
    assert_eq!(leases::expire(&test.app).unwrap(), 1);
    assert_eq!(leases::expire(&test.app).unwrap(), 0, "expiring again finds nothing");

    let info = jobs::get(&test.app, &metered, first.public_id).unwrap();
    assert_eq!((info.job.status, info.job.attempts, info.queue_position), (JobStatus::Queued, 1, Some(1)));
    assert_eq!(info.job.failure.unwrap().code, FailureCode::NodeLost);
    assert_conflict(leases::heartbeat(&test.app, &node, grant.lease.id, at(Stage::Rendering, 0.5)), "lost");
    assert_conflict(leases::complete(&test.app, &node, grant.lease.id, Sha256([0; 32]).into()), "lost");
    assert_conflict(leases::fail(&test.app, &node, grant.lease.id, failure(Retry::Never).into()), "lost");
    let late = leases::append_video(&test.app, &node, grant.lease.id, 0, &mut &b"late"[..]);
    assert!(matches!(late, Err(leases::UploadError::Failed(error)) if error.code.as_str() == "lost"));

    let again = test.claim(&node).unwrap();
    assert_eq!(again.job.job.id, first.id, "the only node may retry it");
    assert!(again.lease.id > grant.lease.id);
    assert_eq!(
        again.job.job.started_at_ms,
        first.started_at_ms.or(Some(START_MS)),
        "the start time of the first claim stays"
    );
}

#[test]
fn lease_can_be_used_only_by_its_own_node() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    submit(&test, &metered);
    let (owner, thief) = (test.node("owner"), test.node("thief"));
    let grant = test.claim(&owner).unwrap();
    assert_conflict(leases::heartbeat(&test.app, &thief, grant.lease.id, at(Stage::Fetching, 0.0)), "lost");
    assert_conflict(leases::fail(&test.app, &thief, grant.lease.id, failure(Retry::Never).into()), "lost");
    assert_conflict(leases::complete(&test.app, &thief, grant.lease.id, Sha256([0; 32]).into()), "lost");
    assert!(leases::open_demo(&test.app, &thief, grant.lease.id, false).is_err());
    assert!(leases::heartbeat(&test.app, &owner, grant.lease.id, at(Stage::Fetching, 0.0)).is_ok());
}

#[test]
fn permanent_failure_ends_a_job_and_other_failures_end_it_after_three_attempts() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");

    let bad = submit(&test, &metered).job.public_id;
    let grant = test.claim(&node).unwrap();
    leases::fail(&test.app, &node, grant.lease.id, failure(Retry::Never).into()).unwrap();
    leases::fail(&test.app, &node, grant.lease.id, failure(Retry::Never).into()).unwrap();
    let job = jobs::get(&test.app, &metered, bad).unwrap().job;
    assert_eq!((job.status, job.attempts, job.finished_at_ms), (JobStatus::Failed, 1, Some(START_MS)));
    assert_eq!(job.failure, Some(failure(Retry::Never)));

    let unlucky = submit(&test, &metered).job.public_id;
    for attempt in 1..=ATTEMPTS {
        let grant = test.claim(&node).unwrap();
        leases::fail(&test.app, &node, grant.lease.id, failure(Retry::Anywhere).into()).unwrap();
        let job = jobs::get(&test.app, &metered, unlucky).unwrap().job;
        let expected = if attempt < ATTEMPTS { JobStatus::Queued } else { JobStatus::Failed };
        assert_eq!((job.status, job.attempts), (expected, attempt));
    }
    assert!(test.claim(&node).is_none());
}

#[test]
fn job_that_failed_on_a_node_goes_to_another_node_even_after_a_restart() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let job = submit(&test, &metered).job.id;
    let (one, two) = (test.node("one"), test.node("two"));
    for node in [&one, &two] {
        assert!(leases::claim(&test.app, node, &[Renderer::Game], 1, Duration::ZERO).unwrap().is_none());
    }
    let grant = test.claim(&one).unwrap();
    leases::claim(&test.app, &two, BUILTIN, 1, Duration::ZERO).unwrap();
    leases::fail(&test.app, &one, grant.lease.id, failure(Retry::Elsewhere).into()).unwrap();
    assert!(test.claim(&one).is_none());
    let test = test.restart();
    assert!(test.claim(&one).is_none());
    assert_eq!(test.claim(&two).unwrap().job.job.id, job);
}

#[test]
fn cancelled_job_ends_and_its_node_is_told() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n");
    let waiting = {
        let running = submit(&test, &metered).job.public_id;
        let waiting = submit(&test, &metered).job.public_id;
        let grant = test.claim(&node).unwrap();
        for _ in 0..2 {
            let job = jobs::remove(&test.app, &metered, running).unwrap().job;
            assert_eq!((job.status, job.finished_at_ms), (JobStatus::Cancelled, Some(START_MS)));
        }
        let heartbeat = leases::heartbeat(&test.app, &node, grant.lease.id, at(Stage::Rendering, 0.5));
        assert_conflict(heartbeat, "cancelled");
        assert_conflict(leases::complete(&test.app, &node, grant.lease.id, Sha256([0; 32]).into()), "cancelled");
        assert_conflict(leases::fail(&test.app, &node, grant.lease.id, failure(Retry::Anywhere).into()), "cancelled");
        waiting
    };
    jobs::remove(&test.app, &metered, waiting).unwrap();
    assert!(test.claim(&node).is_none());
}

#[test]
fn server_restart_keeps_leases_and_jobs() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("studio");
    let (running, waiting) = (submit(&test, &metered).job, submit(&test, &reserved).job);
    let node = test.node("n");
    // The reserved job was submitted later but is claimed first.
    let grant = test.claim(&node).unwrap();
    assert_eq!(grant.job.job.id, waiting.id);
    test.clock.advance(LEASE * 10);
    let test = test.restart();
    assert_eq!(leases::expire(&test.app).unwrap(), 0, "leases get a new grace period");
    leases::heartbeat(&test.app, &node, grant.lease.id, at(Stage::Uploading, 0.9)).unwrap();
    let position = jobs::get(&test.app, &metered, running.public_id).unwrap().queue_position;
    assert_eq!(position, Some(1));
    let test = test.restart();
    test.clock.advance(LEASE);
    assert_eq!(leases::expire(&test.app).unwrap(), 1, "a node that never comes back");
    assert_eq!(test.claim(&node).unwrap().job.job.id, waiting.id);
}

#[test]
fn jobs_of_a_deactivated_account_wait_until_it_is_reactivated() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let (running, waiting) = (submit(&test, &metered).job, submit(&test, &metered).job);
    let node = test.node("n");
    let grant = test.claim(&node).unwrap();
    assert_eq!(grant.job.job.id, running.id);
    accounts::deactivate(&test.app, &crate::support::operator(), "studio").unwrap();
    leases::heartbeat(&test.app, &node, grant.lease.id, at(Stage::Rendering, 0.5)).unwrap();
    leases::fail(&test.app, &node, grant.lease.id, failure(Retry::Anywhere).into()).unwrap();
    assert!(test.claim(&node).is_none());
    // Reactivated by another process: the server notices at its next commit.
    accounts::activate(&test.admin(), &crate::support::operator(), Some("studio")).unwrap();
    submit(&test, &metered);
    let mut order = Vec::new();
    while let Some(grant) = leases::claim(&test.app, &node, BUILTIN, 9, Duration::ZERO).unwrap() {
        order.push(grant.job.job.id);
    }
    assert_eq!(order[..2], [running.id, waiting.id]);
    assert_eq!(order.len(), 3);
}

#[test]
fn job_list_pages_only_through_the_accounts_own_jobs() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let (stranger, _) = test.account("stranger");
    let ids: Vec<JobId> = (0..5)
        .map(|_| {
            submit(&test, &stranger);
            submit(&test, &metered).job.id
        })
        .collect();
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = jobs::list(&test.app, &metered, &JobFilter::default(), 2, before).unwrap();
        seen.extend(page.jobs.iter().map(|info| info.job.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids.iter().rev().copied().collect::<Vec<_>>());
    let node = test.node("n");
    test.claim(&node).unwrap();
    let with = |status| {
        let filter = JobFilter { status: Some(status), ..JobFilter::default() };
        jobs::list(&test.app, &metered, &filter, 50, None).unwrap().jobs.len()
    };
    assert_eq!((with(JobStatus::Queued), with(JobStatus::Rendering), with(JobStatus::Done)), (5, 0, 0));
    let summary = accounts::summary(&test.app, &stranger).unwrap();
    assert_eq!((summary.queued, summary.rendering, summary.dinks_in_use), (4, 1, 0));
}

#[test]
fn job_waits_for_a_node_with_its_renderer() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let game = JobSpec { renderer: Renderer::Game, ..spec() };
    let id = jobs::submit(&test.app, &metered, game).unwrap().job.public_id;
    let node = test.node("n");
    assert!(test.claim(&node).is_none());
    let reason = jobs::get(&test.app, &metered, id).unwrap().waiting_because;
    assert_eq!(reason.as_deref(), Some("no node offers the game renderer"));
    assert!(leases::claim(&test.app, &node, &Renderer::ALL, 1, Duration::ZERO).unwrap().is_some());
}
