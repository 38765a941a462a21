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
    let unharmed = (1..=TRIES).any(|_| {
        let bystander = Bystander::of(target);
        attack();
        while !bystander.has_seen_enough() {
            attack();
        }
        let health = bystander.health();
        eprintln!("{what}: {health:?}");
        health.failed == 0 && (health.p99 < P99 || health.p99 < beside_honest(target).p99 * OF_HONEST)
    });
    assert!(unharmed, "{what}: the healthy client had to wait or was not answered, in each of {TRIES} times");
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
