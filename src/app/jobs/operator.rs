//! Render jobs of all accounts, for the operator: list, show, cancel, retry, and the log of attempts.

use uuid::Uuid;

use crate::app::jobs::any_job::complete;
use crate::app::jobs::lifecycle;
use crate::app::jobs::search;
use crate::app::short_id::{CANDIDATES, SEARCHED};
use crate::app::{App, audit};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{JobId, KeyId};
use crate::domain::job::JobStatus;
use crate::domain::list::LIST_ROWS;
use crate::domain::operator::Operator;
use crate::store::{self, Db};
use crate::wire::time::rfc3339;

pub use crate::app::jobs::any_job::AnyJob;
pub use crate::app::short_id::Named;
pub use crate::store::leases::Attempt;

/// Search filter; `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// An account's name.
    pub account: Option<String>,
    /// The key that submitted the job.
    pub key: Option<KeyId>,
    /// Name or id of a node that holds or held the job.
    pub node: Option<String>,
    /// The job's status.
    pub status: Option<JobStatus>,
}

/// The matching jobs, newest first, at most `limit`.
pub fn list(app: &App, filter: &Filter, limit: u32) -> Result<Vec<AnyJob>> {
    let Filter { account, key, node, status } = filter.clone();
    let filter = search::Filter { account, key, node, statuses: Vec::from_iter(status), ..search::Filter::default() };
    let (mut jobs, mut after) = (Vec::new(), None);
    loop {
        let left = limit.saturating_sub(jobs.len() as u32);
        let page = search::page(app, &filter, after, left)?;
        jobs.extend(page.jobs);
        after = page.next;
        if after.is_none() || jobs.len() >= limit as usize {
            return Ok(jobs);
        }
    }
}

/// The full id of a job; an error for one that was lost when this store took the place of another.
pub fn id_of(app: &App, named: Named) -> Result<Uuid> {
    let id = named.resolve("job", "admin jobs list", SEARCHED, |ending| {
        app.store.read(|db| store::job_search::by_ending(db, ending, SEARCHED, CANDIDATES))
    })?;
    match app.epochs.lost(&id) {
        Some(window) if app.store.read(|db| store::job_search::by_public_id(db, id))?.is_none() => {
            let message = format!(
                "The job {id} is not here: its id is from the time between {} and {}, whose jobs were lost when this store \
                 took the place of another. Its client must submit it again; it is not billed.",
                rfc3339(window.from_ms),
                rfc3339(window.until_ms)
            );
            Err(Error::new(Kind::NotFound, ErrorCode::LostInFailover, message))
        }
        _ => Ok(id),
    }
}

/// One job.
pub fn show(app: &App, id: Uuid) -> Result<AnyJob> {
    let job = app.store.read(|db| store::jobs::by_id(db, row(db, id)?))?;
    complete(app, vec![job]).map(|mut jobs| jobs.swap_remove(0))
}

/// The job in this row, if it was not archived.
pub fn by_row(app: &App, row: JobId) -> Result<Option<AnyJob>> {
    let Some(job) = app.store.read(|db| store::jobs::find(db, row))? else { return Ok(None) };
    Ok(complete(app, vec![job])?.pop())
}

/// One job and its attempts, the latest first.
pub fn log(app: &App, id: Uuid) -> Result<(AnyJob, Vec<Attempt>)> {
    let attempts = app.store.read(|db| store::leases::attempts(db, row(db, id)?, LIST_ROWS))?;
    Ok((show(app, id)?, attempts))
}

/// Cancels an unfinished job; its node learns of it with the next heartbeat.
pub fn cancel(app: &App, operator: &Operator, id: Uuid) -> Result<AnyJob> {
    let cancelled = audit::change(app, operator, move |tx, log| {
        let job = store::jobs::by_id(tx, row(tx, id)?)?;
        if !job.status.is_unfinished() {
            let status = job.status.as_str();
            return Err(Error::conflict(
                ErrorCode::JobEnded,
                format!("The job cannot be cancelled: it has already ended ({status})."),
            ));
        }
        let cancelled = lifecycle::cancel(tx, &job, log.now_ms)?;
        log.note(tx, "jobs.cancel", &id.to_string(), &format!("was {}", job.status.as_str()))?;
        Ok(cancelled)
    })?;
    lifecycle::settle(app, cancelled);
    show(app, id)
}

/// Returns a failed or cancelled job to its place in the queue, with its attempt count reset.
pub fn retry(app: &App, operator: &Operator, id: Uuid) -> Result<AnyJob> {
    audit::change(app, operator, move |tx, log| {
        let job = store::jobs::by_id(tx, row(tx, id)?)?;
        let why_not = match job.status {
            JobStatus::Failed | JobStatus::Cancelled => None,
            JobStatus::Queued | JobStatus::Rendering => Some("it has not ended yet"),
            JobStatus::Done => Some("it is done; submit a new job to render it again"),
        };
        if let Some(why_not) = why_not {
            return Err(Error::conflict(ErrorCode::CannotRetry, format!("The job cannot be retried: {why_not}.")));
        }
        lifecycle::retry(tx, &job)?;
        log.note(tx, "jobs.retry", &id.to_string(), &format!("was {}", job.status.as_str()))
    })?;
    show(app, id)
}

/// The row of a job of any account.
pub(in crate::app) fn row(db: &Db, id: Uuid) -> Result<JobId> {
    store::job_search::by_public_id(db, id)?
        .ok_or_else(|| Error::not_found(format!("There is no job {id}. See `admin jobs list`.")))
}
