//! Cost of authenticating a request: `cargo bench --bench auth`.
//!
//! 100,000 active accounts and a random key for each request, while other threads submit jobs as fast as the store
//! accepts them. For comparison, the same lookup with a new connection for each request, as in a server without a
//! reader pool.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its results and panics on errors")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use dinkem_appliance::app::accounts::auth;
use dinkem_appliance::app::{App, Settings, jobs};
use dinkem_appliance::domain::account::AccountStatus;
use dinkem_appliance::domain::error::Result;
use dinkem_appliance::domain::job::{Caller, Commands, JobSpec, Renderer, SteamId};
use dinkem_appliance::domain::key::{KeyClass, KeyHash, Secret};
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::store::{self, Store};
use rusqlite::{Connection, OpenFlags};
use uuid::{Builder, Uuid};

/// Accounts, each with one metered key.
const ACCOUNTS: u64 = 100_000;
/// Accounts created per transaction.
const TOGETHER: u64 = 1_000;
/// Threads that submit jobs.
const SUBMITTERS: usize = 16;
/// Timed requests per variant.
const REQUESTS: u64 = 100_000;
/// Warm-up requests, to open every connection and fill its cache.
const WARM_UP: u64 = 20_000;
/// The store's own query, on a separate connection.
const QUESTION: &str = "
    SELECT api_keys.id, api_keys.class, accounts.id, accounts.name, accounts.status, accounts.dinks
    FROM api_keys
    JOIN accounts ON accounts.id = api_keys.account
    WHERE api_keys.hash = ?1 AND (api_keys.revoked_at_ms IS NULL OR api_keys.revoked_at_ms > ?2)
";

fn main() -> Result<()> {
    let dir = tempfile::tempdir().expect("a scratch directory");
    fill(dir.path())?;
    let clock = Arc::new(SystemClock::new());
    let settings = Settings::default();
    let app = App::serve(dir.path(), settings, clock.clone(), Arc::new(SystemRandom))?;
    println!("{ACCOUNTS} accounts, times of one request in microseconds");

    let ours = |number| auth::authenticate(&app, &[&format!("Bearer {}", key(number))]).map(drop);
    let store = dir.path().join("store.db");
    let per_request = |number| {
        let hash = KeyHash::of(&Secret::new(key(number).to_string()));
        let db = Connection::open_with_flags(&store, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the store");
        let account: i64 =
            db.query_row(QUESTION, (hash.0, clock.now_ms()), |row| row.get(2)).expect("the key's account");
        assert!(account > 0);
        Ok(())
    };
    measure("idle", &ours, &*clock)?;
    let (submitted, over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| -> Result<()> {
        for submitter in 0..SUBMITTERS {
            let (app, submitted, over) = (&app, &submitted, &over);
            scope.spawn(move || submit(app, submitter as u64, submitted, over));
        }
        let start = clock.monotonic();
        let measured = measure("under write load", &ours, &*clock)
            .and_then(|()| measure("  a connection per request", &per_request, &*clock));
        let rate = submitted.load(Ordering::Relaxed) as f64 / (clock.monotonic() - start).as_secs_f64();
        over.store(true, Ordering::Relaxed);
        println!("meanwhile {rate:.0} jobs/s were submitted");
        measured
    })
}

/// An account's key, the same in every run.
fn key(account: u64) -> Uuid {
    let spread = u128::from(account + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    Builder::from_random_bytes(spread.to_be_bytes()).into_uuid()
}

fn fill(dir: &Path) -> Result<()> {
    let store = Store::serve(dir, Arc::default())?;
    for first in (0..ACCOUNTS).step_by(TOGETHER as usize) {
        store.write(move |tx| {
            for number in first..first + TOGETHER {
                let id = Uuid::from_u128(u128::from(number));
                let account = store::accounts::insert(tx, id, &format!("account {number}"), 0)?;
                store::accounts::set_status(tx, account.id, AccountStatus::Active)?;
                let hash = KeyHash::of(&Secret::new(key(number).to_string()));
                store::keys::insert(tx, &hash, account.id, KeyClass::Metered, 0)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Submits jobs until stopped.
fn submit(app: &App, account: u64, submitted: &AtomicU64, over: &AtomicBool) {
    let header = format!("Bearer {}", key(account));
    let caller: Caller = auth::authenticate(app, &[&header]).expect("an active account");
    while !over.load(Ordering::Relaxed) {
        let spec = JobSpec {
            demo_url: "https://example.com/match.dem".into(),
            steam64_id: SteamId::new(SteamId::FIRST).expect("the first Steam ID"),
            round: 1,
            fps: 30,
            resolution: 1080,
            commands: Commands::default(),
            renderer: Renderer::Builtin,
            metadata: None,
        };
        jobs::submit(app, &caller, spec).expect("room for a job");
        submitted.fetch_add(1, Ordering::Relaxed);
    }
}

/// Times sequential requests, each for a random account.
fn measure(what: &str, request: &dyn Fn(u64) -> Result<()>, clock: &dyn Clock) -> Result<()> {
    let mut dice: u64 = 1;
    let mut next = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % ACCOUNTS
    };
    (0..WARM_UP).try_for_each(|_| request(next()))?;
    let mut times = Vec::with_capacity(REQUESTS as usize);
    for _ in 0..REQUESTS {
        let number = next();
        let start = clock.monotonic();
        request(number)?;
        times.push(clock.monotonic() - start);
    }
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_nanos() as f64 / 1_000.0;
    let mean = times.iter().sum::<Duration>().as_nanos() as f64 / 1_000.0 / times.len() as f64;
    println!("{what:28} median {:7.1}   mean {mean:7.1}   p90 {:7.1}   p99 {:7.1}", at(0.5), at(0.9), at(0.99));
    Ok(())
}
