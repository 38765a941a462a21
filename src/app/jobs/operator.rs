//! Render jobs of all accounts, for the operator: list, show, cancel, retry, and the log of attempts.

use uuid::Uuid;

use crate::app::accounts::{self, keys};
use crate::app::jobs::lifecycle;
use crate::app::jobs::owner::describe;
use crate::app::short_id::{CANDIDATES, SEARCHED};
use crate::app::{App, audit, nodes};
use crate::domain::account::AccountStatus;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::{JobId, KeyId};
use crate::domain::job::{Job, JobStatus};
use crate::domain::job_info::JobInfo;
use crate::domain::list::LIST_ROWS;
use crate::domain::operator::Operator;
use crate::store::job_search::Search;
use crate::store::{self, Db};

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

/// A job with its account's and node's names.
pub struct AnyJob {
    /// The job. Its progress is known only to the running server.
    pub info: JobInfo,
    /// Its account's name.
    pub account: String,
    /// The node of its last attempt.
    pub node: Option<String>,
}

/// The matching jobs, newest first.
pub fn list(app: &App, filter: &Filter, limit: u32) -> Result<Vec<AnyJob>> {
    let jobs = app.store.read(|db| match search(db, filter, limit)? {
        Some(search) => {
            store::job_search::find(db, &search)?.into_iter().map(|id| store::jobs::by_id(db, id)).collect()
        }
        None => Ok(Vec::new()),
    })?;
    complete(app, jobs)
}

/// Resolves names to row ids; `None` if nothing can match because the key belongs to another account.
fn search(db: &Db, filter: &Filter, limit: u32) -> Result<Option<Search>> {
    let key = filter.key.map(|key| keys::by_id(db, key)).transpose()?;
    let named = filter.account.as_deref().map(|name| accounts::named(db, name)).transpose()?;
    let node = filter.node.as_deref().map(|name| nodes::named(db, name)).transpose()?;
    let (owner, named) = (key.as_ref().map(|key| key.account), named.map(|account| account.id));
    if owner.is_some() && named.is_some() && owner != named {
        return Ok(None);
    }
    Ok(Some(Search {
        account: owner.or(named),
        key: filter.key,
        node: node.map(|node| node.id),
        status: filter.status,
        limit,
    }))
}

/// The full id of a job.
pub fn id_of(app: &App, named: Named) -> Result<Uuid> {
    named.resolve("job", "admin jobs list", SEARCHED, |ending| {
        app.store.read(|db| store::job_search::by_ending(db, ending, SEARCHED, CANDIDATES))
    })
}

/// One job.
pub fn show(app: &App, id: Uuid) -> Result<AnyJob> {
    let job = app.store.read(|db| store::jobs::by_id(db, row(db, id)?))?;
    complete(app, vec![job]).map(|mut jobs| jobs.swap_remove(0))
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

/// Adds what is not in the job's own row.
fn complete(app: &App, jobs: Vec<Job>) -> Result<Vec<AnyJob>> {
    // Only queued jobs have a position, for which the whole queue must be read.
    if jobs.iter().any(|job| job.status == JobStatus::Queued) {
        app.store.read_queue()?;
    }
    describe(app, jobs)?.into_iter().map(|info| app.store.read(|db| with_names(db, info))).collect()
}

fn with_names(db: &Db, mut info: JobInfo) -> Result<AnyJob> {
    let account = store::accounts::by_id(db, info.job.account)?;
    if info.job.status == JobStatus::Queued && account.status != AccountStatus::Active {
        // Jobs of inactive accounts are not scheduled.
        info.queue_position = None;
        info.waiting_because = Some(format!("its account is {}", account.status.as_str()));
    }
    let node = store::leases::attempts(db, info.job.id, 1)?.pop().map(|attempt| attempt.node);
    Ok(AnyJob { info, account: account.name, node })
}
