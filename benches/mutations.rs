//! Mutated demos: `cargo bench --bench mutations [-- COUNT | --seed N | --corpus FOLDER]`.
//!
//! Each is unpacked and indexed, and of every fourth that still has a round, frames are drawn. None may hang, panic, or
//! end in an error that does not blame the demo. The same seed is the same mutation of the same base, as long as the
//! same genuine demos are in `../shared/demos`.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark prints its results and panics on errors"
)]

#[path = "../tests/it/support/compression.rs"]
mod compression;
#[path = "../tests/it/support/demo_trial.rs"]
mod demo_trial;
#[path = "../tests/it/support/demo_trials.rs"]
mod demo_trials;
#[path = "../tests/it/support/hostile_match.rs"]
mod hostile_match;
#[path = "../tests/it/support/mutation.rs"]
mod mutation;
#[path = "../tests/it/support/rng.rs"]
mod rng;
#[path = "../tests/it/support/zip.rs"]
mod zip;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use demo_trials::Tally;

/// Mutated demos, if the command line names no number.
const COUNT: u64 = 100_000;
/// Mutated demos in a corpus to start fuzzing from.
const CORPUS: u64 = 200;
/// Demos between two lines of progress.
const PROGRESS: u64 = 5_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (start, end) = match arguments.as_slice() {
        [] => (0, COUNT),
        [count] => (0, count.parse().expect("a number of demos")),
        ["--seed", seed] => seed.parse().map(|seed: u64| (seed, seed + 1)).expect("a seed"),
        ["--corpus", folder] => return write_corpus(Path::new(folder)),
        _ => panic!("usage: cargo bench --bench mutations [-- COUNT | --seed N | --corpus FOLDER]"),
    };
    println!("{} mutated demos, from seed {start}", end - start);
    if end - start > 1 {
        // The tally names panics; their place is shown when a seed is repeated.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let (began, mut failed) = (Instant::now(), 0);
    let tally = demo_trials::run(start, end, &mut |tally| {
        failed = show_failures(tally, failed);
        if tally.tried.is_multiple_of(PROGRESS) {
            println!("{} demos in {:.0} s", tally.tried, began.elapsed().as_secs_f64());
        }
    });
    show_failures(&tally, failed);
    println!("{} demos in {:.0} s", tally.tried, began.elapsed().as_secs_f64());
    for (outcome, count) in &tally.outcomes {
        println!("  {count:6} {outcome:?}");
    }
    let (took, seed) = tally.slowest;
    println!("  slowest: {:.2} s, seed {seed}", took.as_secs_f64());
    if tally.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the failures after the first `shown`, at once because a crash may follow. Returns how many there are.
fn show_failures(tally: &Tally, shown: usize) -> usize {
    for (seed, reason) in tally.failed.iter().skip(shown) {
        println!("FAILED: repeat with --seed {seed}: {reason}");
    }
    tally.failed.len()
}

/// Writes demos for the fuzzer in `fuzz/`: whole ones and mutated ones.
fn write_corpus(folder: &Path) -> ExitCode {
    fs::create_dir_all(folder).expect("a folder");
    let bases = demo_trials::bases();
    let mutated = (0..CORPUS).map(|seed| demo_trials::demo(&bases, seed));
    for (number, demo) in bases.iter().cloned().chain(mutated).enumerate() {
        fs::write(folder.join(format!("{number}.dem")), demo).expect("room for a demo");
    }
    ExitCode::SUCCESS
}
