//! Render jobs for their owner: get, list, remove. Submission is in `submit.rs`.

use std::sync::Arc;

use uuid::Uuid;

use crate::app::App;
use crate::app::jobs::lifecycle;
use crate::app::leases::watched;
use crate::app::nodes::live;
use crate::domain::epoch::LostWindow;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::JobId;
use crate::domain::job::{Caller, Job, JobStatus};
use crate::domain::job_info::JobInfo;
use crate::domain::list::{JobFilter, cut};
use crate::domain::schedule::LiveNode;
use crate::domain::schedule::explain::{Explanation, explain};
use crate::store;
use crate::wire::time::rfc3339;

/// A page of jobs.
pub struct Page {
    /// Newest first.
    pub jobs: Vec<JobInfo>,
    /// Cursor of the next page, if there is one.
    pub next: Option<JobId>,
}

/// One job of the caller's account.
pub fn get(app: &App, caller: &Caller, id: Uuid) -> Result<JobInfo> {
    let job = row(app, caller, id)?;
    if job.status.is_unfinished() {
        watched::note(app, job.id);
    }
    describe(app, vec![job]).map(only)
}

/// The row of a job of the caller's account.
pub(in crate::app) fn row(app: &App, caller: &Caller, id: Uuid) -> Result<Job> {
    app.store.read(|db| store::jobs::by_public_id(db, caller.account.id, id))?.ok_or_else(|| unknown(app, id))
}

/// The account's jobs, newest first; `before`: only jobs with a smaller row number.
pub fn list(app: &App, caller: &Caller, filter: &JobFilter, limit: u32, before: Option<JobId>) -> Result<Page> {
    let mut jobs =
        app.store.read(|db| store::jobs::page(db, caller.account.id, filter, before, limit.saturating_add(1)))?;
    let more = cut(&mut jobs, limit);
    let next = jobs.last().filter(|_| more).map(|job| job.id);
    Ok(Page { jobs: describe(app, jobs)?, next })
}

/// Cancels an unfinished job, or deletes a finished one's files and keeps its row. Idempotent.
pub fn remove(app: &App, caller: &Caller, id: Uuid) -> Result<JobInfo> {
    let (account, now) = (caller.account.id, app.clock.now_ms());
    let unknown = unknown(app, id);
    let (job, cancelled, deleted) = app.store.write(move |tx| {
        let job = store::jobs::by_public_id(tx, account, id)?.ok_or(unknown)?;
        let (cancelled, deleted) = if job.status.is_unfinished() {
            (Some(lifecycle::cancel(tx, &job, now)?), None)
        } else {
            (None, store::clips::delete(tx, job.id)?)
        };
        Ok((store::jobs::by_id(tx, job.id)?, cancelled, deleted))
    })?;
    cancelled.into_iter().for_each(|transition| lifecycle::settle(app, transition));
    // After the commit, so that no row ever points to a missing file.
    deleted.into_iter().for_each(|lease| app.clip_files.remove(lease));
    describe(app, vec![job]).map(only)
}

/// Adds progress, queue position and the reason for waiting.
pub(in crate::app) fn describe(app: &App, jobs: Vec<Job>) -> Result<Vec<JobInfo>> {
    let some_wait = jobs.iter().any(|job| job.status == JobStatus::Queued);
    let live = if some_wait { live::live(app)? } else { Arc::from([]) };
    let has_room = !some_wait || app.room.is_open();
    Ok(jobs.into_iter().map(|job| describe_one(app, job, &live, has_room)).collect())
}

fn describe_one(app: &App, job: Job, live: &[LiveNode], has_room: bool) -> JobInfo {
    let info = JobInfo::of(job);
    match info.job.status {
        JobStatus::Queued => {
            let (position, explanation) = match app.store.waiting(info.job.id) {
                Some(place) if !has_room => (place.position, stuck("the server's disk has no room for clips")),
                Some(place) => (place.position, explain(&place, live)),
                // It has left the queue since its row was read.
                None => (1, stuck("a node is about to take it")),
            };
            waiting(info, position, explanation)
        }
        JobStatus::Rendering => JobInfo { progress: app.heartbeats.progress(info.job.id), ..info },
        JobStatus::Done | JobStatus::Failed | JobStatus::Cancelled => info,
    }
}

fn stuck(because: &str) -> Explanation {
    Explanation { because: because.to_owned(), wait_seconds: None }
}

/// A queued job with its place in the queue.
pub(in crate::app) fn waiting(info: JobInfo, position: u64, explanation: Explanation) -> JobInfo {
    let Explanation { because, wait_seconds } = explanation;
    JobInfo {
        queue_position: Some(position),
        waiting_because: Some(because),
        estimated_wait_seconds: wait_seconds,
        ..info
    }
}

pub(in crate::app) fn only(mut described: Vec<JobInfo>) -> JobInfo {
    described.swap_remove(0)
}

/// The error for an id that no job of the account has: perhaps the job was lost when this server's store took the place
/// of another.
pub(in crate::app) fn unknown(app: &App, id: Uuid) -> Error {
    let is_here = || app.store.read(|db| store::job_search::by_public_id(db, id)).is_ok_and(|job| job.is_some());
    let Some(LostWindow { until_ms, .. }) = app.epochs.lost(&id).filter(|_| !is_here()) else {
        return Error::not_found("There is no such job.");
    };
    let message = format!(
        "The job was lost when this server took over from another at {}: submit it again. It is not billed.",
        rfc3339(until_ms)
    );
    Error::new(Kind::NotFound, ErrorCode::LostInFailover, message)
}
