//! The background passes: leases that ran out, when keys were used, files without a row, answers that are kept no
//! longer. Each takes no input, is bounded, and may be run again at any time. Knows nothing of HTTP.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::app::{self, App, jobs, keys, leases};
use crate::domain::error::{Error, Result};
use crate::domain::limits;
use crate::os::stop::StopFlag;

/// How often leases are looked at, at most: a short lease is looked at four times in its life.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is written down which keys were used.
const USES: Duration = Duration::from_secs(limits::KEY_USED_SECONDS);
/// How often files are swept. What ends as it should removes its own files; this finds what a crash has left.
const SWEEP: Duration = Duration::from_secs(3_600);

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

/// The thread of the background passes. Stopped when dropped.
pub struct Scheduler {
    stop: Arc<StopFlag>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the passes, these among them.
pub fn start(app: Arc<App>, further: Vec<Pass>) -> Result<Scheduler> {
    let stop = Arc::new(StopFlag::new());
    let flag = stop.clone();
    let thread = std::thread::Builder::new()
        .name("scheduler".into())
        .spawn(move || run(&app, further, &flag))
        .map_err(|error| Error::internal("The scheduler could not be started.", error))?;
    Ok(Scheduler { stop, thread: Some(thread) })
}

impl Scheduler {
    /// Ends the passes; returns when the last one is over.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
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
    let mut next_uses = next_sweep + USES;
    let mut further: Vec<_> = further.into_iter().map(|pass| (next_sweep + pass.every, pass)).collect();
    loop {
        report("leases", leases::expire(app));
        if app.clock.monotonic() >= next_sweep {
            next_sweep = app.clock.monotonic() + SWEEP;
            report("files", app::sweep(app));
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

/// A pass that fails is told of and run again in its time.
fn report(pass: &str, outcome: Result<usize>) {
    match outcome {
        Ok(0) => {}
        Ok(count) => log::info!("background pass over {pass}: {count}"),
        Err(error) => log::error!("background pass over {pass} failed: {error}"),
    }
}
