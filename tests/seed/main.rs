//! Creates the data directory of an appliance as a studio would have it after some weeks, for tests, pictures and
//! benchmarks: accounts, nodes in every state, jobs of every kind, clips, bills. It is the same every time, but for the
//! times, which are relative to now. Names and messages contain markup, to try the pages that show them.
//!
//! ```text
//! cargo run --example seed -- DIR [--nodes 200] [--waiting 5000] [--finished 2000] [--accounts 34] [--plain]
//! dinkem-appliance serve --data-dir DIR --lease-seconds 3600
//! ```
//!
//! Prints JSON: keys of accounts and nodes, and ids of jobs of each kind. Nodes count as gone 90 seconds after they were
//! seen; with `--ahead 240` the live ones stay up for four minutes longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs, reason = "tests")]

mod accounts;
mod attempts;
mod demos;
#[path = "../it/support/epochs.rs"]
mod epochs;
mod figures;
mod footage;
mod history;
mod jobs;
mod money;
mod nodes;
mod rng;
mod rules;
mod store;
mod webhooks;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Parser;
use serde_json::json;

use crate::jobs::Stock;
use crate::store::Seed;

/// Fill a new data directory.
#[derive(Parser)]
struct Args {
    /// The data directory; it must be empty or missing
    dir: PathBuf,
    /// Render nodes, at least 12
    #[arg(long, default_value_t = 200)]
    nodes: usize,
    /// Jobs that wait
    #[arg(long, default_value_t = 5_000)]
    waiting: usize,
    /// Jobs that are done, failed or cancelled
    #[arg(long, default_value_t = 2_000)]
    finished: usize,
    /// Accounts, at least 4
    #[arg(long, default_value_t = 34)]
    accounts: usize,
    /// Clips that are really rendered, to play; 0 is faster
    #[arg(long, default_value_t = 3)]
    clips: usize,
    /// Seconds by which live nodes seem to have been seen later than now, up to 240
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=240))]
    ahead: i64,
    /// Leave out names that try to break pages: for pictures
    #[arg(long)]
    plain: bool,
}

fn main() {
    let args = Args::parse();
    let mut seed = Seed::create(&args.dir, args.plain);
    money::create(&mut seed);
    let accounts = accounts::create(&mut seed, args.accounts.max(4));
    let nodes = nodes::create(&mut seed, args.nodes.max(12), args.ahead * 1_000);
    let demos = demos::create(&mut seed, &accounts);
    let footage = footage::render_some(args.clips);
    let courses = history::courses(&mut seed, args.finished);
    let mut stock = Stock {
        accounts: &accounts,
        nodes: &nodes,
        demos: &demos,
        footage: &footage,
        last: (0, 0),
        done_to_come: courses.done(),
        ended: BTreeMap::new(),
        stored: BTreeMap::new(),
        events: BTreeMap::new(),
        examples: BTreeMap::new(),
    };
    history::create(&mut seed, &mut stock, &courses, args.waiting);
    webhooks::create(&mut seed, &accounts, &stock);
    rules::create_retention(&mut seed, &accounts);
    rules::create_audit(&mut seed, &accounts, &nodes);
    figures::create(&mut seed, &stock, args.waiting);
    seed.finish();
    let accounts: Vec<_> = accounts
        .iter()
        .map(|account| {
            json!({"name": account.name, "status": account.status, "metered_key": account.metered.clear,
                   "reserved_key": account.reserved.clear})
        })
        .collect();
    let nodes: Vec<_> = nodes.iter().map(|node| json!({"name": node.name, "node_key": node.key})).collect();
    println!("{}", json!({"accounts": accounts, "nodes": nodes, "jobs": stock.examples}));
}
