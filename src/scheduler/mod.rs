//! The background passes: expired leases, forgotten nodes, last use of keys, retention, orphaned files, outdated stored responses. Each
//! takes no input, is bounded, and may be run again at any time. Beside them, threads of their own call webhooks, index
//! demos and measure the storage. Knows nothing of HTTP.

mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::app::accounts::keys;
use crate::app::demos::index;
use crate::app::demos::index::INDEX_RETRY_SECONDS;
use crate::app::jobs::queue;
use crate::app::nodes::forgetting;
use crate::app::upkeep::findings::{self, Subject};
use crate::app::upkeep::store_check::{self, Stopped};
use crate::app::upkeep::{ballast, bucket, health, history, retention, storage, sweep};
use crate::app::webhooks as app_webhooks;
use crate::app::{App, jobs, leases};
use crate::domain::error::{Error, Result};
use crate::domain::key::KEY_USED_SECONDS;
use crate::os::doorbell::Doorbell;
use crate::os::sandbox;
use crate::os::stop::StopFlag;
use crate::wire::base::Base;

/// Uploaded demos that are indexed at once, each in a child process.
pub const INDEXERS: usize = 2;

/// The period of a pass that runs every round.
const EVERY_ROUND: Duration = Duration::ZERO;
/// Longest interval between lease checks: a short lease is checked four times before it expires.
const LEASES: Duration = Duration::from_secs(1);
/// How often the last use of keys is recorded.
const KEY_USES: Duration = Duration::from_secs(KEY_USED_SECONDS);
/// How often it is tried whether the store can be written to, for the dashboard.
const READINESS: Duration = Duration::from_secs(15);
/// How often orphaned files are removed. Normally files are removed at once; this finds what a crash has left.
const SWEEP: Duration = Duration::from_secs(3_600);
/// How often retention rules are applied, each time for at most half a second.
const RETENTION: Duration = Duration::from_secs(30);
/// How often the queue and the disk are sampled for the history.
const HISTORY: Duration = Duration::from_secs(30);
/// How often nodes that are gone are looked for, to forget them.
const DEPARTED: Duration = Duration::from_secs(15);
/// How often the queue in memory is compared with the rows: a million queued jobs take a fifth of a second.
const QUEUE_CHECK: Duration = Duration::from_secs(3_600);
/// How often free disk space is checked, to release the ballast when needed.
const BALLAST: Duration = Duration::from_secs(5);

/// The passes of every server. Order matters: leases come first in each round.
fn passes() -> Vec<Pass> {
    vec![
        Pass::new("leases", EVERY_ROUND, First::AtOnce, leases::expire),
        Pass::new("the store's rows", EVERY_ROUND, First::AtOnce, App::note_rows),
        Pass::new("the ballast", BALLAST, First::AtOnce, ballast::keep),
        Pass::new("history", HISTORY, First::AtOnce, history::sample),
        Pass::new("retention", RETENTION, First::AtOnce, retention::run),
        Pass::new("forgotten nodes", DEPARTED, First::AtOnce, forgetting::forget),
        Pass::new("readiness", READINESS, First::AtOnce, health::look),
        Pass::new("the queue", QUEUE_CHECK, First::AfterItsPeriod, queue::check),
        Pass::new("files", SWEEP, First::AtOnce, sweep::sweep),
        Pass::new("stored responses", SWEEP, First::AtOnce, jobs::forget_old_answers),
        Pass::new("webhook deliveries", SWEEP, First::AtOnce, app_webhooks::forget_old),
        Pass::new(KEY_USES_PASS, KEY_USES, First::AfterItsPeriod, write_key_uses),
    ]
}

/// The name of the pass that runs once more when the server shuts down.
const KEY_USES_PASS: &str = "key usage";

fn write_key_uses(app: &App) -> Result<usize> {
    keys::write_uses(app).map(|()| 0)
}

/// When a pass runs for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// When the server starts.
    AtOnce,
    /// After its first period.
    AfterItsPeriod,
}

/// What a pass does.
pub type Work = Box<dyn FnMut(&App) -> Result<usize> + Send>;

/// A row of the table of passes.
pub struct Pass {
    /// The subject, for the log.
    name: &'static str,
    every: Duration,
    first: First,
    run: Work,
}

impl Pass {
    /// `run` takes no input, is bounded, may be run again at any time, and returns how much it did.
    pub fn new(
        name: &'static str,
        every: Duration,
        first: First,
        run: impl FnMut(&App) -> Result<usize> + Send + 'static,
    ) -> Self {
        Self { name, every, first, run: Box::new(run) }
    }

    /// Runs it once, whether or not it is due.
    pub fn run(&mut self, app: &App) -> Result<usize> {
        (self.run)(app)
    }
}

/// The threads of the background passes. They stop when this is dropped.
pub struct Scheduler {
    app: Arc<App>,
    stop: Arc<StopFlag>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts the passes, including `further`. `program` is this executable: uploaded demos are parsed in child processes.
/// `base`: of URLs in the events sent to webhooks.
pub fn start(app: Arc<App>, program: PathBuf, base: Base, further: Vec<Pass>) -> Result<Scheduler> {
    let mut scheduler = Scheduler { app, stop: Arc::default(), threads: Vec::new() };
    sandbox::warn_if_weak();
    let round = LEASES.min(Duration::from_millis(scheduler.app.settings.lease_ms) / 4);
    let passes: Vec<Pass> = passes().into_iter().chain(further).collect();
    scheduler.spawn("scheduler", move |app, stop| run(app, round, passes, stop))?;
    let (app, stop) = (Arc::clone(&scheduler.app), Arc::clone(&scheduler.stop));
    let stopped: Stopped = Arc::new(move || stop.stopped() || app.stopping());
    scheduler.spawn("store check", move |app, _| check_store(app, &stopped))?;
    scheduler.spawn("webhooks", move |app, stop| webhooks::run(app, &base, stop))?;
    scheduler.spawn("storage", measure_storage)?;
    scheduler.spawn("bucket", sweep_bucket)?;
    for _ in 0..INDEXERS {
        let program = program.clone();
        scheduler.spawn("indexer", move |app, stop| index(app, &program, stop))?;
    }
    Ok(scheduler)
}

impl Scheduler {
    /// Lets doctor examine the appliance every few minutes, on a thread of its own, for the dashboard.
    pub fn examine(&mut self, subject: Subject) -> Result<()> {
        self.spawn("doctor", move |app, stop| examine(app, &subject, stop))
    }

    /// Stops the passes; returns when the last one has ended.
    pub fn stop(mut self) {
        self.halt();
    }

    fn spawn(&mut self, name: &str, pass: impl FnOnce(&App, &StopFlag) + Send + 'static) -> Result<()> {
        let (app, stop) = (Arc::clone(&self.app), Arc::clone(&self.stop));
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || pass(&app, &stop))
            .map_err(|error| Error::internal("The scheduler could not be started.", error))?;
        self.threads.push(thread);
        Ok(())
    }

    fn halt(&mut self) {
        self.stop.stop();
        self.app.indexer.news.ring();
        self.app.measured.wanted.ring();
        self.app.outbox.news.ring();
        bucket::news(&self.app).into_iter().for_each(Doorbell::ring);
        findings::look_again(&self.app);
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Runs each pass when it is due, until the server stops; `round`: how often this is checked.
fn run(app: &App, round: Duration, passes: Vec<Pass>, stop: &StopFlag) {
    let start = app.clock.monotonic();
    let first = |pass: &Pass| if pass.first == First::AtOnce { start } else { start + pass.every };
    let mut passes: Vec<(Duration, Pass)> = passes.into_iter().map(|pass| (first(&pass), pass)).collect();
    loop {
        for (next, pass) in &mut passes {
            let now = app.clock.monotonic();
            if now >= *next {
                *next = now + pass.every;
                report(pass.name, pass.run(app));
            }
        }
        if stop.wait(round) {
            // Usage that is not recorded yet is in memory only.
            report(KEY_USES_PASS, write_key_uses(app));
            return;
        }
    }
}

/// Checks the store's integrity once; on a thread of its own, because checking a large store takes long.
fn check_store(app: &App, stopped: &Stopped) {
    match store_check::look(app, stopped) {
        Ok(true) => {}
        Ok(false) if stopped() => {}
        Ok(false) => {
            log::warn!("the store is too large to check in the background: run `admin doctor` from time to time")
        }
        Err(error) => log::error!("the store could not be checked: {error}"),
    }
}

/// Examines the appliance again and again.
fn examine(app: &App, subject: &Subject, stop: &StopFlag) {
    loop {
        // The stopping thread sets a flag and rings.
        let seen = findings::requests(app);
        if stop.stopped() || app.stopping() {
            return;
        }
        let pause = findings::look(app, subject);
        findings::wait(app, seen, pause);
    }
}

/// Indexes uploaded demos as they arrive. Failures caused by the machine are retried later.
fn index(app: &App, program: &Path, stop: &StopFlag) {
    while !stop.stopped() {
        let seen = app.indexer.news.rings();
        loop {
            match index::index_next(app, program, stop) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    log::error!("could not index an uploaded demo: {error}");
                    break;
                }
            }
        }
        // The stopping thread sets a flag and rings.
        if stop.stopped() || app.stopping() {
            return;
        }
        app.indexer.news.wait_past(seen, Duration::from_secs(INDEX_RETRY_SECONDS));
    }
}

/// Measures the storage when the dashboard asks; on a thread of its own, because a million files take seconds.
fn measure_storage(app: &App, stop: &StopFlag) {
    loop {
        let seen = app.measured.wanted.rings();
        storage::measure(app);
        // The stopping thread sets a flag and rings.
        if stop.stopped() || app.stopping() {
            return;
        }
        app.measured.wanted.wait_past(seen, storage::MEASURED);
    }
}

/// When the bucket is listed for the first time: by then, nodes have delivered what they finished while the server was away.
const FIRST_LISTING: Duration = Duration::from_mins(10);
/// How long to wait after the bucket has failed.
const BUCKET_PAUSE: Duration = Duration::from_secs(60);
/// When the bucket is listed again after not all could be deleted.
const LISTING_AGAIN: Duration = Duration::from_hours(1);

/// Deletes in the bucket what is not needed; on a thread of its own, because a bucket may be slow or away. Without a
/// bucket, the thread ends at once.
fn sweep_bucket(app: &App, stop: &StopFlag) {
    let Some(news) = bucket::news(app) else { return };
    if let Err(error) = bucket::claim(app) {
        log::error!("the bucket of [storage] cannot be used as it should; `admin doctor` says more: {error}");
    }
    let mut next = app.clock.monotonic() + FIRST_LISTING;
    loop {
        let seen = news.rings();
        let deleted = bucket::delete_doomed(app);
        let mut pause = if deleted.is_ok() { bucket::LISTING } else { BUCKET_PAUSE };
        report("deleted clips in the bucket", deleted);
        if app.clock.monotonic() >= next && !app.stopping() {
            let swept = bucket::sweep(app);
            next = app.clock.monotonic() + if swept.is_ok() { bucket::LISTING } else { LISTING_AGAIN };
            report("objects in the bucket", swept);
        }
        pause = pause.min(next.saturating_sub(app.clock.monotonic()));
        // The stopping thread sets a flag and rings.
        if stop.stopped() || app.stopping() {
            return;
        }
        news.wait_past(seen, pause);
    }
}

/// A failing pass is logged and retried when it is next due.
fn report(pass: &str, outcome: Result<usize>) {
    match outcome {
        Ok(0) => {}
        Ok(count) => log::info!("background pass ({pass}): {count}"),
        Err(error) => log::error!("background pass ({pass}) failed: {error}"),
    }
}
