//! Runs seeds: one to the end, or many on several threads. No seed knows of another.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use dinkem_appliance::domain::job::JobStatus;

use super::planted::Planted;
use super::story::Invariant;
use super::world::{Kind, World};

/// Seeds at work at the same time.
const THREADS: usize = 2;

/// How a seed failed.
pub struct Failure {
    pub broken: Invariant,
    /// The last steps, what broke, and how to replay it.
    pub story: String,
}

/// What happened in all seeds together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub steps: u64,
    /// Simulated seconds.
    pub seconds: u64,
    pub leases: u64,
    pub done: u64,
    pub failed: u64,
    pub cancelled: u64,
    /// Ends of the server, and those of them in the middle of a call.
    pub ends: u64,
    pub ends_within: u64,
    /// The most jobs of others, per account, that went before an account's.
    pub most_passed_by: u64,
}

impl Tally {
    fn add(&mut self, world: &World) {
        let count = |status| world.model.jobs.iter().filter(|job| job.status == status).count() as u64;
        self.steps += world.story.steps;
        self.seconds += world.now / 1_000;
        self.leases += world.model.leases.len() as u64;
        self.done += count(JobStatus::Done);
        self.failed += count(JobStatus::Failed);
        self.cancelled += count(JobStatus::Cancelled);
        self.ends += world.server.ends;
        self.ends_within += world.server.ends_within;
        let passed_by = world.model.most_passed_by / world.model.accounts.len() as u64;
        self.most_passed_by = self.most_passed_by.max(passed_by);
    }
}

/// Runs one seed. `is_loud`: tells each step.
pub fn run(seed: u64, steps: u64, planted: Option<Planted>, is_loud: bool) -> Option<Failure> {
    if is_loud {
        // With RUST_LOG, the server's log is between the steps.
        let _already = env_logger::try_init();
    }
    run_world(seed, steps, planted, is_loud).1
}

fn run_world(seed: u64, steps: u64, planted: Option<Planted>, is_loud: bool) -> (World, Option<Failure>) {
    let mut world = World::new(seed, planted);
    world.story.is_loud = is_loud;
    let failure = (0..steps).find_map(|_| world.step().err()).map(|violation| {
        let story = world.story.end(&violation);
        Failure { broken: violation.invariant, story }
    });
    (world, failure)
}

/// Runs seeds until one fails. `done`: called after each.
pub fn run_all(seeds: Range<u64>, done: impl Fn(u64) + Sync) -> Result<Tally, Failure> {
    let (next, result) = (AtomicU64::new(seeds.start), Mutex::new(Ok(Tally::default())));
    let lock = || result.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || lock().is_err() {
                        return;
                    }
                    let (world, failure) = run_world(seed, Kind::of(seed).steps(), None, false);
                    let mut result = lock();
                    match failure {
                        Some(failure) => *result = Err(failure),
                        None => result.iter_mut().for_each(|tally| tally.add(&world)),
                    }
                    drop(result);
                    done(seed);
                }
            });
        }
    });
    result.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The bug is found by one of the first seeds: which, and how that failed.
pub fn find(planted: Planted, seeds: u64) -> Option<(u64, Failure)> {
    let failure = |seed| run(seed, planted.steps(), Some(planted), false).map(|failure| (seed, failure));
    planted.seeds(seeds).find_map(failure)
}
