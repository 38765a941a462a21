//! What the dashboard reads, with many jobs: `cargo bench --bench dashboard [-- JOBS]`, by default one million finished
//! jobs, 5,000 waiting ones and 200 nodes. Prints the median and the longest of several calls in milliseconds.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its results and panics on errors")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use dinkem_appliance::app::jobs::search::{self, Filter, JobPage};
use dinkem_appliance::app::jobs::{operator, queue};
use dinkem_appliance::app::nodes::work;
use dinkem_appliance::app::upkeep::history;
use dinkem_appliance::app::{App, Settings, accounts, nodes};
use dinkem_appliance::domain::error::Result;
use dinkem_appliance::domain::failure::FailureCode;
use dinkem_appliance::domain::id::KeyId;
use dinkem_appliance::domain::job::{JobStatus, SteamId};
use dinkem_appliance::domain::operator::Operator;
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::os::random::SystemRandom;
use rusqlite::{Connection, params};

const JOBS: i64 = 1_000_000;
const WAITING: i64 = 5_000;
const NODES: i64 = 200;
const ACCOUNTS: i64 = 20;
/// Rows of a page.
const PAGE: u32 = 50;
/// Calls of each function.
const CALLS: usize = 21;

/// Finished jobs over 30 days, of which one in fifty failed or was cancelled. Half of them are of the first account.
const FINISHED: &str = "
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
    INSERT INTO jobs (
        id, public_id, account, key, class, status, renderer, demo_url, steam64_id, round, fps, resolution,
        spec_show_xray, cl_draw_only_deathnotices, failure_code, failure_message, failure_retry, created_at_ms,
        started_at_ms, finished_at_ms
    )
    SELECT n, randomblob(16), a, (SELECT MIN(id) FROM api_keys WHERE account = a), 'metered',
        CASE n % 100 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'done' END, 'builtin',
        'https://demos.example.com/2026/11/match-730-' || (n / 10) || '.dem.bz2', 76561197960265728 + n % 5000, 5, 60,
        1080, 0, 1, CASE n % 100 WHEN 0 THEN 'fetch_failed' END, CASE n % 100 WHEN 0 THEN 'The server answered 403.' END,
        CASE n % 100 WHEN 0 THEN 'never' END, at, at + 1000, at + 45000
    FROM (
        SELECT n, CASE n % 2 WHEN 0 THEN 1 ELSE 1 + n % ?2 END AS a, ?3 - 60000 - (?1 - n) * 2592000000 / ?1 AS at FROM n
    )
";

const LEASES: &str = "
    INSERT INTO leases (id, job, node, state, started_at_ms, ended_at_ms)
    SELECT id, id, 1 + id % ?1, CASE status WHEN 'done' THEN 'done' ELSE 'failed' END, started_at_ms, finished_at_ms
    FROM jobs
";

const CLIPS: &str = "
    INSERT INTO clips (
        job, token, lease, bytes, sha256, width, height, frames, fps, duration_ms, has_audio, view, account,
        finished_at_ms
    )
    SELECT id, lower(hex(randomblob(16))), id, 20000000, zeroblob(32), 1920, 1080, 1800, 60, 30000, 0, 'tactical', account,
        finished_at_ms
    FROM jobs
    WHERE status = 'done'
";

const LEDGER: &str = "
    INSERT INTO ledger (job, account, class, renderer, footage_ms, fps, resolution, at_ms)
    SELECT job, account, 'metered', 'builtin', 30000, 60, 1080, finished_at_ms FROM clips
";

const UNFINISHED: &str = "
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
    INSERT INTO jobs (
        public_id, account, key, class, status, renderer, demo_url, steam64_id, round, fps, resolution,
        spec_show_xray, cl_draw_only_deathnotices, created_at_ms
    )
    SELECT randomblob(16), 1 + n % ?2, (SELECT MIN(id) FROM api_keys WHERE account = 1 + n % ?2), 'metered',
        CASE WHEN n <= ?3 THEN 'rendering' ELSE 'queued' END, CASE WHEN n % 50 = 49 THEN 'game' ELSE 'builtin' END,
        'https://demos.example.com/x.dem', 76561197960265728 + n % 5000, 5, 60, 1080, 0, 1, ?4
    FROM n
";

const LIVE: &str = "
    INSERT INTO leases (job, node, state, started_at_ms)
    SELECT id, id - ?1, 'live', created_at_ms FROM jobs WHERE status = 'rendering'
";

/// One in a hundred waiting jobs failed on a node.
const AVOIDED: &str = "
    INSERT INTO leases (job, node, state, avoid, started_at_ms, ended_at_ms)
    SELECT id, 1 + id % ?1, 'failed', 1, created_at_ms, created_at_ms FROM jobs WHERE status = 'queued' AND id % 100 = 0
";

/// A hundred days of history, with six kinds of ended jobs in each half hour.
const SAMPLES: &str = "
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 4800)
    INSERT INTO samples (at_ms, waiting, free_bytes, stored_bytes)
    SELECT (?1 / 1800000 - n) * 1800000, 5000, 2000000000000 + n * 10000000000, 9000000000000 FROM n
";
const ENDED: &str = "
    INSERT INTO ended_jobs (at_ms, status, class, code, jobs, last_job, last_at_ms)
    SELECT at_ms, ended.column1, ended.column2, ended.column3, 1000, 100, at_ms + 1
    FROM samples, (VALUES
        ('done', 'metered', ''), ('done', 'reserved', ''), ('cancelled', 'metered', ''),
        ('failed', 'metered', 'fetch_failed'), ('failed', 'metered', 'render_timeout'),
        ('failed', 'reserved', 'demo_unreadable')
    ) AS ended
";

fn main() -> Result<()> {
    let jobs = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(JOBS);
    let dir = tempfile::tempdir().expect("a scratch directory");
    let app = serve(dir.path())?;
    let operator = Operator::named("bench");
    for number in 1..=ACCOUNTS {
        accounts::create(&app, &operator, &format!("studio-{number}"), true)?;
        accounts::activate(&app, &operator, None)?;
    }
    for number in 1..=NODES {
        nodes::join(&app, &nodes::token(&app, &operator)?, &format!("render-{number:03}"))?;
    }
    drop(app);
    fill(&dir.path().join("store.db"), jobs).expect("the store");
    let app = serve(dir.path())?;
    println!("{jobs} finished jobs, {WAITING} waiting, {NODES} nodes              median      max");
    time("sample, the first of a half hour", 1, || history::sample(&app))?;
    time("sample", CALLS, || history::sample(&app))?;
    time("last_day", CALLS, || history::last_day(&app))?;
    time("disk_trend", CALLS, || history::disk_trend(&app))?;
    time("why_waiting", CALLS, || queue::why_waiting(&app, 20))?;
    time("figures", CALLS, || queue::figures(&app))?;
    time("by_account", CALLS, || queue::by_account(&app, 5))?;
    time("speed of a node", CALLS, || work::speed(&app, "render-007"))?;
    time("latest jobs of a node", CALLS, || work::latest_jobs(&app, "render-007", PAGE))?;
    time("nodes::list", CALLS, || nodes::list(&app))?;
    let now = app.clock.now_ms();
    let (day, none) = (86_400_000, Filter::default);
    let status = |statuses: &[JobStatus]| Filter { statuses: statuses.into(), ..none() };
    let account = || Some("studio-1".to_owned());
    let small = || Some("studio-4".to_owned());
    let player = |number| SteamId::new(SteamId::FIRST + number);
    for (name, filter) in [
        ("all", none()),
        ("queued", status(&[JobStatus::Queued])),
        ("unfinished", status(&[JobStatus::Queued, JobStatus::Rendering])),
        ("failed", status(&[JobStatus::Failed])),
        ("failed or cancelled", status(&[JobStatus::Failed, JobStatus::Cancelled])),
        ("done", status(&[JobStatus::Done])),
        ("account", Filter { account: account(), ..none() }),
        ("account, failed", Filter { account: small(), ..status(&[JobStatus::Failed]) }),
        ("key", Filter { key: Some(KeyId(7)), ..none() }),
        ("node", Filter { node: Some("render-007".into()), ..none() }),
        ("node and player", Filter { node: Some("render-007".into()), player: player(6), ..none() }),
        ("player", Filter { player: player(17), ..none() }),
        ("unknown player", Filter { player: player(9_999), ..none() }),
        ("account and unknown player", Filter { account: account(), player: player(9_999), ..none() }),
        ("small account, unknown player", Filter { account: small(), player: player(9_999), ..none() }),
        ("demo", Filter { demo: Some("https://demos.example.com/none.dem".into()), ..none() }),
        ("uploaded demo", Filter { demo: Some("ab".repeat(32)), ..none() }),
        ("code", Filter { code: Some(FailureCode::FetchFailed), ..none() }),
        ("code that never occurs", Filter { code: Some(FailureCode::NodeLost), ..none() }),
        (
            "a day last week",
            Filter { created_from_ms: Some(now - 7 * day), created_to_ms: Some(now - 6 * day), ..none() },
        ),
    ] {
        let page = || -> Result<JobPage> { search::page(&app, &filter, None, PAGE) };
        time(&format!("page: {name}"), CALLS, page)?;
        let first = page()?;
        if let Some(next) = first.next {
            time(&format!("page: {name}, the next"), CALLS, || search::page(&app, &filter, Some(next), PAGE))?;
        }
    }
    for text in ["studio-1", "76561198000000000", "deadbeef", "render-1"] {
        time(&format!("find: {text}"), CALLS, || search::find(&app, text))?;
    }
    time("operator::show", CALLS, || {
        let first = search::page(&app, &none(), None, 1)?.jobs;
        first.first().map(|job| operator::show(&app, job.info.job.public_id)).transpose()
    })?;
    Ok(())
}

fn serve(dir: &Path) -> Result<Arc<App>> {
    App::serve(dir, Settings::default(), Arc::new(SystemClock::new()), Arc::new(SystemRandom))
}

fn fill(store: &Path, jobs: i64) -> rusqlite::Result<()> {
    let start = Instant::now();
    let now = SystemClock::new().now_ms();
    let mut db = Connection::open(store)?;
    db.pragma_update(None, "cache_size", -1_000_000)?;
    let tx = db.transaction()?;
    tx.execute(FINISHED, params![jobs, ACCOUNTS, now])?;
    tx.execute(LEASES, [NODES])?;
    tx.execute(CLIPS, [])?;
    tx.execute(LEDGER, [])?;
    tx.execute(UNFINISHED, params![WAITING + NODES - 10, ACCOUNTS, NODES - 10, now])?;
    tx.execute(LIVE, [jobs])?;
    tx.execute(AVOIDED, [NODES])?;
    tx.execute(SAMPLES, [now])?;
    tx.execute(ENDED, [])?;
    tx.execute("UPDATE nodes SET seen_at_ms = ?1, slots = 1, renderers = 'builtin'", [now])?;
    tx.commit()?;
    println!("filled in {} s", start.elapsed().as_secs());
    Ok(())
}

fn time<T>(name: &str, calls: usize, call: impl Fn() -> Result<T>) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..calls {
        let start = Instant::now();
        call()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let longest = times.last().copied().unwrap_or_default();
    println!("  {name:48} {:8.2} {longest:8.2}", times[times.len() / 2]);
    Ok(())
}
