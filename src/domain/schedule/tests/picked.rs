//! Which job a node gets.

use super::super::super::id::{AccountId, JobId, NodeId};
use super::super::super::job::Renderer;
use super::super::super::key::KeyClass;
use super::super::super::samples::{BUILTIN, game_job, game_node, job, node, offer};
use super::super::entry::{ReadyJob, Rows, RunningJob, Stopped};
use super::super::nodes::{LiveNode, another_can_take};
use super::super::policy::{FIRST_CHARGE_MS, ReservedBeyondDinks};
use super::super::queue::ReadyQueue;

/// Starts the next job for a node with these renderers.
fn start_next(queue: &mut ReadyQueue, renderers: &[Renderer]) -> Option<ReadyJob> {
    let job = queue.pick(NodeId(1), &offer(renderers), |_| true)?;
    queue.start(job.id);
    Some(job)
}

/// The jobs that a node with these renderers starts one after the other, while none ends.
fn drain(queue: &mut ReadyQueue, renderers: &[Renderer]) -> Vec<i64> {
    std::iter::from_fn(|| start_next(queue, renderers)).map(|job| job.id.0).collect()
}

/// Starts and ends `count` jobs that take this long each; whose they were.
fn serve(queue: &mut ReadyQueue, count: usize, took_ms: impl Fn(AccountId) -> u64) -> Vec<i64> {
    let mut served = Vec::new();
    for _ in 0..count {
        let Some(job) = start_next(queue, BUILTIN) else { break };
        queue.stop(job.id, Stopped { took_ms: took_ms(job.account), is_done: true });
        served.push(job.account.0);
    }
    served
}

#[test]
fn reserved_jobs_come_first_and_each_line_is_in_order() {
    let mut queue = ReadyQueue::default();
    for (id, account, class) in
        [(4, 1, KeyClass::Metered), (2, 2, KeyClass::Metered), (5, 1, KeyClass::Reserved), (3, 2, KeyClass::Reserved)]
    {
        queue.insert(job(id, account, class));
    }
    assert_eq!(queue.len(), 4);
    assert_eq!(drain(&mut queue, BUILTIN), [3, 5, 2, 4]);
    assert!(queue.is_empty());
}

#[test]
fn accounts_get_nodes_in_proportion_to_their_dinks() {
    let mut queue = ReadyQueue::default();
    for (account, dinks) in [(1, 1), (2, 3), (3, 2)] {
        queue.set_dinks(AccountId(account), dinks);
    }
    // Account 4 has none any more.
    for id in 0..40 {
        queue.insert(job(id, id % 4 + 1, KeyClass::Reserved));
    }
    let order: Vec<i64> =
        std::iter::from_fn(|| start_next(&mut queue, BUILTIN)).map(|job| job.account.0).take(18).collect();
    assert_eq!(order[..6].iter().filter(|account| **account == 2).count(), 3, "within dinks: {order:?}");
    assert_eq!(order[..12].iter().filter(|account| **account == 2).count(), 6, "beyond dinks: {order:?}");
    assert_eq!(order[..12].iter().filter(|account| **account == 1).count(), 2, "beyond dinks: {order:?}");
    assert!(!order.contains(&4), "its share is the largest: {order:?}");
}

#[test]
fn beyond_dinks_a_job_goes_before_metered_ones_or_only_to_idle_nodes() {
    for (beyond, expected) in [(ReservedBeyondDinks::First, [1, 2, 3, 4]), (ReservedBeyondDinks::Idle, [1, 3, 4, 2])] {
        let mut queue = ReadyQueue::new(beyond);
        queue.set_dinks(AccountId(1), 1);
        for (id, class) in
            [(1, KeyClass::Reserved), (2, KeyClass::Reserved), (3, KeyClass::Metered), (4, KeyClass::Metered)]
        {
            queue.insert(job(id, 1, class));
        }
        assert_eq!(drain(&mut queue, BUILTIN), expected, "{beyond:?}");
    }
}

#[test]
fn dinks_that_become_free_count_for_the_next_job() {
    let mut queue = ReadyQueue::new(ReservedBeyondDinks::Idle);
    queue.set_dinks(AccountId(1), 1);
    for (id, class) in [(1, KeyClass::Reserved), (2, KeyClass::Reserved), (3, KeyClass::Metered)] {
        queue.insert(job(id, 1, class));
    }
    assert_eq!(start_next(&mut queue, BUILTIN).unwrap().id, JobId(1));
    queue.stop(JobId(1), Stopped { took_ms: 1, is_done: false });
    assert_eq!(start_next(&mut queue, BUILTIN).unwrap().id, JobId(2));
}

#[test]
fn every_account_is_served_beside_a_flood() {
    let mut queue = ReadyQueue::default();
    for id in 0..100_000 {
        queue.insert(job(id, 1, KeyClass::Metered));
    }
    for account in 2..=1_000 {
        queue.insert(job(100_000 + account, account, KeyClass::Metered));
    }
    let mut served = serve(&mut queue, 1_000, |_| 60_000);
    served.sort_unstable();
    assert_eq!(served, Vec::from_iter(1..=1_000));
}

#[test]
fn metered_accounts_share_node_time_rather_than_jobs() {
    let mut queue = ReadyQueue::default();
    for id in 0..4_000 {
        queue.insert(job(id, id % 2 + 1, KeyClass::Metered));
    }
    // Account 2's jobs take three times as long.
    let served = serve(&mut queue, 1_000, |account| if account.0 == 2 { 180_000 } else { 60_000 });
    let second = served.iter().filter(|account| **account == 2).count();
    assert!((240..=260).contains(&second), "{second}");
}

#[test]
fn an_account_that_was_idle_has_saved_nothing_up() {
    let mut queue = ReadyQueue::default();
    for id in 0..100 {
        queue.insert(job(id, 1, KeyClass::Metered));
    }
    serve(&mut queue, 50, |_| 60_000);
    for id in 100..150 {
        queue.insert(job(id, 2, KeyClass::Metered));
    }
    let served = serve(&mut queue, 20, |_| 60_000);
    let second = served.iter().filter(|account| **account == 2).count();
    assert!((9..=11).contains(&second), "{served:?}");
}

#[test]
fn requeued_job_keeps_its_place() {
    let mut queue = ReadyQueue::default();
    for id in [7, 8, 9] {
        queue.insert(job(id, 1, KeyClass::Metered));
    }
    queue.start(JobId(7));
    assert_eq!(queue.position(JobId(9)), Some(2));
    queue.stop(JobId(7), Stopped { took_ms: 0, is_done: false });
    queue.insert(job(7, 1, KeyClass::Metered));
    assert_eq!(queue.position(JobId(9)), Some(3));
    assert_eq!(queue.position(JobId(10)), None);
    assert_eq!(drain(&mut queue, BUILTIN), [7, 8, 9]);
}

#[test]
fn a_rebuild_keeps_what_accounts_were_charged_and_refunds_what_is_unknown() {
    let mut queue = ReadyQueue::default();
    for id in 1..=3 {
        queue.insert(job(id, 1, KeyClass::Metered));
        queue.insert(job(10 + id, 2, KeyClass::Metered));
    }
    queue.start(JobId(1));
    queue.start(JobId(2));
    let mut rows = queue.rows();
    queue.rebuild(rows.clone());
    let passes = |queue: &ReadyQueue| [1, 2].map(|account| queue.standing(AccountId(account)).pass_ms);
    assert_eq!((queue.rows(), passes(&queue)), (rows.clone(), [2 * FIRST_CHARGE_MS, 0]));
    // Another process has cancelled one, and knows of a job that was started before this server.
    rows.running.retain(|job| job.id != JobId(2));
    let (id, class, renderer) = (JobId(20), KeyClass::Metered, Renderer::Builtin);
    rows.running.push(RunningJob { id, account: AccountId(2), class, renderer });
    queue.rebuild(rows);
    assert_eq!(passes(&queue), [FIRST_CHARGE_MS; 2]);
    queue.rebuild(Rows::default());
    assert!(queue.is_empty() && queue.rows() == Rows::default());
}

#[test]
fn a_job_only_goes_to_a_node_with_its_renderer_and_does_not_hold_up_the_others() {
    let mut queue = ReadyQueue::default();
    queue.insert(game_job(1, KeyClass::Reserved, None));
    queue.insert(job(2, 1, KeyClass::Metered));
    assert!(queue.has_any(BUILTIN));
    assert_eq!(drain(&mut queue, BUILTIN), [2]);
    assert!(!queue.has_any(BUILTIN));
    assert_eq!(drain(&mut queue, &Renderer::ALL), [1]);
}

#[test]
fn a_job_that_failed_on_a_node_goes_elsewhere_while_another_can_take_it() {
    let mut queue = ReadyQueue::default();
    queue.insert(ReadyJob { avoids: vec![NodeId(1)], ..job(1, 1, KeyClass::Metered) });
    queue.insert(job(2, 1, KeyClass::Metered));
    let picked = |node: i64, live: &[LiveNode]| {
        let elsewhere = |job: &ReadyJob| another_can_take(job, NodeId(node), live);
        queue.pick(NodeId(node), &offer(BUILTIN), elsewhere).map(|job| job.id.0)
    };
    let game = game_node(3, None, None);
    assert_eq!(picked(1, &[node(1, 1, 0), node(2, 1, 1)]), Some(2), "a busy node will be free");
    assert_eq!(picked(2, &[node(1, 1, 0), node(2, 1, 0)]), Some(1));
    assert_eq!(picked(1, &[node(1, 1, 0)]), Some(1), "there is no other node");
    assert_eq!(picked(1, &[node(1, 1, 0), game]), Some(1), "the other node cannot render it");
    let draining = LiveNode { draining: true, ..node(2, 1, 0) };
    assert_eq!(picked(1, &[node(1, 1, 0), draining]), Some(1), "the other node takes no more");
    let benched = LiveNode { benched: true, ..node(2, 1, 0) };
    assert_eq!(picked(1, &[node(1, 1, 0), benched]), Some(1), "the other node is given nothing");
}

#[test]
fn a_job_only_goes_to_a_node_whose_game_plays_its_demo() {
    let mut queue = ReadyQueue::default();
    queue.insert(game_job(1, KeyClass::Reserved, Some(14_160)));
    queue.insert(game_job(2, KeyClass::Metered, None));
    let picked = |build| queue.pick(NodeId(1), &game_node(1, build, None).offer, |_| true).map(|job| job.id.0);
    assert_eq!((picked(Some(14_151)), picked(Some(14_152)), picked(None)), (Some(2), Some(1), Some(1)));
}
