//! What people are told of a queued job.

use super::super::super::id::{AccountId, JobId, NodeId};
use super::super::super::key::KeyClass;
use super::super::super::offer::{Needs, Offer};
use super::super::super::samples::{BUILTIN, game_job, game_node, job, node, offer};
use super::super::entry::{ReadyJob, Stopped};
use super::super::explain::{Explanation, Place, explain, why_waiting};
use super::super::nodes::LiveNode;
use super::super::policy::ReservedBeyondDinks;
use super::super::queue::ReadyQueue;

#[test]
fn a_waiting_job_says_what_the_nodes_have_to_do_with_it() {
    let plain = job(1, 1, KeyClass::Metered);
    let game = game_job(1, KeyClass::Metered, None);
    let failed = ReadyJob { avoids: vec![NodeId(1)], ..plain.clone() };
    let draining = LiveNode { draining: true, ..node(3, 1, 0) };
    let benched = LiveNode { benched: true, ..node(4, 1, 0) };
    let silent = LiveNode { silent: true, ..node(6, 1, 0) };
    let recent = game_job(1, KeyClass::Metered, Some(14_160));
    let old = game_job(1, KeyClass::Metered, Some(14_100));
    let large = ReadyJob { needs: Needs { resolution: 1440, ..plain.needs }, ..plain.clone() };
    let small = Offer { resolutions: vec![1080], ..offer(BUILTIN) };
    let in_use =
        LiveNode { leases: 1, offer: Offer { renderers: vec![], ..game_node(5, None, None).offer }, ..node(5, 1, 1) };
    let cases: [(&ReadyJob, Vec<LiveNode>, &str); 19] = [
        (&plain, vec![], "no render node is connected"),
        (&game, vec![node(1, 1, 0)], "no node offers the game renderer"),
        (&plain, vec![node(1, 1, 1), node(2, 1, 1)], "all 2 nodes are busy"),
        (&plain, vec![node(1, 1, 1)], "the only node is busy"),
        (&plain, vec![node(1, 2, 1)], "a node is about to take it"),
        (&plain, vec![node(1, 1, 0), silent.clone()], "a node is about to take it"),
        (&plain, vec![node(1, 1, 1), silent], "every free node has been silent for 45 seconds: see `admin nodes list`"),
        (&failed, vec![node(1, 1, 0), node(2, 1, 1)], "the only other node is busy"),
        (&failed, vec![node(1, 1, 1)], "the only node is busy"),
        (&plain, vec![draining.clone()], "every node that could take it is draining"),
        (&plain, vec![draining.clone(), benched], "every node that could take it is draining or benched"),
        (&plain, vec![draining.clone(), node(1, 1, 1)], "the only node is busy"),
        (&game, vec![draining.clone()], "no node offers the game renderer"),
        (&recent, vec![game_node(1, Some(14_151), None)], "no node has game build ≥ 14152"),
        (&old, vec![game_node(1, Some(14_151), None)], "no node has game build 14094 to 14102"),
        (&recent, vec![game_node(1, Some(14_155), None)], "a node is about to take it"),
        (
            &game,
            vec![game_node(1, None, Some("Steam is not running."))],
            "no node with the game renderer is ready: see `admin nodes list`",
        ),
        (&game, vec![in_use], "every node with the game renderer is busy"),
        (
            &large,
            vec![LiveNode { offer: small, ..node(1, 1, 0) }],
            "no node with the builtin renderer makes pictures of 1440 lines",
        ),
    ];
    for (job, live, expected) in cases {
        assert_eq!(why_waiting(&job.needs, &job.avoids, &live).to_string(), expected);
    }
}

/// What is said of a queued job while both nodes, with one slot each, are busy.
fn said(queue: &ReadyQueue, id: i64) -> Explanation {
    let live = [node(1, 1, 1), node(2, 1, 1)];
    let job = queue.get(JobId(id)).unwrap();
    let position = queue.position(job.id).unwrap();
    explain(
        &Place { position, before: queue.before(&job, position), standing: queue.standing(job.account), job },
        &live,
    )
}

#[test]
fn a_waiting_job_says_which_other_jobs_go_first() {
    use KeyClass::{Metered, Reserved};
    use ReservedBeyondDinks::{First, Idle};
    // The setting; dinks of account 1; its running reserved jobs; queued jobs as account and class, the last of which
    // is looked at.
    type Case = (ReservedBeyondDinks, u32, i64, &'static [(i64, KeyClass)], &'static str);
    let cases: [Case; 13] = [
        (First, 0, 0, &[(1, Metered)], ""),
        (First, 0, 0, &[(1, Metered), (1, Metered)], ""),
        (First, 0, 0, &[(2, Metered), (1, Metered)], "it takes turns with 1 other account"),
        (First, 0, 0, &[(2, Metered), (3, Metered), (1, Metered)], "it takes turns with 2 other accounts"),
        (First, 0, 0, &[(2, Reserved), (1, Metered)], "1 reserved job goes first"),
        (First, 0, 0, &[(2, Reserved), (2, Reserved), (3, Metered), (1, Metered)], "2 reserved jobs go first"),
        (First, 2, 1, &[(1, Reserved)], ""),
        (First, 2, 1, &[(2, Metered), (3, Reserved), (1, Reserved)], "it takes turns with 1 other account"),
        (First, 2, 2, &[(2, Metered), (1, Reserved)], "all 2 dinks of its account are in use"),
        (First, 1, 1, &[(1, Reserved)], "its account's only dink is in use"),
        (First, 0, 1, &[(1, Reserved)], "its account has no dinks any more"),
        (
            Idle,
            2,
            2,
            &[(2, Metered), (1, Reserved)],
            "all 2 dinks of its account are in use, and 1 metered job goes first",
        ),
        (Idle, 2, 0, &[(2, Reserved), (1, Metered)], ""),
    ];
    for (beyond, dinks, running, queued, first) in cases {
        let mut queue = ReadyQueue::new(beyond);
        queue.set_dinks(AccountId(1), dinks);
        for id in 1..=running {
            queue.insert(job(id, 1, Reserved));
            queue.start(JobId(id));
        }
        let first_queued = running + 1;
        for (id, (account, class)) in (first_queued..).zip(queued) {
            queue.insert(job(id, *account, *class));
        }
        let first = if first.is_empty() { String::new() } else { format!("; {first}") };
        let because = said(&queue, running + queued.len() as i64).because;
        assert_eq!(because, format!("all 2 nodes are busy{first}"), "{beyond:?} {dinks} {running} {queued:?}");
    }
}

#[test]
fn the_wait_is_estimated_from_the_jobs_ahead_and_the_time_that_the_last_ones_took() {
    let mut queue = ReadyQueue::default();
    for id in 1..=5 {
        queue.insert(job(id, 1, KeyClass::Metered));
    }
    assert_eq!(said(&queue, 5).wait_seconds, None, "no job was done yet");
    queue.start(JobId(1));
    queue.stop(JobId(1), Stopped { took_ms: 60_000, is_done: true });
    // Jobs 2 to 5 on two nodes: the last one is started by the second of two turns of a minute.
    assert_eq!([2, 5].map(|id| said(&queue, id).wait_seconds), [Some(30), Some(120)]);
    queue.insert(job(9, 2, KeyClass::Reserved));
    assert_eq!(said(&queue, 5).wait_seconds, Some(150), "a reserved job goes first");
    let place = Place {
        position: 1,
        before: queue.before(&job(2, 1, KeyClass::Metered), 1),
        standing: queue.standing(AccountId(1)),
        job: job(2, 1, KeyClass::Metered),
    };
    assert_eq!(explain(&place, &[]).wait_seconds, None, "no node is connected");
    assert_eq!(explain(&place, &[node(1, 4, 0)]).wait_seconds, Some(0), "slots are free");
}
