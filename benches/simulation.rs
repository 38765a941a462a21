//! A long run of the simulation of a whole farm, see `tests/it/simulation/mod.rs`: `cargo bench --bench simulation [--
//! SEEDS | --seed N [STEPS] | --planted]`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints its results and panics on errors"
)]

#[path = "../tests/it/support"]
#[allow(dead_code, reason = "tests use all of it")]
mod support {
    pub mod clip;
    pub mod rng;
    pub mod video;
}
#[path = "../tests/it/simulation"]
mod simulation {
    pub mod agent;
    pub mod claims;
    pub mod messages;
    pub mod model;
    pub mod network;
    pub mod people;
    pub mod planted;
    pub mod rows;
    pub mod seeds;
    pub mod server;
    pub mod story;
    pub mod time;
    pub mod weather;
    pub mod whole;
    pub mod world;
}

use std::process::ExitCode;
use std::time::Instant;

use simulation::planted::Planted;
use simulation::seeds;
use simulation::world::Kind;

/// Seeds, if the command line names no number: more than ten million steps.
const SEEDS: u64 = 10_000;
/// Seeds between two lines of progress.
const PROGRESS: u64 = 500;
/// Seeds among which a planted bug is looked for.
const PLANTED_SEEDS: u64 = 24;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let failure = match arguments.as_slice() {
        [] => many(SEEDS),
        ["--seed", seed] => seeds::run(number(seed), Kind::of(number(seed)).steps(), None, true),
        ["--seed", seed, steps] => seeds::run(number(seed), number(steps), None, true),
        ["--planted"] => return plant(),
        [count] => many(number(count)),
        _ => panic!("usage: cargo bench --bench simulation [-- SEEDS | --seed N [STEPS] | --planted]"),
    };
    match failure {
        Some(failure) => {
            println!("{}", failure.story);
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn many(count: u64) -> Option<seeds::Failure> {
    let began = Instant::now();
    let result = seeds::run_all(1..count + 1, |seed| {
        if seed % PROGRESS == 0 {
            println!("{seed} seeds, {:.0} s", began.elapsed().as_secs_f64());
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let tally = match result {
        Ok(tally) => tally,
        Err(failure) => return Some(failure),
    };
    println!("{} steps of {count} seeds in {seconds:.1} s: {:.0} steps/s", tally.steps, tally.steps as f64 / seconds);
    println!("{tally:?}");
    None
}

/// Looks for each planted bug, and says which seed found it.
fn plant() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for planted in Planted::ALL {
        match seeds::find(planted, PLANTED_SEEDS) {
            Some((seed, failure)) => {
                println!("{planted:?}: found by seed {seed}\n{}\n", failure.story);
                if failure.broken != planted.breaks() {
                    println!("It should have broken {}.", planted.breaks());
                    code = ExitCode::FAILURE;
                }
            }
            None => {
                println!("{planted:?}: not found");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
