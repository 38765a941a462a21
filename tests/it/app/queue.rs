//! The queue as the operator sees it: why jobs wait, whose they are, and how long a new one would wait.

use std::path::Path;
use std::time::Duration;

use dinkem_appliance::app::jobs::queue::{self, AccountQueue, Cause, GoneNode, WaitingGroup};
use dinkem_appliance::app::{accounts, jobs, leases, nodes};
use dinkem_appliance::domain::account::AccountStatus;
use dinkem_appliance::domain::failure::{Failure, FailureCode};
use dinkem_appliance::domain::job::{Caller, JobSpec, Renderer};

use crate::support::fake_disk::FakeDisk;
use crate::support::operator;
use crate::support::test_app::{BUILTIN, START_MS, TestApp, spec};

use super::history::complete;

fn submit(test: &TestApp, caller: &Caller, count: usize) -> uuid::Uuid {
    let ids: Vec<_> = (0..count).map(|_| jobs::submit(&test.app, caller, spec()).unwrap().job.public_id).collect();
    ids[0]
}

fn groups(test: &TestApp) -> Vec<WaitingGroup> {
    queue::why_waiting(&test.app, 10).unwrap()
}

fn headlines(test: &TestApp) -> Vec<(u64, String)> {
    groups(test).into_iter().map(|group| (group.jobs, group.headline)).collect()
}

fn game(count: usize, test: &TestApp, caller: &Caller) {
    for _ in 0..count {
        jobs::submit(&test.app, caller, JobSpec { renderer: Renderer::Game, ..spec() }).unwrap();
    }
}

#[test]
fn jobs_are_grouped_by_why_they_wait_and_missing_nodes_are_named() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("studio");
    assert_eq!(groups(&test), []);
    let first = submit(&test, &metered, 3);
    let none = &groups(&test)[0];
    assert_eq!((none.jobs, none.headline.as_str()), (3, "No render node is connected"));
    assert_eq!((none.first, none.oldest_at_ms, none.is_stuck()), (Some(first), START_MS, true));
    assert_eq!((&none.gone[..], none.explanation.as_str()), (&[][..], "These jobs wait until a render node connects."));

    let gamer = test.node("game-01");
    leases::claim(&test.app, &gamer, &[Renderer::Game], 1, Duration::ZERO).unwrap();
    test.clock.advance(Duration::from_secs(100));
    let (one, two) = (test.node("n1"), test.node("n2"));
    game(2, &test, &metered);
    // It fails on the first node and waits for the other, which is busy.
    let busy = test.claim(&two).unwrap();
    let failed = test.claim(&one).unwrap();
    let failure = Failure::here(FailureCode::RenderFailed, "It broke.");
    leases::fail(&test.app, &one, failed.lease.id, failure.into()).unwrap();
    test.claim(&one).unwrap();
    submit(&test, &reserved, 4);
    let expected =
        [(4, "All 2 nodes are busy"), (2, "No node offers the game renderer"), (1, "The only other node is busy")];
    assert_eq!(headlines(&test), expected.map(|(jobs, text)| (jobs, text.to_owned())));
    let waiting = groups(&test);
    assert_eq!(waiting[1].gone, [GoneNode { name: "game-01".into(), since_ms: START_MS }]);
    assert_eq!((waiting[1].gone_nodes, waiting[1].explanation.as_str()), (1, "These jobs wait until one is back."));
    assert_eq!(waiting.iter().map(WaitingGroup::is_stuck).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(queue::why_waiting(&test.app, 1).unwrap(), waiting[..1]);
    assert_eq!(queue::why_waiting(&test.admin(), 10).unwrap(), waiting, "admin sees the same");

    nodes::drain(&test.app, &operator(), "n2").unwrap();
    let expected = [(5, "The only node is busy"), (2, "No node offers the game renderer")];
    assert_eq!(headlines(&test), expected.map(|(jobs, text)| (jobs, text.to_owned())));
    nodes::drain(&test.app, &operator(), "n1").unwrap();
    assert_eq!(headlines(&test)[0], (5, "Every node that could take them is draining".to_owned()));
    drop(busy);
}

#[test]
fn jobs_of_inactive_accounts_and_jobs_without_room_have_groups_of_their_own() {
    let disk = FakeDisk::with(1 << 30);
    let test = TestApp::start_with(|_| {}, |data: &Path| disk.room(data));
    let (metered, _) = test.account("studio");
    let (other, _) = test.account("two");
    submit(&test, &metered, 2);
    let first = submit(&test, &other, 3);
    accounts::deactivate(&test.app, &operator(), "two").unwrap();
    let waiting = groups(&test);
    assert_eq!(waiting.len(), 2);
    assert_eq!((waiting[0].jobs, &waiting[0].cause), (3, &Cause::InactiveAccounts));
    assert_eq!((waiting[0].headline.as_str(), waiting[0].first), ("The account two is deactivated", Some(first)));
    disk.fill_to(0);
    let waiting = groups(&test);
    assert_eq!((waiting[1].jobs, &waiting[1].cause), (2, &Cause::NoRoom));
    accounts::deactivate(&test.app, &operator(), "studio").unwrap();
    assert_eq!(headlines(&test), [(5, "2 accounts are not active".to_owned())]);
}

#[test]
fn expected_wait_follows_the_pace_of_the_last_clips() {
    let test = TestApp::start();
    let (metered, reserved) = test.account("studio");
    let node = test.node("n1");
    let figures = || queue::figures(&test.app).unwrap();
    submit(&test, &metered, 1);
    let new = figures();
    assert_eq!((new.waiting_reserved, new.waiting_metered, new.rendering, new.slots), (0, 1, 0, 0));
    assert_eq!((new.reserved_wait_seconds, new.metered_wait_seconds), (None, None), "no clip was completed yet");

    // Each clip takes 10 seconds.
    for round in 0..6 {
        submit(&test, &metered, 1);
        let lease = test.claim(&node).unwrap().lease.id;
        test.clock.advance(Duration::from_secs(10));
        complete(&test, &node, lease);
        assert_eq!(figures().clips_per_minute, f64::from(round + 1) / 10.0);
    }
    let idle = figures();
    assert_eq!((idle.waiting_metered, idle.rendering, idle.slots), (1, 0, 1));
    assert_eq!((idle.reserved_wait_seconds, idle.metered_wait_seconds), (Some(0), Some(10)));
    test.claim(&node).unwrap();
    submit(&test, &metered, 9);
    submit(&test, &reserved, 2);
    let busy = figures();
    assert_eq!((busy.waiting_reserved, busy.waiting_metered, busy.rendering), (2, 9, 1));
    assert_eq!((busy.reserved_wait_seconds, busy.metered_wait_seconds), (Some(30), Some(120)));
    test.clock.advance(Duration::from_secs(700));
    assert_eq!(figures().clips_per_minute, 0.0);
}

#[test]
fn accounts_with_the_most_waiting_jobs_come_first_and_the_others_are_added_up() {
    let test = TestApp::start();
    let node = test.node("n1");
    for (name, count) in [("a", 1), ("b", 3), ("c", 2), ("d", 1)] {
        submit(&test, &test.account(name).0, count);
    }
    let (_, reserved) = test.account("e");
    submit(&test, &reserved, 3);
    leases::claim(&test.app, &node, BUILTIN, 3, Duration::ZERO).unwrap().unwrap();
    leases::claim(&test.app, &node, BUILTIN, 3, Duration::ZERO).unwrap().unwrap();
    test.account("idle");
    let found = queue::by_account(&test.app, 3).unwrap();
    let account = |account: &str, waiting, rendering| AccountQueue {
        account: account.into(),
        status: AccountStatus::Active,
        waiting,
        rendering,
        dinks: 1,
        dinks_in_use: rendering,
    };
    assert_eq!(found.accounts, [account("b", 3, 0), account("c", 2, 0), account("e", 1, 2)]);
    assert_eq!((found.others, found.others_waiting, found.others_rendering), (2, 2, 0));
    let all = queue::by_account(&test.admin(), 100).unwrap();
    assert_eq!((all.accounts.len(), all.others), (5, 0));
}
