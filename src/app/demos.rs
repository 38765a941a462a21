//! Demos that clients upload: streamed to disk, stored once for the same bytes, counted for each account.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::App;
use super::uploads::{cannot_store, read_some, too_large};
use crate::domain::demo::{Indexing, uploaded_demo};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
use crate::domain::id::AccountId;
use crate::domain::job::{Caller, JobSpec};
use crate::domain::limits;
use crate::domain::quota::Allowance;
use crate::os::files;
use crate::render::demo::{DemoIndex, rounds_in_words};
use crate::store::{self, Db};

/// Bytes read before they are written.
const CHUNK: usize = 256 * 1024;
/// Bytes after which the disk's room is looked at again.
const LOOK_EVERY: u64 = 64 << 20;
/// How the name of an upload ends that is not whole yet.
pub(super) const PARTIAL: &str = "part";

/// A demo that is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredDemo {
    /// Its content's hash: its name.
    pub sha256: [u8; 32],
    /// Its length.
    pub bytes: u64,
}

/// Streams a demo to disk. The same bytes are stored once. It is on the disk when this returns.
pub fn receive(app: &App, caller: &Caller, body: &mut dyn Read) -> Result<StoredDemo> {
    let account = caller.account.id;
    let name = format!("{}.{PARTIAL}", app.random_uuid()?.simple());
    let partial = Partial { path: app.store.folder.demos().join(name) };
    let demo = write_partial(app, &partial.path, body)?;
    let quota = app.settings.quotas.demo_bytes;
    if !app.store.read(|db| has_already(db, account, &demo, quota))? {
        keep(&partial.path, &app.store.folder.demo(&demo.sha256))
            .map_err(|error| cannot_store("The demo could not be stored.", error))?;
    }
    let now = app.clock.now_ms();
    app.store.write(move |tx| {
        if !has_already(tx, account, &demo, quota)? {
            store::demos::insert(tx, account, &demo.sha256, demo.bytes, now)?;
        }
        store::demo_indexes::wait(tx, &demo.sha256, now)
    })?;
    app.indexer.news.ring();
    Ok(demo)
}

/// What is known of a demo, if the account uploaded it.
pub fn known(app: &App, caller: &Caller, sha256: &[u8; 32]) -> Result<Option<Indexing>> {
    app.store.read(|db| store::demo_indexes::of_account(db, caller.account.id, sha256))
}

/// Refuses a job that cannot be done because of what is known of its demo: one that the account has uploaded and that
/// has been read. Of any other demo nothing is known yet.
pub(super) fn check_job(app: &App, caller: &Caller, spec: &JobSpec) -> Result<()> {
    let Some(sha256) = uploaded_demo(&spec.demo_url) else { return Ok(()) };
    let wrong = |field: &str, code: FailureCode, message: String| {
        Err(Error { field: Some(field.to_owned()), ..Error::new(Kind::Invalid, code.as_str(), message) })
    };
    let content = match known(app, caller, &sha256)? {
        None | Some(Indexing::Waiting) => return Ok(()),
        Some(Indexing::Failed { code, message }) => return wrong("demo_url", code, format!("demo_url: {message}")),
        Some(Indexing::Indexed(content)) => content,
    };
    let index: DemoIndex = serde_json::from_str(&content)
        .map_err(|error| Error::internal("What is known of a demo could not be read.", error))?;
    let player = spec.steam64_id.to_string();
    if !index.players.iter().any(|known| known.steam64_id == player) {
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
    Ok(())
}

/// A file that goes unless it is renamed.
struct Partial {
    path: PathBuf,
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Renamed away, as a rule; else what a crash leaves is swept at the next start.
        let _gone = fs::remove_file(&self.path);
    }
}

/// Writes and syncs the body. The account's quota is not looked at yet: these may be bytes that it has already.
fn write_partial(app: &App, path: &Path, body: &mut dyn Read) -> Result<StoredDemo> {
    let failed = |error| cannot_store("The demo could not be stored.", error);
    app.check_room()?;
    let mut file = files::create_private(path).map_err(failed)?;
    let (mut hasher, mut bytes, mut looked) = (Sha256::new(), 0_u64, 0_u64);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = read_some(body, &mut chunk)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        if bytes > limits::DEMO_BYTES {
            return Err(too_large("A demo", limits::DEMO_BYTES));
        }
        if bytes - looked >= LOOK_EVERY {
            looked = bytes;
            app.check_room()?;
        }
        hasher.update(&chunk[..read]);
        file.write_all(&chunk[..read]).map_err(failed)?;
    }
    if bytes == 0 {
        return Err(Error::new(Kind::Invalid, "empty_body", "The request has no body: send the demo's bytes."));
    }
    file.sync_all().map_err(failed)?;
    Ok(StoredDemo { sha256: hasher.finalize().into(), bytes })
}

/// Gives the whole file its name, durably. Another account's same bytes are simply written over by themselves.
fn keep(partial: &Path, demo: &Path) -> std::io::Result<()> {
    fs::rename(partial, demo)?;
    demo.parent().map_or(Ok(()), files::sync_dir)
}

/// How many more bytes of demos an account may upload.
pub fn allowance(app: &App, caller: &Caller) -> Result<Allowance> {
    let used = app.store.read(|db| store::demos::account_bytes(db, caller.account.id))?;
    Ok(Allowance::of(app.settings.quotas.demo_bytes, used))
}

/// Whether the account has the demo already. One that it has not and that does not fit into its quota is an error.
fn has_already(db: &Db, account: AccountId, demo: &StoredDemo, quota: u64) -> Result<bool> {
    if store::demos::bytes(db, account, &demo.sha256)?.is_some() {
        return Ok(true);
    }
    let used = store::demos::account_bytes(db, account)?;
    if used.saturating_add(demo.bytes) > quota {
        let mib = |bytes: u64| bytes >> 20;
        let message = format!(
            "An account may keep at most {} MiB of demos here; this one has {} MiB and the demo has {}. Ask the operator \
             for more room.",
            mib(quota),
            mib(used),
            mib(demo.bytes)
        );
        return Err(Error::new(Kind::TooLarge, "quota_reached", message));
    }
    Ok(false)
}
