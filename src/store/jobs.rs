//! Rows of jobs, each read together with its clip, if it has one.

use rusqlite::{Row, named_params};
use uuid::Uuid;

use crate::domain::clip::ClipToken;
use crate::domain::error::{Error, Result};
use crate::domain::failure::{Failure, FailureCode, Retry};
use crate::domain::id::{AccountId, JobId, KeyId, LeaseId, NodeId};
use crate::domain::job::{Caller, Commands, Job, JobSpec, JobStatus, Renderer, SteamId};
use crate::domain::key::KeyClass;
use crate::domain::lease::{Aftermath, Attempts};
use crate::domain::list::JobFilter;
use crate::domain::offer::Needs;
use crate::domain::schedule::ReadyJob;
use crate::store::engine::columns::InOrder;
use crate::store::engine::db::{Db, Tx};
use crate::store::{accounts, clips, leases};

/// The columns that [`read`] reads in this order, and the tables they come from.
macro_rules! job_and_clip {
    () => {
        "
    SELECT
        jobs.id, jobs.public_id, jobs.account, jobs.key, jobs.class,
        jobs.demo_url, jobs.steam64_id, jobs.round, jobs.fps, jobs.resolution, jobs.spec_show_xray,
        jobs.cl_draw_only_deathnotices, jobs.renderer, jobs.metadata,
        jobs.demo_build, jobs.status, jobs.failures, jobs.losses, jobs.created_at_ms, jobs.started_at_ms,
        jobs.finished_at_ms, jobs.failure_code, jobs.failure_message, jobs.failure_retry,
        clips.token, clips.lease, clips.bytes, clips.sha256, clips.width, clips.height, clips.frames, clips.fps,
        clips.duration_ms, clips.has_audio, clips.view, clips.pov_verified
    FROM jobs
    LEFT JOIN clips ON clips.job = jobs.id
"
    };
}

const INSERT: &str = "
    INSERT INTO jobs (
        public_id, account, key, class, status, renderer, demo_url, steam64_id, round, fps, resolution,
        spec_show_xray, cl_draw_only_deathnotices, metadata, demo_build, created_at_ms
    )
    VALUES (
        :public_id, :account, :key, :class, 'queued', :renderer, :demo_url, :steam64_id, :round, :fps, :resolution,
        :spec_show_xray, :cl_draw_only_deathnotices, :metadata, :demo_build, :now
    )
";

/// Adds a queued job and puts it in the queue. `demo_build`: the build of the game that recorded its demo, if known.
pub fn insert(
    tx: &mut Tx<'_>,
    public_id: Uuid,
    caller: &Caller,
    spec: JobSpec,
    demo_build: Option<u32>,
    now_ms: i64,
) -> Result<Job> {
    let id = tx.insert(
        INSERT,
        named_params! {
            ":public_id": public_id.as_bytes(),
            ":account": caller.account.id.0,
            ":key": caller.key.0,
            ":class": caller.class.as_str(),
            ":renderer": spec.renderer.as_str(),
            ":demo_url": spec.demo_url,
            ":steam64_id": spec.steam64_id.get(),
            ":round": spec.round,
            ":fps": spec.fps,
            ":resolution": spec.resolution,
            ":spec_show_xray": spec.commands.spec_show_xray,
            ":cl_draw_only_deathnotices": spec.commands.cl_draw_only_deathnotices,
            ":metadata": spec.metadata,
            ":demo_build": demo_build,
            ":now": now_ms,
        },
    )?;
    let job = Job {
        id: JobId(id),
        public_id,
        account: caller.account.id,
        key: caller.key,
        class: caller.class,
        spec,
        demo_build,
        status: JobStatus::Queued,
        attempts: 0,
        created_at_ms: now_ms,
        started_at_ms: None,
        finished_at_ms: None,
        failure: None,
        clip: None,
    };
    tx.wait(ready_job(&job, Vec::new()));
    Ok(job)
}

/// Served by the unique index on the public id, and the clip's primary key.
const BY_PUBLIC_ID: &str =
    concat!(job_and_clip!(), "    WHERE jobs.public_id = :public_id AND jobs.account = :account");

/// A job of this account.
pub fn by_public_id(db: &Db, account: AccountId, public_id: Uuid) -> Result<Option<Job>> {
    db.row(BY_PUBLIC_ID, named_params! { ":public_id": public_id.as_bytes(), ":account": account.0 }, read)
}

/// Served by the unique index on the clip's token, and the job's row.
const BY_CLIP: &str = concat!(job_and_clip!(), "    WHERE clips.token = :token");

/// The job whose clip has this token.
pub fn by_clip(db: &Db, token: &ClipToken) -> Result<Option<Job>> {
    db.row(BY_CLIP, named_params! { ":token": token.reveal() }, read)
}

/// Served by the row's number.
const BY_ID: &str = concat!(job_and_clip!(), "    WHERE jobs.id = :id");

/// The job with this row number.
pub fn by_id(db: &Db, id: JobId) -> Result<Job> {
    find(db, id)?.ok_or_else(|| Error::internal("The store failed.", format!("no job with row number {id}")))
}

/// Like [`by_id`], but the row may not exist yet: the queue knows a job before its commit, readers only after it.
pub fn find(db: &Db, id: JobId) -> Result<Option<Job>> {
    db.row(BY_ID, named_params! { ":id": id.0 }, read)
}

/// Served by row numbers.
const OF_LIVE_LEASE: &str = concat!(
    job_and_clip!(),
    "    WHERE jobs.id = (SELECT job FROM leases WHERE id = :lease AND node = :node AND ended_at_ms IS NULL)"
);

/// The job of this node's lease, if the lease is live.
pub fn of_live_lease(db: &Db, lease: LeaseId, node: NodeId) -> Result<Option<Job>> {
    db.row(OF_LIVE_LEASE, named_params! { ":lease": lease.0, ":node": node.0 }, read)
}

/// Served by `jobs_account`, walked backwards. An uploaded demo is recognized by the end of its URL, as in
/// `jobs_of_demo`.
const PAGE: &str = concat!(
    job_and_clip!(),
    "    WHERE jobs.account = :account AND jobs.id < :before
        AND (:status IS NULL OR jobs.status = :status)
        AND (:player IS NULL OR jobs.steam64_id = :player)
        AND (:demo IS NULL
            OR (substr(jobs.demo_url, -75, 11) = '/api/demos/' AND lower(substr(jobs.demo_url, -64)) = :demo))
        AND (:created_after IS NULL OR jobs.created_at_ms > :created_after)
        AND (:created_before IS NULL OR jobs.created_at_ms < :created_before)
    ORDER BY jobs.id DESC
    LIMIT :limit"
);

/// An account's jobs, newest first, below a row number.
pub fn page(db: &Db, account: AccountId, filter: &JobFilter, before: Option<JobId>, limit: u32) -> Result<Vec<Job>> {
    db.rows(
        PAGE,
        named_params! {
            ":account": account.0,
            ":before": before.map_or(i64::MAX, |job| job.0),
            ":status": filter.status.map(JobStatus::as_str),
            ":player": filter.player.map(SteamId::get),
            ":demo": filter.demo.map(|sha256| sha256.to_string()),
            ":created_after": filter.created_after_ms,
            ":created_before": filter.created_before_ms,
            ":limit": limit,
        },
        read,
    )
}

/// Unfinished jobs of one account, served by `jobs_unfinished` alone.
const COUNTS: &str = "
    SELECT
        (SELECT COUNT(*) FROM jobs
         WHERE status = 'queued' AND account = :account) AS queued,
        (SELECT COUNT(*) FROM jobs
         WHERE status = 'rendering' AND account = :account) AS rendering,
        (SELECT COUNT(*) FROM jobs
         WHERE status = 'rendering' AND account = :account AND class = 'reserved') AS reserved
";

/// Numbers of an account's unfinished jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Queued.
    pub queued: u64,
    /// Rendering.
    pub rendering: u64,
    /// Those rendering that are reserved.
    pub reserved: u32,
}

/// Counts an account's unfinished jobs.
pub fn counts(db: &Db, account: AccountId) -> Result<Counts> {
    db.always(COUNTS, named_params! { ":account": account.0 }, |row| {
        Ok(Counts { queued: row.get("queued")?, rendering: row.get("rendering")?, reserved: row.get("reserved")? })
    })
}

/// Served by `leases_avoid`.
const AVOIDED_BY_JOB: &str = "
    SELECT DISTINCT leases.node
    FROM leases
    WHERE leases.job = :job AND leases.avoid = 1
";

/// Puts a job into the queue as its row says, unless its account is not active.
fn requeue(tx: &mut Tx<'_>, job: &Job) -> Result<()> {
    if !accounts::is_active(tx, job.account)? {
        return Ok(());
    }
    let avoids = tx.rows(AVOIDED_BY_JOB, named_params! { ":job": job.id.0 }, |row| row.get(0).map(NodeId))?;
    tx.wait(ready_job(job, avoids));
    Ok(())
}

/// A queued job as an entry of the queue.
pub fn ready_job(job: &Job, avoids: Vec<NodeId>) -> ReadyJob {
    let JobSpec { renderer, resolution, .. } = job.spec;
    let needs = Needs { renderer, resolution, demo_build: job.demo_build };
    ReadyJob { id: job.id, account: job.account, class: job.class, needs, avoids }
}

/// Served by the row's number. Keeps the time of the first attempt.
const START: &str = "
    UPDATE jobs
    SET status = 'rendering', started_at_ms = COALESCE(started_at_ms, :now)
    WHERE id = :id AND status = 'queued'
";

/// Starts a waiting job; false if it is not waiting. It leaves the queue either way.
pub fn start(tx: &mut Tx<'_>, job: &ReadyJob, now_ms: i64) -> Result<bool> {
    let is_started = tx.execute(START, named_params! { ":now": now_ms, ":id": job.id.0 })? == 1;
    if is_started {
        tx.start(job.id);
    } else {
        tx.leave(job.id);
    }
    Ok(is_started)
}

/// Served by the row's number.
const FINISH: &str = "
    UPDATE jobs
    SET status = 'done', finished_at_ms = :now, failure_code = NULL, failure_message = NULL, failure_retry = NULL
    WHERE id = :id AND status = 'rendering'
";

/// Marks a rendering job as done; false if it is not rendering.
pub fn finish(tx: &mut Tx<'_>, id: JobId, now_ms: i64) -> Result<bool> {
    Ok(tx.execute(FINISH, named_params! { ":now": now_ms, ":id": id.0 })? == 1)
}

/// Served by the row's number.
const CANCEL: &str = "
    UPDATE jobs
    SET status = 'cancelled', finished_at_ms = :now
    WHERE id = :id AND finished_at_ms IS NULL
";

/// Cancels an unfinished job.
pub fn cancel(tx: &mut Tx<'_>, job: &Job, now_ms: i64) -> Result<()> {
    tx.execute(CANCEL, named_params! { ":now": now_ms, ":id": job.id.0 })?;
    tx.leave(job.id);
    Ok(())
}

/// Served by the row's number.
const ATTEMPTS: &str = "
    SELECT failures, losses FROM jobs WHERE id = :id
";

/// A job's failed attempts so far.
pub fn attempts(db: &Db, id: JobId) -> Result<Attempts> {
    db.always(ATTEMPTS, named_params! { ":id": id.0 }, |row| {
        Ok(Attempts { failures: row.get("failures")?, losses: row.get("losses")? })
    })
}

/// Served by the row's number.
const SET_BACK: &str = "
    UPDATE jobs
    SET status = :status, finished_at_ms = :finished, failures = :failures, losses = :losses,
        failure_code = :code, failure_message = :message, failure_retry = :retry
    WHERE id = :id AND status = 'rendering'
";

/// Ends a failed attempt of a rendering job: the job fails, or returns to its place in the queue.
pub fn set_back(tx: &mut Tx<'_>, id: JobId, after: &Aftermath, now_ms: i64) -> Result<()> {
    let status = if after.for_good { JobStatus::Failed } else { JobStatus::Queued };
    tx.execute(
        SET_BACK,
        named_params! {
            ":status": status.as_str(),
            ":finished": after.for_good.then_some(now_ms),
            ":failures": after.attempts.failures,
            ":losses": after.attempts.losses,
            ":code": after.failure.code.as_str(),
            ":message": after.failure.message,
            ":retry": after.failure.retry.as_str(),
            ":id": id.0,
        },
    )?;
    if !after.for_good {
        requeue(tx, &by_id(tx, id)?)?;
    }
    Ok(())
}

/// Served by the row's number.
const SET_DEMO_BUILD: &str = "
    UPDATE jobs SET demo_build = :build WHERE id = :id
";

/// Records the build of the game that recorded a rendering job's demo.
pub fn set_demo_build(tx: &mut Tx<'_>, id: JobId, build: u32) -> Result<()> {
    tx.execute(SET_DEMO_BUILD, named_params! { ":build": build, ":id": id.0 })?;
    Ok(())
}

/// Served by the row's number.
const RETRY: &str = "
    UPDATE jobs
    SET status = 'queued', started_at_ms = NULL, finished_at_ms = NULL, failures = 0, losses = 0,
        failure_code = NULL, failure_message = NULL, failure_retry = NULL
    WHERE id = :id AND status IN ('failed', 'cancelled')
";

/// Returns a failed or cancelled job to its place in the queue, with its attempts reset.
pub fn retry(tx: &mut Tx<'_>, id: JobId) -> Result<()> {
    tx.execute(RETRY, named_params! { ":id": id.0 })?;
    leases::avoid_none(tx, id)?;
    requeue(tx, &by_id(tx, id)?)
}

/// Reads the columns of [`job_and_clip`].
fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    let columns = &mut InOrder::of(row);
    Ok(Job {
        id: JobId(columns.take()?),
        public_id: columns.uuid()?,
        account: AccountId(columns.take()?),
        key: KeyId(columns.take()?),
        class: columns.word(KeyClass::parse)?,
        spec: JobSpec {
            demo_url: columns.take()?,
            steam64_id: read_steam_id(columns)?,
            round: columns.take()?,
            fps: columns.take()?,
            resolution: columns.take()?,
            commands: Commands { spec_show_xray: columns.take()?, cl_draw_only_deathnotices: columns.take()? },
            renderer: columns.word(Renderer::parse)?,
            metadata: columns.take()?,
        },
        demo_build: columns.take()?,
        status: columns.word(JobStatus::parse)?,
        attempts: columns.take::<u32>()?.saturating_add(columns.take()?),
        created_at_ms: columns.take()?,
        started_at_ms: columns.take()?,
        finished_at_ms: columns.take()?,
        failure: read_failure(columns)?,
        clip: clips::read_joined(columns)?,
    })
}

fn read_steam_id(columns: &mut InOrder<'_, '_>) -> rusqlite::Result<SteamId> {
    let id: u64 = columns.take()?;
    SteamId::new(id).ok_or_else(|| columns.strange(&id.to_string()))
}

/// Three columns, all null if no attempt has failed.
fn read_failure(columns: &mut InOrder<'_, '_>) -> rusqlite::Result<Option<Failure>> {
    let Some(code) = columns.optional_word(FailureCode::parse)? else {
        columns.skip(2);
        return Ok(None);
    };
    Ok(Some(Failure { code, message: columns.take()?, retry: columns.word(Retry::parse)? }))
}
