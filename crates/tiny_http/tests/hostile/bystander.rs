//! A healthy client, which asks on while others do harm, and measures how it fares.

use super::client::Wire;
use super::target::Target;
use super::{Every, eventually};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Answers that a verdict takes.
const ENOUGH: usize = 100;
/// Milliseconds between an answer and the next request.
const REST_MILLIS: u64 = 5;

/// The times of the answers, and how many did not come.
type Times = Arc<Mutex<(Vec<Duration>, usize)>>;

pub struct Bystander {
    times: Times,
    asking: Option<Every>,
}

/// What a bystander saw.
#[derive(Clone, Debug)]
pub struct Health {
    pub answered: usize,
    pub failed: usize,
    pub p50: Duration,
    pub p99: Duration,
    pub worst: Duration,
}

impl Bystander {
    /// Begins to ask, on a new connection each time.
    pub fn of(target: &Target) -> Bystander {
        let times = Times::default();
        let (seen, target) = (times.clone(), target.clone());
        let request = target.get(&target.small);
        let asking = Every::millis(REST_MILLIS, move || {
            let begin = Instant::now();
            let mut wire = Wire::open(target.address, target.tls.clone()).ok();
            let answer = wire.as_mut().and_then(|wire| wire.send(&request).ok().and_then(|()| wire.answer("GET")));
            let took = begin.elapsed();
            let mut seen = seen.lock().unwrap();
            match answer {
                Some(answer) if answer.status == 200 && answer.complete => seen.0.push(took),
                _ => seen.1 += 1,
            }
        });
        Bystander { times, asking: Some(asking) }
    }

    /// Whether it has been answered often enough for a verdict.
    pub fn has_seen_enough(&self) -> bool {
        self.times.lock().unwrap().0.len() >= ENOUGH
    }

    /// Waits until it has, and says how it was served. Every request must have been answered.
    pub fn health(mut self, during: &str) -> Health {
        eventually("the bystander has been answered", || self.has_seen_enough());
        drop(self.asking.take());
        let (mut times, failed) = self.times.lock().unwrap().clone();
        times.sort_unstable();
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
        let health = Health { answered: times.len(), failed, p50: at(50), p99: at(99), worst: times[times.len() - 1] };
        assert_eq!(health.failed, 0, "{during}: {health:?}");
        health
    }
}
