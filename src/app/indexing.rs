//! Reads uploaded demos, each in a child process: a demo comes from a stranger, and whatever it does to its reader is
//! not to happen to the server.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::App;
use crate::domain::error::{Error, Result};
use crate::domain::failure::FailureCode;
use crate::domain::limits;
use crate::os::doorbell::Doorbell;
use crate::os::files;
use crate::os::stop::StopFlag;
use crate::render::command::{INDEX_FILE, ReaderEnd, Reading, Verdict, read_apart};
use crate::render::demo::DemoIndex;
use crate::store;

/// What is known in memory only.
#[derive(Default)]
pub struct Indexer {
    /// Rings when a demo is to be read.
    pub news: Doorbell,
    /// Demos that are being read now.
    taken: Mutex<HashSet<[u8; 32]>>,
}

impl Indexer {
    fn lock(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A demo that nobody else reads at the same time.
struct Taken<'a> {
    indexer: &'a Indexer,
    sha256: [u8; 32],
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.indexer.lock().remove(&self.sha256);
    }
}

/// How reading a demo ended.
enum Outcome {
    /// What is in it, as JSON.
    Indexed(String),
    /// It cannot be read.
    Bad(FailureCode, String),
    /// The server stops; nothing is known of the demo.
    Stopped,
}

/// Reads the demo that has waited longest and keeps what is in it, or why it cannot be read. `program` is this program.
/// False when none waits. An error is the machine's, not the demo's, which goes to the end of the line: whoever calls
/// this again and again makes a pause then.
pub fn index_next(app: &App, program: &Path, stop: &StopFlag) -> Result<bool> {
    let Some(taken) = take(app)? else { return Ok(false) };
    let sha256 = taken.sha256;
    let now = || app.clock.now_ms();
    match read(app, program, &sha256, stop) {
        Ok(Outcome::Stopped) => return Ok(false),
        Ok(Outcome::Indexed(content)) => {
            let now = now();
            app.store.write(move |tx| store::demo_indexes::indexed(tx, &sha256, &content, now))?;
        }
        Ok(Outcome::Bad(code, message)) => {
            let now = now();
            app.store.write(move |tx| store::demo_indexes::failed(tx, &sha256, code, &message, now))?;
        }
        Err(error) => {
            let now = now();
            app.store.write(move |tx| store::demo_indexes::postpone(tx, &sha256, now))?;
            return Err(error);
        }
    }
    Ok(true)
}

/// The first in line that is not being read already.
fn take(app: &App) -> Result<Option<Taken<'_>>> {
    let mut taken = app.indexer.lock();
    let line = app.store.read(|db| store::demo_indexes::waiting(db, taken.len() + 1))?;
    let free = line.into_iter().find(|sha256| !taken.contains(sha256));
    Ok(free.map(|sha256| {
        taken.insert(sha256);
        Taken { indexer: &app.indexer, sha256 }
    }))
}

/// Reads one demo in a directory of its own.
fn read(app: &App, program: &Path, sha256: &[u8; 32], stop: &StopFlag) -> Result<Outcome> {
    app.check_room()?;
    let workdir = app.store.folder.indexing(sha256);
    let failed = |error| Error::internal("A demo's work directory could not be used.", error);
    files::empty_dir(&workdir).map_err(failed)?;
    let outcome = watch(app, program, &app.store.folder.demo(sha256), &workdir, stop);
    fs::remove_dir_all(&workdir).map_err(failed)?;
    outcome
}

fn watch(app: &App, program: &Path, demo: &Path, workdir: &Path, stop: &StopFlag) -> Result<Outcome> {
    let deadline = app.clock.monotonic() + Duration::from_secs(limits::INDEX_SECONDS);
    let (mut stopped, mut late) = (false, false);
    let end = read_apart(program, demo, workdir, Reading::Index, limits::UNPACKED_BYTES, &mut || {
        stopped = stop.stopped() || app.stopping();
        late = app.clock.monotonic() > deadline;
        !stopped && !late
    });
    match end.map_err(|error| Error::internal("A demo could not be read: its child process got lost.", error))? {
        Some(end) => verdict(end, workdir),
        None if late && !stopped => {
            let message = format!("The demo takes longer than {} seconds to read.", limits::INDEX_SECONDS);
            Ok(Outcome::Bad(FailureCode::DemoTooLarge, message))
        }
        None => Ok(Outcome::Stopped),
    }
}

/// What a child's end means, by the command contract.
fn verdict(end: ReaderEnd, workdir: &Path) -> Result<Outcome> {
    let ReaderEnd { verdict, code, sentence } = end;
    let bad = |words: &str| {
        let message = sentence.clone().unwrap_or_else(|| words.to_owned());
        Outcome::Bad(code.unwrap_or(FailureCode::DemoUnreadable), message)
    };
    match verdict {
        Verdict::Done => Ok(match read_index(workdir)? {
            Some(content) => Outcome::Indexed(content),
            None => bad("The demo holds more than can be said of a match."),
        }),
        Verdict::BadJob => Ok(bad("The demo cannot be read.")),
        Verdict::Transient | Verdict::NotReady => {
            let words = sentence.unwrap_or_else(|| "no words".to_owned());
            Err(Error::internal("A demo could not be read now and is tried again.", words))
        }
        Verdict::Exhausted(what) => {
            log::warn!("a demo's reader used up what one demo may have: {what:?}");
            Ok(Outcome::Bad(FailureCode::DemoTooLarge, what.sentence().to_owned()))
        }
        // A signal, a panic: no demo of a match does that to its reader.
        Verdict::Killed | Verdict::Crashed | Verdict::WrongBuild | Verdict::Cancelled => {
            log::warn!("a demo's reader crashed: {verdict:?}");
            Ok(Outcome::Bad(FailureCode::DemoUnreadable, "The demo cannot be read: its reader crashed.".to_owned()))
        }
    }
}

/// What the child has left, if it is an index of a sensible length.
fn read_index(workdir: &Path) -> Result<Option<String>> {
    let mut text = String::new();
    let read = File::open(workdir.join(INDEX_FILE))
        .and_then(|file| file.take(limits::INDEX_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| Error::internal("A demo's reader left nothing.", error))?;
    let good = text.len() as u64 <= limits::INDEX_BYTES && serde_json::from_str::<DemoIndex>(&text).is_ok();
    Ok(good.then_some(text))
}
