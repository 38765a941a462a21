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
    if let Some(seed) = number("DINKEM_SIM_SEED") {
        let failure = seeds::run(seed, number("DINKEM_SIM_STEPS").unwrap_or(STEPS), None, true);
        assert!(failure.is_none(), "{}", failure.unwrap().story);
        return;
    }
    let seeds = if std::env::var_os("DINKEM_GATE").is_some() { GATE_SEEDS } else { SEEDS };
    let tally = seeds::run_all(1..seeds + 1, STEPS, |_| {}).unwrap_or_else(|failure| panic!("{}", failure.story));
    assert_eq!(tally.steps, seeds * STEPS);
    let rare = [tally.done / 10, tally.failed, tally.cancelled, tally.ends / 2, tally.ends_within];
    assert!(rare.iter().all(|count| *count > seeds / 2), "little happens: {tally:?}");
}

#[test]
fn planted_bugs_are_found() {
    for planted in Planted::ALL {
        let found = seeds::find(planted, PLANTED_SEEDS);
        let (_, failure) = found.unwrap_or_else(|| panic!("not found: {planted:?}"));
        assert_eq!(failure.broken, planted.breaks(), "{planted:?}: {}", failure.story);
    }
}
