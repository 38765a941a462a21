//! The rules of waiting claims, one by one.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::domain::id::JobId;
use crate::domain::job::Renderer;
use crate::domain::offer::Needs;

const NEEDS: Needs = Needs { renderer: Renderer::Builtin, resolution: 1080, demo_build: None };

/// A claim that waits, and how often it was woken.
struct Sleeper {
    place: Place,
    woken: Arc<AtomicUsize>,
}

impl Sleeper {
    fn of(claims: &Arc<Claims>, node: i64) -> Self {
        let offer = Offer { slots: 1, renderers: vec![Renderer::Builtin], ..Offer::none() };
        let place = claims.enter(NodeId(node), &offer, Duration::MAX, 100).unwrap();
        let sleeper = Self { place, woken: Arc::default() };
        sleeper.sleep(Miss::Nothing);
        sleeper
    }

    fn sleep(&self, miss: Miss) {
        let woken = Arc::clone(&self.woken);
        self.place.sleep(miss, Arc::new(move || _ = woken.fetch_add(1, Ordering::SeqCst)));
    }
}

fn woken<const N: usize>(sleepers: &[Sleeper; N]) -> [usize; N] {
    sleepers.each_ref().map(|sleeper| sleeper.woken.load(Ordering::SeqCst))
}

fn kind(jobs: u64, avoids: &[i64]) -> WaitingKind {
    let avoids = avoids.iter().copied().map(NodeId).collect();
    WaitingKind { needs: NEEDS, avoids, jobs, oldest: JobId(1) }
}

fn claims() -> Arc<Claims> {
    Claims::new(Arc::default())
}

#[test]
fn as_many_are_woken_as_there_are_jobs_longest_idle_first() {
    let claims = claims();
    claims.leased(NodeId(1), LeaseId(1));
    let sleepers = [1, 2, 3, 4].map(|node| Sleeper::of(&claims, node));
    claims.hand_out(|| vec![kind(5, &[])]);
    assert_eq!(woken(&sleepers), [0; 4], "they have looked already");
    claims.refresh();
    claims.hand_out(|| vec![kind(1, &[])]);
    assert_eq!(woken(&sleepers), [0, 1, 0, 0]);
    claims.hand_out(|| vec![kind(1, &[])]);
    assert_eq!(woken(&sleepers), [0, 1, 0, 0], "one is on its way");
    claims.hand_out(|| vec![kind(3, &[])]);
    assert_eq!(woken(&sleepers), [0, 1, 1, 1], "the first node had a job, the others had none");
    sleepers[1].place.done();
    claims.hand_out(|| vec![kind(2, &[])]);
    assert_eq!(woken(&sleepers), [0, 1, 1, 1]);
    claims.hand_out(|| vec![kind(3, &[])]);
    assert_eq!(woken(&sleepers), [1, 1, 1, 1]);
    assert_eq!(claims.woken.get(), 4);
}

#[test]
fn claim_that_gets_nothing_lets_another_go_and_keeps_its_place() {
    let claims = claims();
    let sleepers = [1, 2, 3].map(|node| Sleeper::of(&claims, node));
    claims.refresh();
    for expected in [[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 1, 1]] {
        claims.hand_out(|| vec![kind(1, &[])]);
        assert_eq!(woken(&sleepers), expected);
        let last = expected.iter().filter(|count| **count > 0).count() - 1;
        sleepers[last].place.retry();
        sleepers[last].sleep(Miss::Nothing);
    }
    claims.refresh();
    claims.hand_out(|| vec![kind(1, &[])]);
    assert_eq!(woken(&sleepers), [2, 1, 1]);
    // A job that arrives while a claim looks at the queue is not missed.
    sleepers[0].place.retry();
    claims.refresh();
    sleepers[0].sleep(Miss::Nothing);
    claims.hand_out(|| vec![kind(1, &[])]);
    assert_eq!(woken(&sleepers), [3, 1, 1]);
}

#[test]
fn claim_of_a_full_node_sleeps_until_a_lease_is_over() {
    let claims = claims();
    let sleepers = [1, 2].map(|node| Sleeper::of(&claims, node));
    claims.leased(NodeId(1), LeaseId(7));
    sleepers[0].place.retry();
    sleepers[0].sleep(Miss::Full);
    for _ in 0..3 {
        claims.refresh();
        claims.hand_out(|| vec![kind(2, &[])]);
        assert_eq!(woken(&sleepers), [0, 1]);
    }
    claims.lease_over(LeaseId(7));
    claims.hand_out(|| vec![kind(2, &[])]);
    assert_eq!(woken(&sleepers), [1, 1]);
    // A slot that becomes free while the claim tries is not missed, even if nobody remembers whose lease it was.
    sleepers[0].place.retry();
    claims.lease_over(LeaseId(7));
    sleepers[0].sleep(Miss::Full);
    claims.hand_out(|| vec![kind(2, &[])]);
    assert_eq!(woken(&sleepers), [2, 1]);
}

#[test]
fn node_that_a_job_avoids_is_woken_only_if_no_other_waits() {
    let claims = claims();
    let sleepers = [1, 2].map(|node| Sleeper::of(&claims, node));
    claims.refresh();
    claims.hand_out(|| vec![kind(1, &[1])]);
    assert_eq!(woken(&sleepers), [0, 1]);
    claims.hand_out(|| vec![kind(2, &[1])]);
    assert_eq!(woken(&sleepers), [1, 1]);
}

#[test]
fn only_claims_that_can_take_the_job_are_woken() {
    let claims = claims();
    let sleeper = Sleeper::of(&claims, 1);
    claims.refresh();
    let game = WaitingKind { needs: Needs { renderer: Renderer::Game, ..NEEDS }, ..kind(1, &[]) };
    claims.hand_out(|| vec![game]);
    assert_eq!(woken(&[sleeper]), [0]);
}

#[test]
fn claim_beyond_slots_plus_one_ends_the_oldest_of_its_node() {
    let claims = claims();
    let sleepers = [1, 1, 2, 1, 1].map(|node| Sleeper::of(&claims, node));
    assert_eq!(sleepers.each_ref().map(|sleeper| sleeper.place.is_over()), [true, true, false, false, false]);
    assert_eq!((woken(&sleepers), claims.count()), ([1, 1, 0, 0, 0], 3));
    claims.end_all(NodeId(1));
    assert_eq!((woken(&sleepers), claims.count()), ([1, 1, 0, 1, 1], 1));
    claims.end_all_but(&HashSet::from([NodeId(2)]));
    assert_eq!(claims.count(), 1);
    claims.end_all_but(&HashSet::new());
    assert!(sleepers[2].place.is_over());
    // One that ends while it tries is woken as soon as it sleeps.
    sleepers[2].sleep(Miss::Nothing);
    assert_eq!(woken(&sleepers), [1, 1, 2, 1, 1]);
}

#[test]
fn end_of_a_woken_claim_is_told_so_that_another_goes() {
    let news = Arc::new(Doorbell::default());
    let claims = Claims::new(Arc::clone(&news));
    let [first, second] = [1, 2].map(|node| Sleeper::of(&claims, node));
    claims.refresh();
    claims.hand_out(|| vec![kind(1, &[])]);
    drop(first);
    assert_eq!(news.rings(), 1);
    claims.hand_out(|| vec![kind(1, &[])]);
    assert_eq!(woken(&[second]), [1]);
    assert!(claims.lock().errands.is_empty() && claims.lock().nodes.is_empty(), "nothing is left behind");
}
