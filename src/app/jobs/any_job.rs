//! A job of any account as the operator sees it: with the names of its account and of its node.

use std::collections::HashMap;

use crate::app::App;
use crate::app::jobs::owner::describe;
use crate::domain::account::{Account, AccountStatus};
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::job::{Job, JobStatus};
use crate::domain::job_info::JobInfo;
use crate::store;

/// A job with its account's and node's names.
pub struct AnyJob {
    /// The job. Its progress is known only to the running server.
    pub info: JobInfo,
    /// Its account's name.
    pub account: String,
    /// The node of its last attempt.
    pub node: Option<String>,
}

/// Adds what is not in the jobs' own rows: one query for each job and one for each account.
pub(in crate::app) fn complete(app: &App, jobs: Vec<Job>) -> Result<Vec<AnyJob>> {
    // Only queued jobs have a position, for which the whole queue must be read.
    if jobs.iter().any(|job| job.status == JobStatus::Queued) {
        app.store.read_queue()?;
    }
    let described = describe(app, jobs)?;
    app.store.read(|db| {
        let mut accounts: HashMap<AccountId, Account> = HashMap::new();
        let mut found = Vec::with_capacity(described.len());
        for info in described {
            let id = info.job.account;
            let account = match accounts.get(&id) {
                Some(known) => known,
                None => accounts.entry(id).or_insert(store::accounts::by_id(db, id)?),
            };
            let node = store::leases::last_node(db, info.job.id)?;
            found.push(AnyJob { info: of_account(info, account), account: account.name.clone(), node });
        }
        Ok(found)
    })
}

/// Jobs of inactive accounts are not scheduled.
fn of_account(info: JobInfo, account: &Account) -> JobInfo {
    if info.job.status != JobStatus::Queued || account.status == AccountStatus::Active {
        return info;
    }
    let because = format!("its account is {}", account.status.as_str());
    JobInfo { queue_position: None, waiting_because: Some(because), estimated_wait_seconds: None, ..info }
}
