//! The background passes: leases that ran out, when keys were used, files without a row, answers that are kept no
//! longer. Each takes no input, is bounded, and may be run again at any time. Knows nothing of HTTP.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::app::accounts::keys;
use crate::app::demos::index;
use crate::app::upkeep::store_check::{self, Stopped};
use crate::app::upkeep::{ballast, sweep};
use crate::app::{App, jobs, leases};
use crate::domain::error::{Error, Result};
use crate::domain::limits;
use crate::os::sandbox;
use crate::os::stop::StopFlag;

/// How often leases are looked at, at most: a short lease is looked at four times in its life.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is written down which keys were used.
const USES: Duration = Duration::from_secs(limits::KEY_USED_SECONDS);
/// How often files are swept. What ends as it should removes its own files; this finds what a crash has left.
const SWEEP: Duration = Duration::from_secs(3_600);

/// How often the disk is looked at for whether the ballast must be given up.
const BALLAST: Duration = Duration::from_secs(limits::BALLAST_SECONDS);

/// What a pass does.
pub type Work = Box<dyn FnMut(&App) -> Result<usize> + Send>;

/// A pass that is handed in, because it is about parts that this folder does not know.
pub struct Pass {
    /// What it looks over.
    pub name: &'static str,
    /// How often.
    pub every: Duration,
    /// Takes no input, is bounded, may be run again at any time; how much it did.
    pub run: Work,
}

/// The threads of the background passes. Stopped when dropped.
pub struct Scheduler {
    app: Arc<App>,
    stop: Arc<StopFlag>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts the passes, `further` among them. `program` is this program: uploaded demos are read in children of its own.
pub fn start(app: Arc<App>, program: PathBuf, further: Vec<Pass>) -> Result<Scheduler> {
    let mut scheduler = Scheduler { app, stop: Arc::default(), threads: Vec::new() };
    sandbox::warn_if_weak();
    scheduler.spawn("scheduler", move |app, stop| run(app, further, stop))?;
    let (app, stop) = (Arc::clone(&scheduler.app), Arc::clone(&scheduler.stop));
    let stopped: Stopped = Arc::new(move || stop.stopped() || app.stopping());
    scheduler.spawn("store check", move |app, _| check_store(app, &stopped))?;
    for _ in 0..limits::INDEXERS {
        let program = program.clone();
        scheduler.spawn("indexer", move |app, stop| index(app, &program, stop))?;
    }
    Ok(scheduler)
}

impl Scheduler {
    /// Ends the passes; returns when the last one is over.
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

fn run(app: &App, further: Vec<Pass>, stop: &StopFlag) {
    let period = LOOK.min(Duration::from_millis(app.settings.lease_ms) / 4);
    let mut next_sweep = app.clock.monotonic();
    let mut next_ballast = next_sweep;
    let mut next_uses = next_sweep + USES;
    let mut further: Vec<_> = further.into_iter().map(|pass| (next_sweep + pass.every, pass)).collect();
    loop {
        report("leases", leases::expire(app));
        report("the store's rows", app.note_rows());
        if app.clock.monotonic() >= next_ballast {
            next_ballast = app.clock.monotonic() + BALLAST;
            report("the ballast", ballast::keep(app));
        }
        if app.clock.monotonic() >= next_sweep {
            next_sweep = app.clock.monotonic() + SWEEP;
            report("files", sweep::sweep(app));
            report("old answers", jobs::forget_old_answers(app));
        }
        if app.clock.monotonic() >= next_uses {
            next_uses = app.clock.monotonic() + USES;
            report("uses of keys", keys::write_uses(app).map(|()| 0));
        }
        for (next, pass) in &mut further {
            if app.clock.monotonic() >= *next {
                *next = app.clock.monotonic() + pass.every;
                report(pass.name, (pass.run)(app));
            }
        }
        if stop.wait(period) {
            report("uses of keys", keys::write_uses(app).map(|()| 0));
            return;
        }
    }
}

/// Looks once whether the store is whole; on a thread of its own, as a large one takes long.
fn check_store(app: &App, stopped: &Stopped) {
    match store_check::look(app, stopped) {
        Ok(true) => {}
        Ok(false) if stopped() => {}
        Ok(false) => {
            log::warn!("the store is too large to be checked in the background: run admin doctor now and then")
        }
        Err(error) => log::error!("the store could not be checked: {error}"),
    }
}

/// Reads uploaded demos as they come. What fails by the machine's fault is tried again in its time.
fn index(app: &App, program: &Path, stop: &StopFlag) {
    while !stop.stopped() {
        let seen = app.indexer.news.rings();
        loop {
            match index::index_next(app, program, stop) {
                Ok(true) => log::info!("an uploaded demo was read"),
                Ok(false) => break,
                Err(error) => {
                    log::error!("an uploaded demo could not be read: {error}");
                    break;
                }
            }
        }
        // Whoever stops this raises a flag and rings.
        if stop.stopped() || app.stopping() {
            return;
        }
        app.indexer.news.wait_past(seen, Duration::from_secs(limits::INDEX_RETRY_SECONDS));
    }
}

/// A pass that fails is told of and run again in its time.
fn report(pass: &str, outcome: Result<usize>) {
    match outcome {
        Ok(0) => {}
        Ok(count) => log::info!("background pass over {pass}: {count}"),
        Err(error) => log::error!("background pass over {pass} failed: {error}"),
    }
}
