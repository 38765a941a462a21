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
use world::Kind;

/// Seeds that are run. The gate runs more, with `cargo bench --bench simulation`.
const SEEDS: u64 = 64;
/// Seeds by which a planted bug is found.
const PLANTED_SEEDS: u64 = 24;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn what_must_always_hold_holds_after_every_step() {
    if let Some(seed) = number("DINKEM_SIM_SEED") {
        let steps = number("DINKEM_SIM_STEPS").unwrap_or_else(|| Kind::of(seed).steps());
        let failure = seeds::run(seed, steps, None, true);
        assert!(failure.is_none(), "{}", failure.unwrap().story);
        return;
    }
    let tally = seeds::run_all(1..SEEDS + 1, |_| {}).unwrap_or_else(|failure| panic!("{}", failure.story));
    let rare = [tally.done / 10, tally.failed, tally.cancelled, tally.ends / 2, tally.ends_within];
    assert!(rare.iter().all(|count| *count > SEEDS / 2), "little happens: {tally:?}");
}

#[test]
fn planted_bugs_are_found_and_a_seed_is_replayed_exactly() {
    for planted in Planted::ALL {
        let found = seeds::find(planted, PLANTED_SEEDS);
        let (seed, failure) = found.unwrap_or_else(|| panic!("not found: {planted:?}"));
        assert_eq!(failure.broken, planted.breaks(), "{planted:?}: {}", failure.story);
        let again = seeds::run(seed, planted.steps(), Some(planted), false).unwrap();
        assert_eq!(again.story, failure.story);
    }
}
