//! Transfers of a lease: demo download, chunked video upload, and the poster.

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::app::clips::files::Content;
use crate::app::demos::files::StoredDemo;
use crate::app::leases::live::live_job;
use crate::app::leases::upload_turns::{Part, Turn};
use crate::app::stored_files::{body_incomplete, cannot_store, read_some, too_large};
use crate::app::{App, demos};
use crate::domain::clip::{POSTER_BYTES, VIDEO_BYTES};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::LeaseId;
use crate::domain::node::Node;
use crate::domain::sha256::Hashing;
use crate::store;

/// Bytes of an upload between two checks of its lease: 1 MiB.
const UPLOAD_LOOK_BYTES: u64 = 1 << 20;
/// Time between two such checks, however little data arrives.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Read buffer: large enough to keep a disk busy, small enough to be cleared for each short upload.
const CHUNK: usize = 64 * 1024;
/// The first bytes of every JPEG.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

/// Why an upload stopped.
#[derive(Debug)]
pub enum UploadError {
    /// The offset differs from the file's length, which is this.
    WrongOffset(u64),
    /// Anything else.
    Failed(Error),
}

impl From<Error> for UploadError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Appends to the lease's video at `offset` and returns the new length. If the body breaks off, what arrived stays.
pub fn append_video(
    app: &App,
    node: &Node,
    lease: LeaseId,
    offset: u64,
    body: &mut dyn Read,
) -> std::result::Result<u64, UploadError> {
    let turn = begin(app, node, lease, Part::Video)?;
    let (mut file, mut length) = turn.with_hash(|hash| {
        let (file, length) = app.clip_files.append(lease).map_err(unstored)?;
        if length == 0 {
            *hash = Some(Hashing::default());
        }
        hash.take_if(|hash| hash.bytes() != length);
        Ok((file, length))
    })?;
    if length != offset {
        return Err(UploadError::WrongOffset(length));
    }
    let mut room = app.room.part();
    let mut chunk = vec![0; CHUNK];
    let mut looked = (length, app.clock.monotonic());
    loop {
        let read = read_some(body, &mut chunk)?;
        if read == 0 {
            return Ok(length);
        }
        length += read as u64;
        if length > VIDEO_BYTES {
            return Err(too_large("The video", VIDEO_BYTES).into());
        }
        room.need(read as u64)?;
        // `turn` sees a lease end in this process; one ended by `admin` shows only in the database.
        let now = app.clock.monotonic();
        if length - looked.0 >= UPLOAD_LOOK_BYTES || now - looked.1 >= LOOK_AFTER {
            live_job(app, node.id, lease)?;
            looked = (length, now);
        }
        turn.with_hash(|hash| {
            // Of a write that fails, nobody knows how much arrived.
            let hashed = hash.take();
            file.write_all(&chunk[..read]).map_err(unstored)?;
            *hash = hashed.map(|hash| hash.with(&chunk[..read]));
            Ok(())
        })?;
        room.written(read as u64);
    }
}

/// Begins a write to one of a lease's files. The lease is checked before, so that no node disturbs another's upload.
fn begin<'a>(app: &'a App, node: &Node, lease: LeaseId, part: Part) -> Result<Turn<'a>> {
    let user = app.uploads.enter(lease);
    live_job(app, node.id, lease)?;
    user.begin(part)
}

fn unstored(error: io::Error) -> Error {
    cannot_store("The video could not be stored.", error)
}

/// Stores the lease's poster, a JPEG, and returns its length. Replaces an earlier one.
pub fn put_poster(app: &App, node: &Node, lease: LeaseId, body: &mut dyn Read) -> Result<u64> {
    let turn = begin(app, node, lease, Part::Poster)?;
    let mut poster = Vec::new();
    body.take(POSTER_BYTES + 1).read_to_end(&mut poster).map_err(body_incomplete)?;
    if poster.len() as u64 > POSTER_BYTES {
        return Err(too_large("The poster", POSTER_BYTES));
    }
    if !poster.starts_with(&JPEG) {
        return Err(Error::new(Kind::UnsupportedMedia, ErrorCode::NotAJpeg, "The poster must be a JPEG."));
    }
    let mut room = app.room.part();
    room.need_exactly(poster.len() as u64)?;
    turn.with(|| {
        live_job(app, node.id, lease)?;
        app.clip_files
            .put_poster(lease, &poster)
            .map_err(|error| cannot_store("The poster could not be stored.", error))
    })?;
    Ok(poster.len() as u64)
}

/// The uploaded demo of this lease's job: its content and its length. `direct`: the node reads it in the bucket, if it is not
/// here, and finds out itself whether it is there.
pub fn open_demo(app: &App, node: &Node, lease: LeaseId, direct: bool) -> Result<(Content, u64)> {
    let job = live_job(app, node.id, lease)?;
    let demo = app.store.read(|db| demos::of_job(db, &store::jobs::by_id(db, job)?))?;
    let Some((sha256, bytes)) = demo else {
        return Err(Error::not_found("The job's demo was not uploaded to this server."));
    };
    Ok((demos::files::open(app, &StoredDemo { sha256, bytes }, !direct)?, bytes))
}
