//! Damaged and absurd demos. `cargo bench --bench mutations` tries many more of the same.

use crate::support::demo_trial::Outcome;
use crate::support::demo_trials;

/// How many.
const COUNT: u64 = 5_000;

#[test]
fn five_thousand_mutated_demos_neither_hang_nor_escape() {
    let tally = demo_trials::run(0, COUNT, &mut |_| {});
    assert!(tally.failed.is_empty(), "repeat with `cargo bench --bench mutations -- --seed N`: {:?}", tally.failed);
    // Mutations that never get past the first check would prove nothing.
    for outcome in [Outcome::Refused("demo_unreadable"), Outcome::Read, Outcome::Drawn] {
        let count = tally.outcomes.get(&outcome).copied().unwrap_or_default();
        assert!(count > COUNT / 50, "{outcome:?}: {count}");
    }
}
