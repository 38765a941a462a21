//! Job submission: quota and idempotency.

use uuid::Uuid;

use crate::app::jobs::lifecycle;
use crate::app::jobs::owner::{describe, only, waiting};
use crate::app::nodes::live;
use crate::app::{App, demos};
use crate::domain::demo::uploaded_demo;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::job::{Caller, Job, JobSpec};
use crate::domain::job_info::JobInfo;
use crate::domain::quota::Allowance;
use crate::domain::schedule::LiveNode;
use crate::domain::schedule::explain::explain;
use crate::domain::sha256::Sha256;
use crate::domain::wording::counted;
use crate::store::{self, Tx};
use crate::wire;
use crate::wire::base::Base;

/// Seconds for which a response is replayed for an `Idempotency-Key`: a day.
const IDEMPOTENCY_SECONDS: u64 = 86_400;

/// Identifies a repeated submission.
pub struct Once {
    /// The client's key.
    pub key: IdempotencyKey,
    /// SHA-256 of the body it came with.
    pub body_sha256: Sha256,
}

/// Result of a submission with an `Idempotency-Key`.
pub struct Submitted {
    /// The job.
    pub job: Uuid,
    /// Body of the response, the same for every repetition.
    pub answer: String,
    /// Whether this is a repetition.
    pub again: bool,
}

/// Submits a job. It is durable when this returns.
pub fn submit(app: &App, caller: &Caller, spec: JobSpec) -> Result<JobInfo> {
    let new = NewJob::new(app, caller, spec)?;
    let job = app.store.write(move |tx| new.insert(tx))?;
    lifecycle::created(app, job.public_id, caller);
    describe(app, vec![job]).map(only)
}

/// Submits a job, unless the same key came with the same body within the last day: then the first response is
/// returned again. A different body is an error. The response body, whose URLs begin with `base`, is stored in the
/// job's transaction. Concurrent requests are serialized by the writer, so the second one sees the first.
pub fn submit_once(app: &App, caller: &Caller, spec: JobSpec, once: Once, base: Base) -> Result<Submitted> {
    // Not `?` yet: an error for a new job must not prevent repeating an old response.
    let new = NewJob::new(app, caller, spec);
    let (account, now, live) = (caller.account.id, app.clock.now_ms(), live::live(app)?);
    let submitted = app.store.write(move |tx| {
        if let Some(known) = store::submissions::find(tx, account, &once.key, remembered_since(now))? {
            if known.body_sha256 != once.body_sha256 {
                let message =
                    "This Idempotency-Key was already used with a different body. Use a new key for a new job.";
                return Err(Error::new(Kind::Unprocessable, ErrorCode::IdempotencyKeyReused, message));
            }
            return Ok(Submitted { job: known.job, answer: known.answer, again: true });
        }
        let job = new?.insert(tx)?;
        let (id, public_id) = (job.id, job.public_id);
        let answer = wire::job::text(&describe_new(tx, job, &live), &base)?;
        store::submissions::insert(tx, account, &once.key, &once.body_sha256, id, &answer, now)?;
        Ok(Submitted { job: public_id, answer, again: false })
    })?;
    if !submitted.again {
        lifecycle::created(app, submitted.job, caller);
    }
    Ok(submitted)
}

/// How many more jobs the account may queue.
pub fn allowance(app: &App, caller: &Caller) -> Allowance {
    Allowance::of(app.settings.quotas.queued_jobs, app.store.queued(caller.account.id))
}

/// Deletes stored responses older than a day and returns how many.
pub fn forget_old_answers(app: &App) -> Result<usize> {
    let before = remembered_since(app.clock.now_ms());
    app.delete_in_batches(move |tx, limit| store::submissions::sweep(tx, before, limit))
}

/// Responses given after this time (Unix, in milliseconds) are kept.
fn remembered_since(now_ms: i64) -> i64 {
    now_ms - (IDEMPOTENCY_SECONDS * 1_000).cast_signed()
}

/// A validated job that is not stored yet.
struct NewJob {
    public_id: Uuid,
    caller: Caller,
    spec: JobSpec,
    demo_build: Option<u32>,
    queued_jobs: u64,
    now_ms: i64,
}

impl NewJob {
    fn new(app: &App, caller: &Caller, spec: JobSpec) -> Result<Self> {
        app.room.check()?;
        let demo_build = demos::check_job(app, caller, &spec)?;
        let now_ms = app.clock.now_ms();
        let public_id = app.timed_uuid(now_ms)?;
        let queued_jobs = app.settings.quotas.queued_jobs;
        Ok(Self { public_id, caller: caller.clone(), spec, demo_build, queued_jobs, now_ms })
    }

    /// Checks the quota inside the transaction, so that concurrent submissions cannot exceed it.
    fn insert(self, tx: &mut Tx<'_>) -> Result<Job> {
        if tx.queued(self.caller.account.id) >= self.queued_jobs {
            let message = format!(
                "The account has reached its limit of queued jobs ({}). Submit more when some have finished.",
                counted(self.queued_jobs, "job")
            );
            return Err(Error::new(Kind::TooMany, ErrorCode::TooManyQueued, message));
        }
        if let Some(sha256) = uploaded_demo(&self.spec.demo_url) {
            store::demos::used(tx, self.caller.account.id, &sha256, self.now_ms)?;
        }
        lifecycle::create(tx, self.public_id, &self.caller, self.spec, self.demo_build, self.now_ms)
    }
}

/// Describes a job that this transaction has just inserted: it is last in its queue.
fn describe_new(tx: &Tx<'_>, job: Job, live: &[LiveNode]) -> JobInfo {
    let place = tx.place(store::jobs::ready_job(&job, Vec::new()));
    waiting(JobInfo::of(job), place.position, explain(&place, live))
}
