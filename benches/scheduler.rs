//! How fast jobs are queued, claimed and completed: `cargo bench --bench scheduler [-- cycles] [claims] [flood]`.
//!
//! - `cycles`: durable cycles of enqueue, claim and complete a second, by 1, 8 and 64 workers; at 64 beside PostgreSQL,
//!   pg-boss and BullMQ (`benches/peers/queues`). The contenders take turns, and the median of several turns is shown.
//!   Ours runs three times: through the app layer with the smallest clip that passes the check of completed videos; the same
//!   with the directory of clips in memory, as the peers store no files; and the same transitions on the store alone, without
//!   a file.
//!   The peers do less for a job: none checks a video or says why a job waits, and PostgreSQL runs twice, with the three rows
//!   that any queue with bills needs, and with the four rows and the indexes that ours has. Two things of ours it is spared
//!   even then: the counter of ended jobs, for which all its completions would wait in turn, and references to accounts,
//!   keys and nodes.
//! - `claims`: the time of a claim with 1,000 queued jobs among 1,000 to 5 million rows of jobs and leases.
//! - `flood`: claims while one account has a million queued jobs and 999 others have ten each.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark prints its results and panics on errors"
)]

#[cfg(unix)]
#[path = "scheduler/claims.rs"]
mod claims;
#[cfg(unix)]
#[path = "../tests/it/support/clip.rs"]
mod clip;
#[cfg(unix)]
#[path = "scheduler/cycles.rs"]
mod cycles;
#[cfg(unix)]
#[path = "scheduler/flood.rs"]
mod flood;
#[cfg(unix)]
#[path = "scheduler/peers.rs"]
mod peers;
#[cfg(unix)]
mod spec;
#[cfg(unix)]
#[path = "scheduler/stage.rs"]
mod stage;
#[cfg(unix)]
#[path = "scheduler/transitions.rs"]
mod transitions;

use std::time::Duration;

/// Duration of a contender's turn.
pub const TURN: Duration = Duration::from_secs(4);
/// Turns of each contender.
pub const TURNS: usize = 3;

#[cfg(unix)]
fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    if wants("cycles") {
        cycles::compare();
    }
    if wants("claims") {
        claims::measure();
    }
    if wants("flood") {
        flood::measure();
    }
}

#[cfg(not(unix))]
fn main() {
    println!("SKIPPED: the peers run on Unix only");
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Microseconds that this share of the times does not exceed.
pub fn micros_at(times: &[Duration], share: f64) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let place = ((times.len() as f64 * share) as usize).min(times.len() - 1);
    times[place].as_secs_f64() * 1e6
}
