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
use crate::os::process::{Child, Event};
use crate::os::stop::StopFlag;
use crate::render::command::{EXIT_BAD_JOB, EXIT_DONE, EXIT_NOT_READY, EXIT_TRANSIENT, INDEX_FILE, Line, for_people};
use crate::render::demo::DemoIndex;
use crate::store;

/// How often the server's stop is looked for while a child says nothing.
const TICK: Duration = Duration::from_millis(100);

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
    let lost = |error| Error::internal("A demo could not be read: its child process got lost.", error);
    // Both paths are made absolute: the child has another working directory.
    let absolute = |path: &Path| std::path::absolute(path).map_err(lost);
    let args = ["inspect".into(), "--child".into(), absolute(workdir)?.into(), absolute(demo)?.into()];
    let mut child = Child::spawn(program, &args, workdir).map_err(lost)?;
    let deadline = app.clock.monotonic() + Duration::from_secs(limits::INDEX_SECONDS);
    let (mut code, mut sentence) = (None, None);
    let exit = loop {
        match child.next(TICK).map_err(lost)? {
            Event::Out(line) => match Line::parse(&line) {
                Line::Fail(text) => sentence = Some(for_people(&text)).filter(|text| !text.is_empty()),
                Line::Error { code: said, .. } => code = Some(said),
                _ => {}
            },
            Event::Err(line) => log::debug!("a demo's reader says: {}", for_people(&line)),
            Event::Silence => {}
            Event::Ended(exit) => break exit,
        }
        if stop.stopped() || app.stopping() {
            return Ok(Outcome::Stopped);
        }
        if app.clock.monotonic() > deadline {
            let message = format!("The demo takes longer than {} seconds to read.", limits::INDEX_SECONDS);
            return Ok(Outcome::Bad(FailureCode::DemoUnreadable, message));
        }
    };
    verdict(exit, code, sentence, workdir)
}

/// What a child's end means, by the command contract.
fn verdict(exit: Option<i32>, code: Option<FailureCode>, sentence: Option<String>, workdir: &Path) -> Result<Outcome> {
    let bad = |words: &str| {
        let message = sentence.clone().unwrap_or_else(|| words.to_owned());
        Outcome::Bad(code.unwrap_or(FailureCode::DemoUnreadable), message)
    };
    match exit.and_then(|exit| u8::try_from(exit).ok()) {
        Some(EXIT_DONE) => Ok(match read_index(workdir)? {
            Some(content) => Outcome::Indexed(content),
            None => bad("The demo holds more than can be said of a match."),
        }),
        Some(EXIT_BAD_JOB) => Ok(bad("The demo cannot be read.")),
        Some(EXIT_TRANSIENT | EXIT_NOT_READY) => {
            let words = sentence.unwrap_or_else(|| "no words".to_owned());
            Err(Error::internal("A demo could not be read now and is tried again.", words))
        }
        // A signal, a panic, an allocation that failed: no demo of a match does that to its reader.
        other => {
            log::warn!("a demo's reader crashed: exit {other:?}");
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
