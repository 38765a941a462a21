//! Uploaded demos: streamed to disk or into the bucket, deduplicated by content, counted against each account's quota.

pub mod bucket;
pub mod files;
pub mod incoming;
pub mod index;
mod index_queue;
pub mod operator;
pub mod owner;
pub mod titles;

use std::io::Read;

use sha2::{Digest, Sha256 as Hasher};

use crate::app::App;
pub use crate::app::demos::files::StoredDemo;
use crate::app::demos::files::{Hold, Partial, not_stored};
use crate::app::demos::incoming::Share;
use crate::app::stored_files::{read_some, too_large};
use crate::domain::demo::{DEMO_BYTES, Indexing, uploaded_demo};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::FailureCode;
use crate::domain::id::AccountId;
use crate::domain::job::{Caller, Job, JobSpec};
use crate::domain::quota::Allowance;
use crate::domain::sha256::Sha256;
use crate::domain::wording::size;
use crate::os::room::Part;
use crate::render::demo::{DemoIndex, rounds_in_words};
use crate::store::{self, Db};

/// Bytes read before they are written.
const CHUNK: usize = 256 * 1024;

/// Receives a demo of unknown length. See [`receive_sized`].
pub fn receive(app: &App, caller: &Caller, body: &mut dyn Read) -> Result<StoredDemo> {
    receive_sized(app, caller, body, None)
}

/// Streams a demo to disk, and from there into the bucket, if new demos go there; `stated` is the client's `Content-Length`, if any. Identical content is stored once. The
/// demo is durable when this returns; a rejected or interrupted upload leaves nothing behind.
///
/// Disk space and quota are checked before the bytes are read. Bytes over the quota are still read, but not written, as
/// long as they may belong to a demo the account already has: uploading that again succeeds.
pub fn receive_sized(app: &App, caller: &Caller, body: &mut dyn Read, stated: Option<u64>) -> Result<StoredDemo> {
    let account = caller.account.id;
    let mut arrival = Arrival::begin(app, account, stated)?;
    let demo = arrival.take_in(body)?;
    let mut hold = Some(Hold::take(app, &demo.sha256)?);
    let copied = arrival.file.as_ref().map_or(Ok(false), |file| file.copy_to_bucket(app, &demo));
    let is_in_bucket = matches!(copied, Ok(true));
    let stored = copied.and_then(|_| {
        // Locked, because the same content may be deleted concurrently, here or by `admin`.
        let _lock = app.store.folder.lock_demos()?;
        store(app, account, &demo, arrival.file.as_ref(), is_in_bucket)?;
        // Still under the lock: a deletion that comes next must be able to remove the file.
        drop(hold.take());
        Ok(())
    });
    // Only now, so that the quota counts the row before it stops counting the upload.
    drop(arrival);
    match stored {
        Ok(()) => {
            app.indexer.enqueue(account, &demo.sha256);
            Ok(demo)
        }
        Err(error) => {
            hold.into_iter().for_each(|hold| hold.give_up(is_in_bucket));
            Err(error)
        }
    }
}

/// Stores a complete demo. Without a file, the account must have it already.
fn store(
    app: &App,
    account: AccountId,
    demo: &StoredDemo,
    file: Option<&Partial<'_>>,
    is_in_bucket: bool,
) -> Result<()> {
    let (demo, is_written) = (*demo, file.is_some());
    if let Some(file) = file.filter(|_| !is_in_bucket) {
        file.keep(app, &demo).map_err(not_stored)?;
    }
    let (now, default) = (app.clock.now_ms(), app.settings.quotas.demo_bytes);
    app.store.write(move |tx| {
        if store::demos::bytes(tx, account, &demo.sha256)?.is_none() {
            let used = store::demos::account_bytes(tx, account)?;
            let quota = store::accounts::demo_bytes(tx, account)?.unwrap_or(default);
            if !is_written || used.saturating_add(demo.bytes) > quota {
                return Err(over_quota(quota, used, Some(demo.bytes)));
            }
            store::demos::insert(tx, account, &demo.sha256, demo.bytes, now)?;
        }
        store::demo_indexes::wait(tx, &demo.sha256, now)
    })
}

/// A demo's index state, if the account uploaded it.
pub fn known(app: &App, caller: &Caller, sha256: &Sha256) -> Result<Option<Indexing>> {
    app.store.read(|db| store::demo_indexes::of_account(db, caller.account.id, sha256))
}

/// The demo that the job's URL names, if the job's account uploaded it.
pub(in crate::app) fn of_job(db: &Db, job: &Job) -> Result<Option<(Sha256, u64)>> {
    let Some(sha256) = uploaded_demo(&job.spec.demo_url) else { return Ok(None) };
    Ok(store::demos::bytes(db, job.account, &sha256)?.map(|bytes| (sha256, bytes)))
}

/// The index of the job's demo, if the job's account uploaded it and it is indexed.
pub(in crate::app) fn index_of_job(db: &Db, job: &Job) -> Result<Option<DemoIndex>> {
    let Some(sha256) = uploaded_demo(&job.spec.demo_url) else { return Ok(None) };
    match store::demo_indexes::of_account(db, job.account, &sha256)? {
        Some(Indexing::Indexed(content)) => read_index(&content).map(Some),
        None | Some(Indexing::Waiting | Indexing::Failed { .. }) => Ok(None),
    }
}

fn read_index(content: &str) -> Result<DemoIndex> {
    serde_json::from_str(content).map_err(|error| Error::internal("The index of a demo could not be read.", error))
}

/// Rejects a job that its demo cannot satisfy. Only demos that the account uploaded and that are indexed can be
/// checked. Returns the build of the game that recorded the demo, if known.
pub(in crate::app) fn check_job(app: &App, caller: &Caller, spec: &JobSpec) -> Result<Option<u32>> {
    let Some(sha256) = uploaded_demo(&spec.demo_url) else { return Ok(None) };
    let wrong = |field: &str, code: FailureCode, message: String| {
        Err(Error { field: Some(field.to_owned()), ..Error::of_failure(Kind::Invalid, code, message) })
    };
    let content = match known(app, caller, &sha256)? {
        None | Some(Indexing::Waiting) => return Ok(None),
        Some(Indexing::Failed { code, message }) => return wrong("demo_url", code, format!("demo_url: {message}")),
        Some(Indexing::Indexed(content)) => content,
    };
    let index = read_index(&content)?;
    let player = spec.steam64_id.to_string();
    if index.player_with_id(&player).is_none() {
        let message = format!("steam64_id: player {player} does not play in this demo.");
        return wrong("steam64_id", FailureCode::PlayerNotInDemo, message);
    }
    if !index.rounds.iter().any(|known| known.number == spec.round) {
        let has = rounds_in_words(index.rounds.iter().map(|round| round.number));
        let message = match index.rounds.as_slice() {
            [] => format!("round: the demo has {has}."),
            _ => format!("round: the demo has {has}; round {} is not among them.", spec.round),
        };
        return wrong("round", FailureCode::RoundNotInDemo, message);
    }
    Ok(index.game_build)
}

/// An upload in flight.
struct Arrival<'a> {
    app: &'a App,
    account: AccountId,
    share: Share<'a>,
    room: Part,
    /// `None` if it is over the quota and therefore not written.
    file: Option<Partial<'a>>,
    /// Maximum length in that case: that of the account's longest demo.
    known_bytes: u64,
}

impl<'a> Arrival<'a> {
    fn begin(app: &'a App, account: AccountId, stated: Option<u64>) -> Result<Self> {
        app.room.check()?;
        let share = Share::new(app, account);
        let mut arrival = Self { app, account, share, room: app.room.part(), file: None, known_bytes: 0 };
        if let Some(bytes) = stated {
            if !arrival.share.grant(bytes)? {
                if !app.store.read(|db| store::demos::has_length(db, account, bytes))? {
                    return Err(arrival.over_quota(Some(bytes))?);
                }
                arrival.known_bytes = bytes;
                return Ok(arrival);
            }
            arrival.room.need_in_all(bytes)?;
        }
        let name = app.random_uuid()?.simple().to_string();
        arrival.file = Some(Partial::create(app, &name).map_err(not_stored)?);
        Ok(arrival)
    }

    fn over_quota(&self, bytes: Option<u64>) -> Result<Error> {
        let used = self.app.store.read(|db| store::demos::account_bytes(db, self.account))?;
        let coming = self.app.incoming.of(self.account);
        Ok(over_quota(incoming::quota(self.app, self.account)?, used.saturating_add(coming), bytes))
    }

    /// Reads the whole body, writing it while it fits the quota and the disk.
    fn take_in(&mut self, body: &mut dyn Read) -> Result<StoredDemo> {
        let (mut hasher, mut bytes) = (Hasher::new(), 0_u64);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = read_some(body, &mut chunk)?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            if bytes > DEMO_BYTES {
                return Err(too_large("A demo", DEMO_BYTES));
            }
            hasher.update(&chunk[..read]);
            if self.file.is_some() && !self.share.cover(bytes)? {
                self.file = None;
                self.room = self.app.room.part();
                self.known_bytes = self.app.store.read(|db| store::demos::longest(db, self.account))?;
            }
            match &mut self.file {
                Some(file) => {
                    self.room.need(read as u64)?;
                    file.write(&chunk[..read]).map_err(not_stored)?;
                    self.room.written(read as u64);
                }
                None if bytes > self.known_bytes => return Err(self.over_quota(None)?),
                None => {}
            }
        }
        if bytes == 0 {
            return Err(Error::new(
                Kind::Invalid,
                ErrorCode::EmptyBody,
                "The request has no body. Send the demo's bytes.",
            ));
        }
        Ok(StoredDemo { sha256: hasher.finalize().into(), bytes })
    }
}

/// How many more bytes of demos an account may upload.
pub fn allowance(app: &App, caller: &Caller) -> Result<Allowance> {
    let account = caller.account.id;
    let used = app.store.read(|db| store::demos::account_bytes(db, account))?;
    Ok(Allowance::of(incoming::quota(app, account)?, used.saturating_add(app.incoming.of(account))))
}

/// The error for a demo that exceeds its account's quota.
fn over_quota(quota: u64, used: u64, bytes: Option<u64>) -> Error {
    let wanted =
        bytes.map_or_else(|| "this upload does not fit".to_owned(), |bytes| format!("this demo has {}", size(bytes)));
    let message = format!(
        "This account may store at most {} of demos. It uses {}, including uploads in progress, and {wanted}. Delete some \
         demos, or ask the operator for a larger quota.",
        size(quota),
        size(used)
    );
    Error::new(Kind::TooLarge, ErrorCode::QuotaReached, message)
}
