//! Published clips, accessible to anyone with the link.

mod about;
pub mod bucket;
pub mod doomed;
pub mod files;
pub mod operator;
pub mod uploaded;

pub use about::{About, Moment, MomentKind, Play, about, file_name};

use std::io::{self, ErrorKind};

use uuid::Uuid;

use crate::app::App;
use crate::app::clips::files::Content;
use crate::app::jobs::owner;
use crate::domain::clip::ClipToken;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::Caller;
use crate::domain::job_info::JobInfo;
use crate::store;
use crate::store::clips::Published;

/// A file of a published clip.
pub struct ClipFile {
    /// What to send, or where it lies.
    pub content: Content,
    /// Its length.
    pub bytes: u64,
    /// A strong entity tag, including its quotes.
    pub etag: String,
}

/// The video of the clip with this public link.
pub fn open_video(app: &App, token: &ClipToken) -> Result<ClipFile> {
    let clip = find(app, token)?;
    let video = opened(app.clip_files.open_video(clip.lease, clip.bytes), format!("\"{}\"", clip.sha256))?;
    // Length, tag and hash come from the row: a file with another length is not the one that was published.
    if video.bytes != clip.bytes {
        let detail =
            format!("clips/{} has {} bytes, not {}", app.clip_files.name(clip.lease, "mp4"), video.bytes, clip.bytes);
        return Err(Error::internal("A clip's file is damaged.", detail));
    }
    Ok(video)
}

/// The poster at an address, if the node made one.
pub fn open_poster(app: &App, token: &ClipToken) -> Result<ClipFile> {
    let clip = find(app, token)?;
    opened(app.clip_files.open_poster(clip.lease), format!("\"{}-poster\"", clip.sha256))
}

/// Replaces the link of a job's clip; the old link stops working.
pub fn renew_link(app: &App, caller: &Caller, id: Uuid) -> Result<JobInfo> {
    let account = caller.account.id;
    let token = ClipToken::from_bits(app.random.bits()?);
    let unknown = owner::unknown(app, id);
    let job = app.store.write(move |tx| {
        let job = store::jobs::by_public_id(tx, account, id)?.ok_or(unknown)?;
        if !store::clips::renew(tx, job.id, &token)? {
            return Err(no_clip());
        }
        store::jobs::by_id(tx, job.id)
    })?;
    owner::describe(app, vec![job]).map(owner::only)
}

fn no_clip() -> Error {
    Error::conflict(ErrorCode::NoClip, "The job has no clip: it is not done, or its clip was deleted.")
}

fn find(app: &App, token: &ClipToken) -> Result<Published> {
    app.store.read(|db| store::clips::by_token(db, token))?.ok_or_else(unknown)
}

fn opened(file: io::Result<(Content, u64)>, etag: String) -> Result<ClipFile> {
    match file {
        Ok((content, bytes)) => Ok(ClipFile { content, bytes, etag }),
        // Deleted since its row was read, or a clip without a poster.
        Err(error) if error.kind() == ErrorKind::NotFound => Err(unknown()),
        Err(error) => Err(Error::internal("A clip's file could not be read.", error)),
    }
}

fn unknown() -> Error {
    Error::not_found("There is no clip at this address.")
}
