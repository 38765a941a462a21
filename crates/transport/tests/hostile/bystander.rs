//! A healthy client that keeps sending requests during an attack, and measures its latency.
//!
//! The test machine may be busy, so a single measurement proves nothing and an attack is repeated a few times. An
//! attack that starves a healthy client does so every time; interference by other programs does not.

use super::client::Wire;
use super::target::Target;
use super::{Every, eventually};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Requests needed for a verdict.
const ENOUGH: usize = 100;
/// Milliseconds between an answer and the next request.
const REST_MILLIS: u64 = 5;
/// The healthy client's maximum 99th percentile latency…
const P99: Duration = Duration::from_millis(50);
/// …or, if it is slow even next to a well-behaved client that is just as busy, this multiple of the latency there.
const OF_HONEST: u32 = 4;
/// Maximum number of repetitions of an attack.
const TRIES: u32 = 5;

/// Runs an attack next to a healthy client, which must get every answer, and promptly.
pub fn unharmed(what: &str, target: &Target, attack: impl Fn()) {
    unharmed_beside(what, target, || vec![Bystander::of(target)], attack);
}

/// The same next to several healthy clients, started by `bystanders`.
pub fn unharmed_beside(what: &str, target: &Target, bystanders: impl Fn() -> Vec<Bystander>, attack: impl Fn()) {
    let unharmed = (1..=TRIES).any(|_| {
        let bystanders = bystanders();
        attack();
        while !bystanders.iter().all(Bystander::has_seen_enough) {
            attack();
        }
        let healths: Vec<Health> = bystanders.into_iter().map(Bystander::health).collect();
        eprintln!("{what}: {healths:?}");
        healths.iter().all(|health| {
            health.failed == 0 && (health.p99 < P99 || health.p99 < beside_honest(target).p99 * OF_HONEST)
        })
    });
    assert!(unharmed, "{what}: a healthy bystander was slowed down or not answered in all {TRIES} tries");
}

/// The latency next to a well-behaved client that sends requests without pause: the baseline of this machine.
fn beside_honest(target: &Target) -> Health {
    let honest = {
        let target = target.clone();
        Every::millis(0, move || target.is_serving())
    };
    let health = Bystander::of(target).health();
    drop(honest);
    eprintln!("beside an honest client: {health:?}");
    health
}

/// The latencies, and the number of failed requests.
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
    /// A healthy client that opens a new connection for each request.
    pub fn of(target: &Target) -> Bystander {
        let target = target.clone();
        let request = target.get(&target.small);
        Self::doing(move || {
            let mut wire = Wire::open(target.address, target.tls.clone()).ok();
            let answer = wire.as_mut().and_then(|wire| wire.send(&request).ok().and_then(|()| wire.answer("GET")));
            answer.is_some_and(|answer| answer.status == 200 && answer.complete)
        })
    }

    /// One that repeats `step`, which returns whether it succeeded.
    pub fn doing(mut step: impl FnMut() -> bool + Send + 'static) -> Bystander {
        let times = Times::default();
        let seen = times.clone();
        let asking = Every::millis(REST_MILLIS, move || {
            let begin = Instant::now();
            let went_well = step();
            let took = begin.elapsed();
            let mut seen = seen.lock().unwrap();
            if went_well { seen.0.push(took) } else { seen.1 += 1 }
        });
        Bystander { times, asking: Some(asking) }
    }

    /// Whether it has sent enough requests for a verdict.
    pub fn has_seen_enough(&self) -> bool {
        let seen = self.times.lock().unwrap();
        seen.0.len() + seen.1 >= ENOUGH
    }

    /// Waits for enough requests, and returns the result.
    pub fn health(mut self) -> Health {
        eventually("the bystander has asked", || self.has_seen_enough());
        drop(self.asking.take());
        let (mut times, failed) = self.times.lock().unwrap().clone();
        times.sort_unstable();
        let at = |part: usize| times.get(times.len() * part / 100).or(times.last()).copied().unwrap_or(Duration::MAX);
        Health { answered: times.len(), failed, p50: at(50), p99: at(99), worst: at(100) }
    }
}
