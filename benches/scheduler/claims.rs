//! The time of a claim, by the number of rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dinkem_appliance::store::Store;

use crate::stage::Stage;
use crate::{micros_at, transitions};

/// Rows of jobs.
const ROWS: [u64; 4] = [1_000, 100_000, 1_000_000, 5_000_000];
/// Queued jobs among them.
const QUEUED: u64 = 1_000;
/// Accounts that they belong to.
const ACCOUNTS: usize = 100;
/// Claims of each store in a turn, and turns.
const CLAIMS: usize = 100;
const TURNS: usize = 15;

struct Measured {
    rows: u64,
    stage: Stage,
    store: Store,
    whole: Vec<Duration>,
    inside: Vec<Duration>,
}

pub fn measure() {
    println!("Claims with {QUEUED} queued jobs of {ACCOUNTS} accounts, one at a time, in microseconds");
    println!("       rows        with the sync: p50      p99    in the transaction: p50      p99");
    let mut all: Vec<Measured> = ROWS.into_iter().map(prepare).collect();
    // In turns, so that whatever else the machine does affects all alike.
    for _ in 0..TURNS {
        all.iter_mut().for_each(turn);
    }
    for Measured { rows, whole, inside, .. } in &all {
        let [whole_p50, whole_p99] = [0.5, 0.99].map(|share| micros_at(whole, share));
        let [p50, p99] = [0.5, 0.99].map(|share| micros_at(inside, share));
        println!("  {rows:9}  {whole_p50:22.0} {whole_p99:8.0} {p50:26.1} {p99:8.1}");
    }
    let ratio = |times: fn(&Measured) -> &[Duration]| {
        micros_at(times(&all[all.len() - 1]), 0.5) / micros_at(times(&all[0]), 0.5)
    };
    println!(
        "  p50 at {} rows is that at {} times {:.2} with the sync, {:.2} in the transaction",
        ROWS[ROWS.len() - 1],
        ROWS[0],
        ratio(|measured| &measured.whole),
        ratio(|measured| &measured.inside)
    );
}

fn prepare(rows: u64) -> Measured {
    let stage = Stage::new(ACCOUNTS, 1, 1);
    if rows > QUEUED {
        stage.add_jobs(ACCOUNTS, rows - QUEUED, "done");
    }
    stage.add_jobs(ACCOUNTS, QUEUED, "queued");
    let start = Instant::now();
    let store = Store::serve(stage.dir.path(), Arc::default()).expect("a store");
    println!("  {rows:9} opened in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    Measured { rows, stage, store, whole: Vec::new(), inside: Vec::new() }
}

/// Claims jobs. Each is completed, and another one submitted in its place.
fn turn(measured: &mut Measured) {
    let Measured { stage, store, whole, inside, .. } = measured;
    let node = &stage.nodes[0];
    for number in 0..CLAIMS {
        let start = Instant::now();
        let (lease, took) = transitions::claim(store, node).expect("a job waits");
        whole.push(start.elapsed());
        inside.push(took);
        transitions::complete(store, node, lease);
        transitions::submit(store, &stage.callers[number % ACCOUNTS]);
    }
}
