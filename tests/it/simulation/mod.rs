//! A deterministic simulation of a whole farm: the real domain, app and store, with simulated time, network, nodes and
//! people. What must always hold is checked after every step; a seed that fails is replayed exactly.
//!
//! `DINKEM_SIM_SEED=N DINKEM_SIM_STEPS=M` runs one seed and tells each step.

mod agent;
mod claims;
mod messages;
mod model;
mod network;
mod people;
mod planted;
mod rows;
mod seeds;
mod server;
mod story;
mod time;
mod weather;
mod whole;
mod world;

use planted::Planted;

/// Steps of one seed.
const STEPS: u64 = 1_000;
/// Seeds in the gate: a million steps.
const GATE_SEEDS: u64 = 1_000;
/// Seeds elsewhere.
const SEEDS: u64 = 100;
/// Seeds by which a planted bug is found.
const PLANTED_SEEDS: u64 = 24;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn what_must_always_hold_holds_after_every_step() {
    let failure = match number("DINKEM_SIM_SEED") {
        Some(seed) => seeds::run(seed, number("DINKEM_SIM_STEPS").unwrap_or(STEPS), None, true),
        None => {
            let most = if std::env::var_os("DINKEM_GATE").is_some() { GATE_SEEDS } else { SEEDS };
            seeds::run_all(1..most + 1, STEPS, |_| {})
        }
    };
    assert!(failure.is_none(), "{}", failure.unwrap().story);
}

#[test]
fn planted_bugs_are_found() {
    for planted in Planted::ALL {
        let found = seeds::find(planted, 1..PLANTED_SEEDS + 1, planted.steps());
        let (_, failure) = found.unwrap_or_else(|| panic!("not found: {planted:?}"));
        assert_eq!(failure.broken, planted.breaks(), "{planted:?}: {}", failure.story);
    }
}
