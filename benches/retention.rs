//! Submissions while finished jobs are archived: `cargo bench --bench retention [-- JOBS]`, by default one million.
//!
//! Threads submit jobs at a steady pace, first alone, then while the retention pass runs without a pause until every
//! finished job is in the archive (a server pauses for most of each half minute), then alone again.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its results and panics on errors")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dinkem_appliance::app::accounts::auth;
use dinkem_appliance::app::upkeep::retention;
use dinkem_appliance::app::{App, Settings, accounts, jobs, nodes};
use dinkem_appliance::domain::error::Result;
use dinkem_appliance::domain::id::NodeId;
use dinkem_appliance::domain::job::{Caller, Commands, JobSpec, JobStatus, Renderer, SteamId};
use dinkem_appliance::domain::ledger::LedgerRow;
use dinkem_appliance::domain::money::{Currency, Micros};
use dinkem_appliance::domain::operator::Operator;
use dinkem_appliance::domain::quota::Quotas;
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::domain::retention::{DAY_MS, Kind, Limits};
use dinkem_appliance::os::clock::{Clock, SystemClock, pause};
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::store::leases::Ending;
use dinkem_appliance::store::{self, Store, Tx};
use uuid::{Builder, Uuid};

/// Finished jobs.
const JOBS: u64 = 1_000_000;
/// Jobs created per transaction.
const TOGETHER: u64 = 1_000;
/// Days over which they were submitted, and days since the last of them.
const DAYS: (i64, i64) = (30, 2);
/// Threads that submit.
const SUBMITTERS: usize = 16;
/// Pause of each between two submissions: at most 1,600 submissions a second in total.
const PACE: Duration = Duration::from_millis(10);
/// Duration of the phases without archiving.
const ALONE: Duration = Duration::from_secs(20);

fn main() -> Result<()> {
    let wanted = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let finished = wanted.unwrap_or(JOBS);
    let dir = tempfile::tempdir().expect("a scratch directory");
    let operator = Operator::named("bench");
    let app = serve(dir.path())?;
    let (_, keys) = accounts::create(&app, &operator, "studio", true)?;
    accounts::activate(&app, &operator, None)?;
    let key = format!("Bearer {}", keys.metered.expect("a metered key").reveal());
    let caller = auth::authenticate(&app, &[&key])?;
    let node = nodes::join(&app, &nodes::token(&app, &operator)?, "node")?.node.id;
    drop(app);
    let empty = store_bytes(dir.path());
    let seeding = Instant::now();
    fill(dir.path(), &caller, node, finished)?;
    let app = serve(dir.path())?;
    let row = (store_bytes(dir.path()) - empty) / finished;
    println!(
        "{finished} finished jobs in {} s, {row} bytes each, with index entries and bills",
        seeding.elapsed().as_secs()
    );
    println!(
        "{SUBMITTERS} threads submit, each every {} ms; times of one submission in milliseconds",
        PACE.as_millis()
    );
    println!("                        submissions/s      p50      p99    p99.9      max");

    let alone = || {
        let start = Instant::now();
        measured(&app, &caller, move || start.elapsed() < ALONE)
    };
    alone().print("alone");
    let limits = Limits { max_age_ms: Some(DAY_MS), max_bytes: None };
    retention::set(&app, &operator, Kind::Jobs, None, Some(limits))?;
    let is_archiving = AtomicBool::new(true);
    let (archiving, took) = std::thread::scope(|scope| {
        let passes = scope.spawn(|| {
            let (start, mut archived) = (Instant::now(), 0);
            while archived < finished as usize {
                archived += retention::run(&app).expect("a pass");
            }
            is_archiving.store(false, Ordering::SeqCst);
            start.elapsed()
        });
        let measured = measured(&app, &caller, || is_archiving.load(Ordering::SeqCst));
        (measured, passes.join().expect("the passes"))
    });
    archiving.print("while archiving");
    alone().print("alone again");
    let archive: u64 = std::fs::read_dir(dir.path().join("archive"))
        .expect("the archive")
        .map(|entry| entry.and_then(|entry| entry.metadata()).expect("a file").len())
        .sum();
    println!(
        "archived in {:.0} s, {:.0} jobs a second, {} bytes of archive each",
        took.as_secs_f64(),
        finished as f64 / took.as_secs_f64(),
        archive / finished
    );
    Ok(())
}

fn serve(dir: &Path) -> Result<Arc<App>> {
    let quotas = Quotas { queued_jobs: u64::MAX, ..Quotas::default() };
    let settings = Settings { lease_ms: 30_000, fetch_allow: Vec::new(), quotas };
    App::serve(dir, settings, Arc::new(SystemClock::new()), Arc::new(SystemRandom))
}

fn store_bytes(dir: &Path) -> u64 {
    std::fs::metadata(dir.join("store.db")).expect("the store").len()
}

fn spec() -> JobSpec {
    JobSpec {
        demo_url: "https://demos.example.com/2026/11/match-730-1234567890.dem.bz2".into(),
        steam64_id: SteamId::new(SteamId::FIRST + 7).expect("a player"),
        round: 5,
        fps: 60,
        resolution: 1080,
        commands: Commands::default(),
        renderer: Renderer::Builtin,
        metadata: None,
    }
}

/// Adds finished jobs as submissions, claims and completions would: nine of ten done and billed, the rest cancelled. One
/// more, the newest, stays.
fn fill(dir: &Path, caller: &Caller, node: NodeId, finished: u64) -> Result<()> {
    let store = Store::serve(dir, Arc::default())?;
    let (length, since) = DAYS;
    let first_ms = SystemClock::new().now_ms() - (length + since) * DAY_MS;
    for batch in 0..finished.div_ceil(TOGETHER) {
        let caller = caller.clone();
        store.write(move |tx| {
            (batch * TOGETHER..finished.min((batch + 1) * TOGETHER)).try_for_each(|number| {
                let at_ms = first_ms + (i128::from(number) * i128::from(length * DAY_MS) / i128::from(finished)) as i64;
                add(tx, &caller, node, number, at_ms)
            })
        })?;
    }
    let caller = caller.clone();
    store.write(move |tx| store::jobs::insert(tx, Uuid::from_u128(1), &caller, spec(), first_ms).map(drop))
}

fn add(tx: &mut Tx<'_>, caller: &Caller, node: NodeId, number: u64, at_ms: i64) -> Result<()> {
    let id = Builder::from_unix_timestamp_millis(at_ms as u64, &{
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        random
    });
    let job = store::jobs::insert(tx, id.into_uuid(), caller, spec(), at_ms)?;
    if number.is_multiple_of(10) {
        store::jobs::cancel(tx, &job, at_ms)?;
        return store::unbilled::insert(tx, &job, JobStatus::Cancelled, at_ms);
    }
    store::jobs::start(tx, &store::jobs::ready_job(&job, Vec::new()), at_ms)?;
    let lease = store::leases::insert(tx, job.id, node, at_ms)?;
    store::leases::end(tx, lease, node, &Ending::DONE, at_ms)?;
    store::jobs::finish(tx, job.id, at_ms)?;
    let (rate, amount) = (Micros::new(430_000_000), Micros::new(3_583_333));
    let row = LedgerRow {
        job: job.id,
        account: job.account,
        class: job.class,
        kind: FootageKind::of(&job.spec),
        footage_ms: 30_000,
        at_ms,
        rate,
        amount,
        currency: Currency::DEFAULT,
    };
    store::ledger::insert(tx, &row)
}

/// Times of submissions.
struct Measured {
    /// Sorted.
    times: Vec<Duration>,
    took: Duration,
}

/// Submits while `goes_on`.
fn measured(app: &App, caller: &Caller, goes_on: impl Fn() -> bool + Sync) -> Measured {
    let start = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let submitter = || {
            let mut times = Vec::new();
            while goes_on() {
                let start = Instant::now();
                jobs::submit(app, caller, spec()).expect("a job");
                times.push(start.elapsed());
                pause(PACE);
            }
            times
        };
        let threads: Vec<_> = (0..SUBMITTERS).map(|_| scope.spawn(submitter)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a submitter")).collect()
    });
    times.sort_unstable();
    Measured { times, took: start.elapsed() }
}

impl Measured {
    fn print(&self, name: &str) {
        let at = |share: f64| {
            let place = (self.times.len() as f64 * share) as usize;
            self.times
                .get(place.min(self.times.len().saturating_sub(1)))
                .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        println!(
            "  {name:16} {:18.0} {:8.3} {:8.3} {:8.3} {:8.3}",
            self.times.len() as f64 / self.took.as_secs_f64(),
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0)
        );
    }
}
