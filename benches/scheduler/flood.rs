//! Fairness beside an account with a million queued jobs.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use dinkem_appliance::app::leases;
use dinkem_appliance::domain::job::Renderer;

use crate::micros_at;
use crate::stage::{Stage, serve};

/// Queued jobs of one account, and of each other.
const FLOOD: u64 = 1_000_000;
const OTHERS: u64 = 10;
/// Accounts in all.
const ACCOUNTS: usize = 1_000;
/// Claims within which every account must be served.
const FIRST: usize = 1_000;
/// Claims that are timed.
const CLAIMS: usize = 3_000;

pub fn measure() {
    println!("Claims through the app layer: one account with {FLOOD} queued jobs, {} with {OTHERS} each", ACCOUNTS - 1);
    let stage = Stage::new(ACCOUNTS, 1, CLAIMS as u32);
    stage.add_jobs(1, FLOOD, "queued");
    stage.add_jobs(ACCOUNTS, OTHERS * ACCOUNTS as u64, "queued");
    let start = Instant::now();
    let app = serve(stage.dir.path());
    println!("  opened in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let (mut times, mut first) = (Vec::new(), HashMap::new());
    for number in 1..=CLAIMS {
        let start = Instant::now();
        let grant = leases::claim(&app, &stage.nodes[0], &[Renderer::Builtin], CLAIMS as u32, Duration::ZERO);
        let job = grant.expect("a claim").expect("a job waits").job.job;
        times.push(start.elapsed());
        first.entry(job.account).or_insert(number);
    }
    let served = first.values().filter(|&&number| number <= FIRST).count();
    let [p50, p99] = [0.5, 0.99].map(|share| micros_at(&times, share));
    println!("  p50 {p50:.0} µs, p99 {p99:.0} µs with the sync");
    println!("  {served} of {ACCOUNTS} accounts were served within the first {FIRST} claims");
}
