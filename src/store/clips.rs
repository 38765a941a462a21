//! Rows of published clips. Files are synced before their row is committed, so a row implies that they exist.

use rusqlite::{Row, named_params};

use crate::domain::clip::{Clip, ClipToken, VideoFacts, View};
use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId, LeaseId};
use crate::domain::job::Job;
use crate::domain::job::Renderer;
use crate::domain::list::cut;
use crate::domain::retention::Scope;
use crate::domain::sha256::Sha256;
use crate::store::engine::columns::{self, InOrder};
use crate::store::engine::db::{Db, Tx};
use crate::store::retention;

const INSERT: &str = "
    INSERT INTO clips (
        job, token, lease, bytes, sha256, width, height, frames, fps, duration_ms, has_audio, view, pov_verified,
        account, finished_at_ms
    )
    VALUES (
        :job, :token, :lease, :bytes, :sha256, :width, :height, :frames, :fps, :duration_ms, :has_audio, :view,
        :pov_verified, :account, :now
    )
";

/// Publishes the clip of a job that is completed now.
pub fn insert(tx: &mut Tx<'_>, job: &Job, clip: &Clip, now_ms: i64) -> Result<()> {
    tx.insert(
        INSERT,
        named_params! {
            ":job": job.id.0,
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
            ":account": job.account.0,
            ":now": now_ms,
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

/// Served by the primary key.
const DELETE_UNPINNED: &str = "
    DELETE FROM clips WHERE job = :job AND pinned = 0 RETURNING lease
";

/// Like [`delete`], but keeps a pinned clip.
pub fn delete_unpinned(tx: &mut Tx<'_>, job: JobId) -> Result<Option<LeaseId>> {
    tx.row(DELETE_UNPINNED, named_params! { ":job": job.0 }, |row| row.get(0).map(LeaseId))
}

/// Served by the primary key.
const PIN: &str = "
    UPDATE clips SET pinned = :pinned WHERE job = :job
";

/// Pins or unpins a job's clip; false if it has none.
pub fn pin(tx: &mut Tx<'_>, job: JobId, pinned: bool) -> Result<bool> {
    Ok(tx.execute(PIN, named_params! { ":pinned": pinned, ":job": job.0 })? == 1)
}

/// Served by the primary key.
const IS_PINNED: &str = "
    SELECT pinned FROM clips WHERE job = :job
";

/// Whether a job's clip is pinned; `None` if it has none.
pub fn is_pinned(db: &Db, job: JobId) -> Result<Option<bool>> {
    db.row(IS_PINNED, named_params! { ":job": job.0 }, |row| row.get(0))
}

/// A clip that a retention rule may delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Old {
    /// Its job.
    pub job: JobId,
    /// When its job was completed. Unix time in milliseconds.
    pub finished_at_ms: i64,
    /// Length of the video.
    pub bytes: u64,
}

/// Served by `clips_oldest` alone.
const OLDEST: &str = "
    SELECT job, finished_at_ms, bytes
    FROM clips
    WHERE pinned = 0 AND (finished_at_ms, job) > (:finished, :job)
        AND CASE WHEN :account IS NULL THEN account NOT IN (SELECT value FROM json_each(:others)) ELSE account = :account END
    ORDER BY finished_at_ms, job
    LIMIT :limit
";

/// Unpinned clips of these accounts, oldest first.
pub fn oldest(db: &Db, scope: &Scope, after: Option<&Old>, limit: u32) -> Result<Vec<Old>> {
    let params = named_params! {
        ":account": scope.one().map(|account| account.0),
        ":others": retention::others(scope),
        ":finished": after.map_or(i64::MIN, |last| last.finished_at_ms),
        ":job": after.map_or(0, |last| last.job.0),
        ":limit": limit,
    };
    db.rows(OLDEST, params, |row| {
        Ok(Old { job: JobId(row.get("job")?), finished_at_ms: row.get("finished_at_ms")?, bytes: row.get("bytes")? })
    })
}

/// Walks `clips_oldest` alone.
const SCOPE_BYTES: &str = "
    SELECT COALESCE(SUM(bytes), 0)
    FROM clips
    WHERE CASE WHEN :account IS NULL THEN account NOT IN (SELECT value FROM json_each(:others)) ELSE account = :account END
";

/// Bytes of all clips of these accounts, also of pinned ones.
pub fn scope_bytes(db: &Db, scope: &Scope) -> Result<u64> {
    let account = scope.one().map(|account| account.0);
    let params = named_params! { ":account": account, ":others": retention::others(scope) };
    db.always(SCOPE_BYTES, params, |row| row.get(0))
}

/// Clips of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many.
    pub clips: u64,
    /// Bytes of their videos.
    pub bytes: u64,
    /// How many of them are pinned.
    pub pinned: u64,
    /// Bytes of those.
    pub pinned_bytes: u64,
}

/// Walks `clips_oldest` alone.
const TOTALS: &str = "
    SELECT account, COUNT(*) AS clips, SUM(bytes) AS bytes, SUM(pinned) AS pinned, SUM(pinned * bytes) AS pinned_bytes
    FROM clips
    GROUP BY account
";

/// What each account with clips has, unordered.
pub fn totals(db: &Db) -> Result<Vec<(AccountId, Totals)>> {
    db.rows(TOTALS, [], |row| {
        let totals = Totals {
            clips: row.get("clips")?,
            bytes: row.get("bytes")?,
            pinned: row.get("pinned")?,
            pinned_bytes: row.get("pinned_bytes")?,
        };
        Ok((AccountId(row.get("account")?), totals))
    })
}

/// Served by `clips_oldest`.
const FINISHED_SINCE: &str = "
    SELECT COUNT(*) FROM (SELECT 1 FROM clips WHERE finished_at_ms > :since LIMIT :limit)
";

/// How many clips were completed since a time, counting to at most `limit`, without those deleted since.
pub fn finished_since(db: &Db, since_ms: i64, limit: u32) -> Result<u64> {
    db.always(FINISHED_SINCE, named_params! { ":since": since_ms, ":limit": limit }, |row| row.get(0))
}

/// Walks `clips_oldest` backwards; then the primary keys.
const TOOK: &str = "
    SELECT AVG(leases.ended_at_ms - leases.started_at_ms)
    FROM (
        SELECT job FROM clips WHERE finished_at_ms > :since ORDER BY finished_at_ms DESC, job DESC LIMIT :limit
    ) AS latest
    JOIN clips ON clips.job = latest.job
    JOIN leases ON leases.id = clips.lease
";

/// Milliseconds that the latest clips took their nodes on average, of at most `limit` since a time; `None` if there are
/// none.
pub fn took_ms(db: &Db, since_ms: i64, limit: u32) -> Result<Option<f64>> {
    db.always(TOOK, named_params! { ":since": since_ms, ":limit": limit }, |row| row.get(0))
}

/// Walks `clips_oldest` backwards; then the primary keys.
const SPEEDS: &str = "
    SELECT jobs.renderer, CAST(AVG(leases.ended_at_ms - leases.started_at_ms) AS INTEGER) AS took_ms
    FROM (SELECT job FROM clips ORDER BY finished_at_ms DESC, job DESC LIMIT :limit) AS latest
    JOIN clips ON clips.job = latest.job
    JOIN leases ON leases.id = clips.lease
    JOIN jobs ON jobs.id = latest.job
    GROUP BY jobs.renderer
";

/// Milliseconds that the latest clips, at most `limit`, took their nodes on average, by renderer.
pub fn speeds(db: &Db, limit: u32) -> Result<Vec<(Renderer, u64)>> {
    db.rows(SPEEDS, named_params! { ":limit": limit }, |row| {
        let took_ms: i64 = row.get("took_ms")?;
        Ok((columns::word(row, "renderer", Renderer::parse)?, took_ms.max(0).cast_unsigned()))
    })
}

/// Where a clip is in the order of their completion: when its job was completed, and the job.
pub type Place = (i64, JobId);

/// The latest clips that match.
#[derive(Clone, Debug, Default)]
pub struct Latest {
    /// Newest first.
    pub clips: Vec<Place>,
    /// Where to continue: behind this one, if there may be more.
    pub next: Option<Place>,
    /// If the search stopped there for now: when the last clip examined was completed. Unix time in milliseconds.
    pub searched_to_ms: Option<i64>,
}

/// Walks `clips_oldest` backwards.
const LATEST: &str = "
    SELECT finished_at_ms, job
    FROM clips
    WHERE (finished_at_ms, job) < (:finished, :job) AND (finished_at_ms, job) >= (:last_finished, :last_job)
        AND (:account IS NULL OR account = :account) AND (pinned = 1 OR NOT :only_pinned)
    ORDER BY finished_at_ms DESC, job DESC
    LIMIT :limit
";

/// Walks `clips_oldest` backwards.
const LATEST_BOUND: &str = "
    SELECT finished_at_ms, job
    FROM clips
    WHERE (finished_at_ms, job) < (:finished, :job)
    ORDER BY finished_at_ms DESC, job DESC
    LIMIT 1 OFFSET :searched - 1
";

/// The latest clips of one or all accounts, at most `limit`, behind `after`. Of those that may not match, at most
/// `searched` are examined, so that fewer may be found although there are more.
pub fn latest(
    db: &Db,
    account: Option<AccountId>,
    only_pinned: bool,
    after: Option<Place>,
    limit: u32,
    searched: u32,
) -> Result<Latest> {
    let place = |row: &Row<'_>| Ok((row.get("finished_at_ms")?, JobId(row.get("job")?)));
    let (finished, job) = after.unwrap_or((i64::MAX, JobId(i64::MAX)));
    let bound = if account.is_some() || only_pinned {
        let params = named_params! { ":finished": finished, ":job": job.0, ":searched": searched };
        db.row(LATEST_BOUND, params, place)?
    } else {
        None
    };
    let (last_finished, last_job) = bound.unwrap_or((i64::MIN, JobId(0)));
    let params = named_params! {
        ":finished": finished,
        ":job": job.0,
        ":last_finished": last_finished,
        ":last_job": last_job.0,
        ":account": account.map(|account| account.0),
        ":only_pinned": only_pinned,
        ":limit": limit.saturating_add(1),
    };
    let mut clips = db.rows(LATEST, params, place)?;
    let more = cut(&mut clips, limit);
    let next = if more { clips.last().copied() } else { bound };
    let searched_to_ms = bound.filter(|_| !more).map(|(at_ms, _)| at_ms);
    Ok(Latest { clips, next, searched_to_ms })
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
pub(super) fn read_joined(columns: &mut InOrder<'_, '_>) -> rusqlite::Result<Option<Clip>> {
    let Some(token) = columns.optional_word(ClipToken::parse)? else { return Ok(None) };
    Ok(Some(Clip {
        token,
        lease: LeaseId(columns.take()?),
        bytes: columns.take()?,
        sha256: columns.take()?,
        video: VideoFacts {
            width: columns.take()?,
            height: columns.take()?,
            frames: columns.take()?,
            fps: columns.take()?,
            duration_ms: columns.take()?,
            has_audio: columns.take()?,
        },
        view: columns.word(View::parse)?,
        pov_verified: columns.take()?,
    }))
}
