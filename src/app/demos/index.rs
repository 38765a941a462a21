//! Indexes uploaded demos, each in a child process: demos are untrusted input, and one that crashes the parser must not
//! take down the server.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::app::demos::bucket;
use crate::app::demos::files::{StoredDemo, is_local};
use crate::app::demos::index_queue::{IndexQueue, Place};
use crate::domain::demo::{UNPACK_ORDINARY_RATIO, UNPACKED_BYTES};
use crate::domain::error::{Error, Result};
use crate::domain::failure::FailureCode;
use crate::domain::id::AccountId;
use crate::domain::sha256::Sha256;
use crate::os::doorbell::Doorbell;
use crate::os::files;
use crate::os::stop::StopFlag;
use crate::render::command::INDEX_BYTES;
use crate::render::command::{INDEX_FILE, ReaderEnd, Reading, Space, Verdict, read_in_child};
use crate::render::demo::{DemoIndex, PlainDemo};
use crate::store::{self, Tx};

/// Times that a demo may run out of disk space before it fails.
pub const EXHAUSTIONS: u32 = 3;
/// Timeout of indexing an uploaded demo in seconds, including decompression: a whole match takes a few.
pub const INDEX_SECONDS: u64 = 300;
/// Seconds until demos that could not be read are retried.
pub const INDEX_RETRY_SECONDS: u64 = 60;

/// The indexer's state, in memory only.
#[derive(Default)]
pub struct Indexer {
    /// Rings when a demo is queued.
    pub news: Doorbell,
    line: Mutex<IndexQueue>,
}

impl Indexer {
    /// Queues a demo for indexing.
    pub fn enqueue(&self, account: AccountId, sha256: &Sha256) {
        self.lock().push(Place { account, sha256: *sha256, not_before: Duration::ZERO });
        self.news.ring();
    }

    fn lock(&self) -> MutexGuard<'_, IndexQueue> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At start: queues all demos that are not indexed yet.
pub(in crate::app) fn enqueue(app: &App) -> Result<()> {
    let waiting = app.store.read(store::demo_indexes::line)?;
    waiting.iter().for_each(|(account, sha256)| app.indexer.enqueue(*account, sha256));
    Ok(())
}

/// A demo being indexed. Returns to its account's queue on drop, unless it is settled.
struct Taken<'a> {
    indexer: &'a Indexer,
    place: Place,
    is_settled: bool,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut line = self.indexer.lock();
        line.release(&self.place.sha256);
        if !self.is_settled {
            line.push(self.place);
        }
    }
}

/// Outcome of reading a demo.
enum Outcome {
    /// Its index, as JSON.
    Indexed(String),
    /// It cannot be read.
    Bad(FailureCode, String),
    /// It needs more disk space than was available.
    Exhausted,
    /// It lies nowhere, or damaged.
    Missing,
    /// The server is shutting down.
    Stopped,
}

/// Indexes the next demo and stores its index, or why it cannot be read. `program` is this executable. False if the
/// queue is empty. An error is the machine's fault, not the demo's, which is queued again; the caller backs off.
pub fn index_next(app: &App, program: &Path, stop: &StopFlag) -> Result<bool> {
    let Some(mut taken) = take(app)? else { return Ok(false) };
    let sha256 = taken.place.sha256;
    let outcome = read(app, program, &taken.place, stop);
    let now = app.clock.now_ms();
    match outcome {
        Ok(Outcome::Stopped) => return Ok(false),
        Ok(Outcome::Indexed(content)) => {
            app.store.write(move |tx| store::demo_indexes::indexed(tx, &sha256, &content, now))?;
            log::info!("indexed the uploaded demo {sha256}");
        }
        Ok(Outcome::Bad(code, message)) => {
            app.store.write(move |tx| store::demo_indexes::failed(tx, &sha256, code, &message, now))?;
        }
        Ok(Outcome::Missing) => {
            log::error!("the uploaded demo {sha256} is missing or damaged, and cannot be indexed");
            taken.place.not_before = app.clock.monotonic() + Duration::from_secs(INDEX_RETRY_SECONDS);
            app.store.write(move |tx| store::demo_indexes::postpone(tx, &sha256, now))?;
            return Ok(true);
        }
        Ok(Outcome::Exhausted) => {
            // Other work may have used the disk space, so it is retried later, a limited number of times.
            taken.place.not_before = app.clock.monotonic() + Duration::from_secs(INDEX_RETRY_SECONDS);
            if !app.store.write(move |tx| exhausted(tx, &sha256, now))? {
                return Ok(true);
            }
        }
        Err(error) => {
            app.store.write(move |tx| store::demo_indexes::postpone(tx, &sha256, now))?;
            return Err(error);
        }
    }
    taken.is_settled = true;
    Ok(true)
}

/// Counts an attempt that ran out of disk space. True if no retry is due: the demo has failed or is gone.
fn exhausted(tx: &mut Tx<'_>, sha256: &Sha256, now_ms: i64) -> Result<bool> {
    let Some(times) = store::demo_indexes::exhausted(tx, sha256, now_ms)? else { return Ok(true) };
    if times < EXHAUSTIONS {
        return Ok(false);
    }
    let message =
        format!("Unpacking the demo needs more disk space than the server has; the server tried {times} times.");
    store::demo_indexes::failed(tx, sha256, FailureCode::DemoTooLarge, &message, now_ms)?;
    Ok(true)
}

/// The next queued demo. Skips those that were deleted, or already indexed for another account.
fn take(app: &App) -> Result<Option<Taken<'_>>> {
    loop {
        let Some(place) = app.indexer.lock().take(app.clock.monotonic()) else { return Ok(None) };
        let mut taken = Taken { indexer: &app.indexer, place, is_settled: false };
        if app.store.read(|db| store::demo_indexes::waits(db, place.account, &place.sha256))? {
            return Ok(Some(taken));
        }
        taken.is_settled = true;
    }
}

fn read(app: &App, program: &Path, place: &Place, stop: &StopFlag) -> Result<Outcome> {
    let Place { account, sha256, .. } = place;
    app.room.check()?;
    let failed = |error| Error::internal("A demo's work directory could not be used.", error);
    let workdir = app.store.folder.indexing(sha256);
    files::empty_dir(&workdir).map_err(failed)?;
    let bytes = app.store.read(|db| store::demos::bytes(db, *account, sha256))?.unwrap_or_default();
    let outcome = local(app, &StoredDemo { sha256: *sha256, bytes }, &workdir).and_then(|demo| {
        let Some(demo) = demo else { return Ok(Outcome::Missing) };
        let room = app.room.budget(least_room(&demo).map_err(failed)?, UNPACKED_BYTES)?;
        watch(app, program, &demo, &workdir, room.bytes(), stop)
    });
    fs::remove_dir_all(&workdir).map_err(failed)?;
    outcome
}

/// The demo's file: in the data directory, or a copy from the bucket in the work directory; `None` if it is missing or
/// damaged.
fn local(app: &App, demo: &StoredDemo, workdir: &Path) -> Result<Option<PathBuf>> {
    if is_local(app, demo) {
        return Ok(Some(app.store.folder.demo(&demo.sha256)));
    }
    let Some(bucket) = &app.clip_files.bucket else { return Ok(None) };
    if bucket::length(bucket, &demo.sha256)? != Some(demo.bytes) {
        return Ok(None);
    }
    let mut part = app.room.part();
    part.need_exactly(demo.bytes)?;
    let copy = workdir.join("copy");
    let failed = |error| Error::internal("An uploaded demo could not be copied from the bucket.", error);
    files::write_new(&copy, &mut bucket::reader(bucket, &demo.sha256, demo.bytes)).map_err(failed)?;
    part.written(demo.bytes);
    let is_whole = files::hash(&copy).map_err(failed)? == (demo.sha256, demo.bytes);
    Ok(Some(copy).filter(|_| is_whole))
}

/// Bytes that a typical demo of this size takes unpacked.
fn least_room(demo: &Path) -> io::Result<u64> {
    if PlainDemo::is_at(demo)? {
        return Ok(0);
    }
    Ok(fs::metadata(demo)?.len().saturating_mul(UNPACK_ORDINARY_RATIO))
}

/// `room`: limit of the unpacked demo in bytes.
fn watch(app: &App, program: &Path, demo: &Path, workdir: &Path, room: u64, stop: &StopFlag) -> Result<Outcome> {
    let deadline = app.clock.monotonic() + Duration::from_secs(INDEX_SECONDS);
    let space = Space { most_bytes: UNPACKED_BYTES, room };
    let (mut stopped, mut late) = (false, false);
    let end = read_in_child(program, demo, workdir, Reading::Index, space, &mut || {
        stopped = stop.stopped() || app.stopping();
        late = app.clock.monotonic() > deadline;
        !stopped && !late
    });
    match end.map_err(|error| Error::internal("Lost contact with the child process that reads a demo.", error))? {
        Some(end) => verdict(end, workdir),
        None if late && !stopped => {
            let message = format!("The demo takes longer than {INDEX_SECONDS} seconds to read.");
            Ok(Outcome::Bad(FailureCode::DemoTooLarge, message))
        }
        None => Ok(Outcome::Stopped),
    }
}

/// Maps the child's exit to an outcome.
fn verdict(end: ReaderEnd, workdir: &Path) -> Result<Outcome> {
    let ReaderEnd { verdict, code, sentence } = end;
    let bad = |words: &str| {
        let message = sentence.clone().unwrap_or_else(|| words.to_owned());
        Outcome::Bad(code.unwrap_or(FailureCode::DemoUnreadable), message)
    };
    match verdict {
        Verdict::Done => Ok(match read_index(workdir)? {
            Some(content) => Outcome::Indexed(content),
            None => bad("The demo's index is invalid or too large."),
        }),
        Verdict::BadJob => Ok(bad("The demo cannot be read.")),
        Verdict::Transient if code == Some(FailureCode::DemoTooLarge) => Ok(Outcome::Exhausted),
        Verdict::Transient | Verdict::NotReady => {
            let words = sentence.unwrap_or_else(|| "no message".to_owned());
            Err(Error::internal("A demo could not be read for now and will be retried.", words))
        }
        Verdict::Exhausted(what) => {
            log::warn!("a demo's reader exceeded its resource limit: {what:?}");
            Ok(Outcome::Bad(FailureCode::DemoTooLarge, what.sentence().to_owned()))
        }
        // Killed by a signal, or panicked: no valid demo does that.
        Verdict::Killed | Verdict::Crashed | Verdict::WrongBuild | Verdict::Cancelled => {
            log::warn!("a demo's reader crashed: {verdict:?}");
            Ok(Outcome::Bad(
                FailureCode::DemoUnreadable,
                "The demo cannot be read: the process that reads it crashed.".to_owned(),
            ))
        }
    }
}

/// The index that the child wrote, if it is valid and not too long.
fn read_index(workdir: &Path) -> Result<Option<String>> {
    let mut text = String::new();
    let read =
        File::open(workdir.join(INDEX_FILE)).and_then(|file| file.take(INDEX_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| Error::internal("A demo's index could not be read.", error))?;
    let good = text.len() as u64 <= INDEX_BYTES && serde_json::from_str::<DemoIndex>(&text).is_ok();
    Ok(good.then_some(text))
}
