//! Every queued job says why it waits: the same to its client and to the operator, whose `admin` is another process.

use std::time::Duration;

use dinkem_appliance::app::jobs::{self, operator};
use dinkem_appliance::app::{accounts, leases, nodes};
use dinkem_appliance::domain::failure::{Failure, FailureCode};
use dinkem_appliance::domain::job::{Caller, JobSpec, Renderer};
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::offer::{GameState, Offer};
use dinkem_appliance::domain::schedule::policy::ReservedBeyondDinks;

use crate::support::fake_disk::FakeDisk;
use crate::support::test_app::{BUILTIN, TestApp, spec};

fn submit(test: &TestApp, caller: &Caller, spec: JobSpec) -> uuid::Uuid {
    jobs::submit(&test.app, caller, spec).unwrap().job.public_id
}

fn game() -> JobSpec {
    JobSpec { renderer: Renderer::Game, ..spec() }
}

/// Two nodes with one slot each, both busy with a job of an account of their own.
fn busy_nodes(test: &TestApp) -> [Node; 2] {
    let (metered, _) = test.account("busy");
    ["n1", "n2"].map(|name| {
        submit(test, &metered, spec());
        let node = test.node(name);
        test.claim(&node).unwrap();
        node
    })
}

/// Makes a situation and returns the job that is asked about, with its caller.
type Situation = fn(&TestApp) -> (uuid::Uuid, Caller);

fn no_node(test: &TestApp) -> (uuid::Uuid, Caller) {
    let (metered, _) = test.account("studio");
    (submit(test, &metered, spec()), metered)
}

fn no_renderer(test: &TestApp) -> (uuid::Uuid, Caller) {
    busy_nodes(test);
    let (metered, _) = test.account("studio");
    (submit(test, &metered, game()), metered)
}

fn claim_as(test: &TestApp, node: &Node, offer: &Offer) {
    let claim = leases::Claim { offer, wait: Duration::ZERO, waiting_claims: 8, is_there: &|| true };
    assert!(matches!(leases::begin(&test.app, node, &claim).unwrap(), leases::Claimed::Nothing));
}

fn no_resolution(test: &TestApp) -> (uuid::Uuid, Caller) {
    let node = test.node("small");
    claim_as(test, &node, &Offer { slots: 1, renderers: BUILTIN.to_vec(), resolutions: vec![1080], game: None });
    let (metered, _) = test.account("studio");
    (submit(test, &metered, JobSpec { resolution: 1440, ..spec() }), metered)
}

fn game_not_ready(test: &TestApp) -> (uuid::Uuid, Caller) {
    let state = GameState { not_ready: Some("Steam is not running.".to_owned()), ..GameState::default() };
    claim_as(test, &test.node("gamer"), &Offer { slots: 1, game: Some(state), ..Offer::none() });
    let (metered, _) = test.account("studio");
    (submit(test, &metered, game()), metered)
}

fn all_busy(test: &TestApp) -> (uuid::Uuid, Caller) {
    busy_nodes(test);
    let (metered, _) = test.account("studio");
    submit(test, &metered, spec());
    (submit(test, &metered, spec()), metered)
}

fn reserved_first(test: &TestApp) -> (uuid::Uuid, Caller) {
    busy_nodes(test);
    let (metered, reserved) = test.account("studio");
    submit(test, &reserved, spec());
    (submit(test, &metered, spec()), metered)
}

fn in_turns(test: &TestApp) -> (uuid::Uuid, Caller) {
    busy_nodes(test);
    for name in ["other", "another"] {
        submit(test, &test.account(name).0, spec());
    }
    let (metered, _) = test.account("studio");
    (submit(test, &metered, spec()), metered)
}

/// The account has one dink, which a job uses.
fn dinks_in_use(test: &TestApp) -> (uuid::Uuid, Caller) {
    let (metered, reserved) = test.account("studio");
    submit(test, &reserved, spec());
    test.claim(&test.node("n1")).unwrap();
    submit(test, &metered, spec());
    (submit(test, &reserved, spec()), reserved)
}

fn failed_elsewhere(test: &TestApp) -> (uuid::Uuid, Caller) {
    let (metered, _) = test.account("studio");
    let (one, two) = (test.node("n1"), test.node("n2"));
    submit(test, &metered, spec());
    test.claim(&two).unwrap();
    let id = submit(test, &metered, spec());
    let grant = test.claim(&one).unwrap();
    let failure = Failure::here(FailureCode::RenderFailed, "It broke.");
    leases::fail(&test.app, &one, grant.lease.id, failure.into()).unwrap();
    (id, metered)
}

fn draining(test: &TestApp) -> (uuid::Uuid, Caller) {
    for node in busy_nodes(test) {
        nodes::drain(&test.app, &crate::support::operator(), &node.name).unwrap();
    }
    let (metered, _) = test.account("studio");
    (submit(test, &metered, spec()), metered)
}

fn benched(test: &TestApp) -> (uuid::Uuid, Caller) {
    for node in busy_nodes(test) {
        nodes::bench(&test.app, &node, "Its disk is full.").unwrap();
    }
    let (metered, _) = test.account("studio");
    (submit(test, &metered, spec()), metered)
}

fn stopped(test: &TestApp) -> (uuid::Uuid, Caller) {
    for node in busy_nodes(test) {
        nodes::leave(&test.app, &node).unwrap();
    }
    let (metered, _) = test.account("studio");
    (submit(test, &metered, spec()), metered)
}

#[test]
fn client_and_operator_are_told_the_same_reason_in_every_situation() {
    let cases: [(Situation, ReservedBeyondDinks, &str); 14] = [
        (no_node, ReservedBeyondDinks::First, "no render node is connected"),
        (stopped, ReservedBeyondDinks::First, "no render node is connected"),
        (no_renderer, ReservedBeyondDinks::First, "no node offers the game renderer"),
        (no_resolution, ReservedBeyondDinks::First, "no node with the builtin renderer makes pictures of 1440 lines"),
        (game_not_ready, ReservedBeyondDinks::First, "no node with the game renderer is ready: see `admin nodes list`"),
        (all_busy, ReservedBeyondDinks::First, "all 2 nodes are busy"),
        (reserved_first, ReservedBeyondDinks::First, "all 2 nodes are busy; 1 reserved job goes first"),
        (in_turns, ReservedBeyondDinks::First, "all 2 nodes are busy; it takes turns with 2 other accounts"),
        (dinks_in_use, ReservedBeyondDinks::First, "the only node is busy; its account's only dink is in use"),
        (
            dinks_in_use,
            ReservedBeyondDinks::Idle,
            "the only node is busy; its account's only dink is in use, and 1 metered job goes first",
        ),
        (failed_elsewhere, ReservedBeyondDinks::First, "the only other node is busy"),
        (draining, ReservedBeyondDinks::First, "every node that could take it is draining"),
        (benched, ReservedBeyondDinks::First, "every node that could take it is draining or benched"),
        (all_busy, ReservedBeyondDinks::Idle, "all 2 nodes are busy"),
    ];
    for (situation, beyond, expected) in cases {
        let test = TestApp::start_as(|settings| settings.reserved_beyond_dinks = beyond);
        let (id, caller) = situation(&test);
        let client = jobs::get(&test.app, &caller, id).unwrap();
        let admin = operator::show(&test.admin(), id).unwrap().info;
        assert_eq!(client.waiting_because.as_deref(), Some(expected));
        assert_eq!(admin.waiting_because.as_deref(), Some(expected));
        assert_eq!(client.queue_position, admin.queue_position, "{expected}");
    }
}

#[test]
fn a_full_disk_and_an_inactive_account_are_reasons_too() {
    let disk = FakeDisk::with(1 << 30);
    let test = TestApp::start_with(|_| {}, |dir| disk.room(dir));
    let (metered, _) = test.account("studio");
    let id = submit(&test, &metered, spec());
    let reason = |test: &TestApp| operator::show(&test.admin(), id).unwrap().info.waiting_because.unwrap();
    disk.fill_to(0);
    let seen = jobs::get(&test.app, &metered, id).unwrap();
    assert_eq!(seen.waiting_because.as_deref(), Some("the server's disk has no room for clips"));
    accounts::deactivate(&test.app, &crate::support::operator(), "studio").unwrap();
    assert_eq!(reason(&test), "its account is deactivated");
}

#[test]
fn the_wait_is_estimated_from_the_speed_of_the_last_jobs() {
    let test = TestApp::start();
    let (metered, _) = test.account("studio");
    let node = test.node("n1");
    let first = submit(&test, &metered, spec());
    let seen = |id| jobs::get(&test.app, &metered, id).unwrap().estimated_wait_seconds;
    assert_eq!(seen(first), None, "nothing is known of its speed yet");
    let grant = test.claim(&node).unwrap();
    test.clock.advance(Duration::from_secs(20));
    super::history::complete(&test, &node, grant.lease.id);
    let waiting: Vec<_> = (0..4).map(|_| submit(&test, &metered, spec())).collect();
    test.claim(&node).unwrap();
    assert_eq!([1, 2, 3].map(|at| seen(waiting[at])), [Some(20), Some(40), Some(60)]);
    let admin = operator::show(&test.admin(), waiting[3]).unwrap().info;
    assert_eq!(admin.estimated_wait_seconds, Some(60));
}
