//! Runs seeds: one to the end, or many on several threads. No seed knows of another.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::planted::Planted;
use super::story::Invariant;
use super::world::World;

/// Seeds at work at the same time.
const THREADS: usize = 2;

/// How a seed failed.
pub struct Failure {
    pub broken: Invariant,
    /// The last steps, what broke, and how to replay it.
    pub story: String,
}

/// Runs one seed. `is_loud`: tells each step.
pub fn run(seed: u64, steps: u64, planted: Option<Planted>, is_loud: bool) -> Option<Failure> {
    let mut world = World::new(seed, planted);
    world.story.is_loud = is_loud;
    (0..steps).find_map(|_| world.step().err()).map(|violation| {
        let story = world.story.end(&violation);
        Failure { broken: violation.invariant, story }
    })
}

/// Runs seeds until one fails. `done`: called after each.
pub fn run_all(seeds: Range<u64>, steps: u64, done: impl Fn(u64) + Sync) -> Option<Failure> {
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(None));
    let lock = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || lock().is_some() {
                        return;
                    }
                    let failure = run(seed, steps, None, false);
                    if failure.is_some() {
                        *lock() = failure;
                    }
                    done(seed);
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The bug is found by one of the first seeds: which, and how that failed.
pub fn find(planted: Planted, seeds: Range<u64>, steps: u64) -> Option<(u64, Failure)> {
    let failure = |seed| run(seed, steps, Some(planted), false).map(|failure| (seed, failure));
    seeds.into_iter().find_map(failure)
}
