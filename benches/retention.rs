//! Submissions while finished jobs are archived: `cargo bench --bench retention [-- JOBS]`, by default one million.
//!
//! Threads submit jobs at a steady pace all the time. The retention pass takes turns with nothing, a few seconds each, so
//! that whatever else the machine does affects both; in its turns it runs without a pause (a server pauses for most of
//! each half minute), until every finished job is in the archive.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its results and panics on errors")]

mod spec;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dinkem_appliance::app::accounts::auth;
use dinkem_appliance::app::upkeep::retention;
use dinkem_appliance::app::{App, Settings, accounts, jobs, nodes};
use dinkem_appliance::domain::error::Result;
use dinkem_appliance::domain::id::NodeId;
use dinkem_appliance::domain::job::{Caller, JobStatus};
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

use crate::spec::spec;

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
/// Phases: only submissions; the retention pass as well; the end.
const ALONE: usize = 0;
const ARCHIVING: usize = 1;
const OVER: usize = 2;
/// Duration of a turn.
const TURN: Duration = Duration::from_secs(5);

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
    println!("                    submissions      p50      p99    p99.9      max");

    let limits = Limits { max_age_ms: Some(DAY_MS), max_bytes: None };
    retention::set(&app, &operator, Kind::Jobs, None, Some(limits))?;
    let (phase, mut took) = (AtomicUsize::new(ALONE), Duration::ZERO);
    let times = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..SUBMITTERS).map(|_| scope.spawn(|| submit(&app, &caller, &phase))).collect();
        let mut archived = 0;
        while archived < finished as usize {
            pause(TURN);
            phase.store(ARCHIVING, Ordering::SeqCst);
            let start = Instant::now();
            while archived < finished as usize && start.elapsed() < TURN {
                archived += retention::run(&app).expect("a pass");
            }
            took += start.elapsed();
            phase.store(ALONE, Ordering::SeqCst);
        }
        phase.store(OVER, Ordering::SeqCst);
        let times = threads.into_iter().map(|thread| thread.join().expect("a submitter"));
        times.fold([Vec::new(), Vec::new()], |[mut alone, mut archiving], [more_alone, more_archiving]| {
            alone.extend(more_alone);
            archiving.extend(more_archiving);
            [alone, archiving]
        })
    });
    for (name, times) in ["alone", "while archiving"].into_iter().zip(times) {
        print(name, times);
    }
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
    let settings = Settings { quotas, ..Settings::default() };
    App::serve(dir, settings, Arc::new(SystemClock::new()), Arc::new(SystemRandom))
}

fn store_bytes(dir: &Path) -> u64 {
    std::fs::metadata(dir.join("store.db")).expect("the store").len()
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
    store.write(move |tx| store::jobs::insert(tx, Uuid::from_u128(1), &caller, spec(), None, first_ms).map(drop))
}

fn add(tx: &mut Tx<'_>, caller: &Caller, node: NodeId, number: u64, at_ms: i64) -> Result<()> {
    let id = Builder::from_unix_timestamp_millis(at_ms as u64, &{
        let mut random = [0; 10];
        random[2..].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        random
    });
    let job = store::jobs::insert(tx, id.into_uuid(), caller, spec(), None, at_ms)?;
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

/// Submits until it is over. Times of submissions, alone and while jobs were archived.
fn submit(app: &App, caller: &Caller, phase: &AtomicUsize) -> [Vec<Duration>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    loop {
        let now = phase.load(Ordering::SeqCst);
        let Some(times) = times.get_mut(now) else { return times };
        let start = Instant::now();
        jobs::submit(app, caller, spec()).expect("a job");
        times.push(start.elapsed());
        pause(PACE);
    }
}

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| {
        let place = (times.len() as f64 * share) as usize;
        times.get(place.min(times.len().saturating_sub(1))).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    println!("  {name:16} {:12} {:8.3} {:8.3} {:8.3} {:8.3}", times.len(), at(0.5), at(0.99), at(0.999), at(1.0));
}
