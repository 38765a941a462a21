//! Rows of published clips. Files are synced before their row is committed, so a row implies that they exist.

use rusqlite::{Row, named_params};

use crate::domain::clip::{Clip, ClipToken, VideoFacts, View};
use crate::domain::error::Result;
use crate::domain::id::{JobId, LeaseId};
use crate::domain::sha256::Sha256;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

const INSERT: &str = "
    INSERT INTO clips (
        job, token, lease, bytes, sha256, width, height, frames, fps, duration_ms, has_audio, view, pov_verified
    )
    VALUES (
        :job, :token, :lease, :bytes, :sha256, :width, :height, :frames, :fps, :duration_ms, :has_audio, :view,
        :pov_verified
    )
";

/// Publishes a job's clip.
pub fn insert(tx: &mut Tx<'_>, job: JobId, clip: &Clip) -> Result<()> {
    tx.insert(
        INSERT,
        named_params! {
            ":job": job.0,
            ":token": clip.token.reveal(),
            ":lease": clip.lease.0,
            ":bytes": clip.bytes,
            ":sha256": clip.sha256,
            ":width": clip.video.width,
            ":height": clip.video.height,
            ":frames": clip.video.frames,
            ":fps": clip.video.fps,
            ":duration_ms": clip.video.duration_ms,
            ":has_audio": clip.video.has_audio,
            ":view": clip.view.as_str(),
            ":pov_verified": clip.pov_verified,
        },
    )?;
    Ok(())
}

/// Served by the unique index on the token.
const BY_TOKEN: &str = "
    SELECT lease, bytes, sha256 FROM clips WHERE token = :token
";

/// A published clip.
#[derive(Clone, Debug)]
pub struct Published {
    /// Base name of its files.
    pub lease: LeaseId,
    /// Length of the video.
    pub bytes: u64,
    /// Hash of the video.
    pub sha256: Sha256,
}

/// The clip with this token.
pub fn by_token(db: &Db, token: &ClipToken) -> Result<Option<Published>> {
    db.row(BY_TOKEN, named_params! { ":token": token.reveal() }, |row| {
        Ok(Published { lease: LeaseId(row.get("lease")?), bytes: row.get("bytes")?, sha256: row.get("sha256")? })
    })
}

/// Served by the primary key.
const RENEW: &str = "
    UPDATE clips SET token = :token WHERE job = :job
";

/// Gives a job's clip a new token; false if the job has no clip.
pub fn renew(tx: &mut Tx<'_>, job: JobId, token: &ClipToken) -> Result<bool> {
    Ok(tx.execute(RENEW, named_params! { ":token": token.reveal(), ":job": job.0 })? == 1)
}

/// Served by the primary key.
const DELETE: &str = "
    DELETE FROM clips WHERE job = :job RETURNING lease
";

/// Deletes a job's clip row, if any. Returns the lease whose files may be removed after the commit.
pub fn delete(tx: &mut Tx<'_>, job: JobId) -> Result<Option<LeaseId>> {
    tx.row(DELETE, named_params! { ":job": job.0 }, |row| row.get(0).map(LeaseId))
}

/// What a clip's files must match.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// Its job.
    pub job: JobId,
    /// Base name of its files.
    pub lease: LeaseId,
    /// Length of the video.
    pub bytes: u64,
    /// Hash of the video.
    pub sha256: Sha256,
}

/// Served by the primary key, in its order.
const PAGE: &str = "
    SELECT job, lease, bytes, sha256
    FROM clips
    WHERE job > :after
    ORDER BY job
    LIMIT :limit
";

/// Published clips in order of their jobs, after the given one, to page through all of them.
pub fn page(db: &Db, after: Option<JobId>, limit: u32) -> Result<Vec<Stored>> {
    let after = after.map_or(i64::MIN, |job| job.0);
    db.rows(PAGE, named_params! { ":after": after, ":limit": limit }, |row| {
        Ok(Stored {
            job: JobId(row.get("job")?),
            lease: LeaseId(row.get("lease")?),
            bytes: row.get("bytes")?,
            sha256: row.get("sha256")?,
        })
    })
}

/// Reads the clip columns of a job's row; all are null if the job has no clip.
pub(super) fn read_joined(row: &Row<'_>) -> rusqlite::Result<Option<Clip>> {
    let Some(token) = columns::optional_word(row, "token", ClipToken::parse)? else { return Ok(None) };
    Ok(Some(Clip {
        token,
        lease: LeaseId(row.get("lease")?),
        bytes: row.get("bytes")?,
        sha256: row.get("sha256")?,
        video: VideoFacts {
            width: row.get("width")?,
            height: row.get("height")?,
            frames: row.get("frames")?,
            fps: row.get("video_fps")?,
            duration_ms: row.get("duration_ms")?,
            has_audio: row.get("has_audio")?,
        },
        view: columns::word(row, "view", View::parse)?,
        pov_verified: row.get("pov_verified")?,
    }))
}
