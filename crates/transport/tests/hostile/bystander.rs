//! A healthy client, which asks on while others do harm, and measures how it fares.
//!
//! The machine that runs the tests has other things to do, so no single measurement is a verdict: an attack is played
//! again a few times. What starves a healthy client does so every time; what another program does, does not.

use super::client::Wire;
use super::target::Target;
use super::{Every, eventually};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Requests that a verdict takes.
const ENOUGH: usize = 100;
/// Milliseconds between an answer and the next request.
const REST_MILLIS: u64 = 5;
/// What the healthy client waits at most in 99 of 100 cases…
const P99: Duration = Duration::from_millis(50);
/// …unless it waits long even beside an honest client that is as busy as an attacker: then so many times as long.
const OF_HONEST: u32 = 4;
/// Times that an attack is played at most.
const TRIES: u32 = 5;

/// Plays an attack beside a healthy client, which must be answered each time, and soon.
pub fn unharmed(what: &str, target: &Target, attack: impl Fn()) {
    unharmed_beside(what, target, || vec![Bystander::of(target)], attack);
}

/// The same beside several: whatever `bystanders` begins to ask.
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
    assert!(unharmed, "{what}: a healthy bystander had to wait or was not answered, in each of {TRIES} times");
}

/// How it fares beside one that asks without rest: what the machine does to both, whoever else is on it.
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
    /// A healthy client, which asks on a new connection each time.
    pub fn of(target: &Target) -> Bystander {
        let target = target.clone();
        let request = target.get(&target.small);
        Self::doing(move || {
            let mut wire = Wire::open(target.address, target.tls.clone()).ok();
            let answer = wire.as_mut().and_then(|wire| wire.send(&request).ok().and_then(|()| wire.answer("GET")));
            answer.is_some_and(|answer| answer.status == 200 && answer.complete)
        })
    }

    /// One that does this again and again, and says each time whether it went well.
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

    /// Whether it has asked often enough for a verdict.
    pub fn has_seen_enough(&self) -> bool {
        let seen = self.times.lock().unwrap();
        seen.0.len() + seen.1 >= ENOUGH
    }

    /// Waits until it has, and says how it was served.
    pub fn health(mut self) -> Health {
        eventually("the bystander has asked", || self.has_seen_enough());
        drop(self.asking.take());
        let (mut times, failed) = self.times.lock().unwrap().clone();
        times.sort_unstable();
        let at = |part: usize| times.get(times.len() * part / 100).or(times.last()).copied().unwrap_or(Duration::MAX);
        Health { answered: times.len(), failed, p50: at(50), p99: at(99), worst: at(100) }
    }
}
