//! A line in a file of archived jobs: JSON with everything that the store had about the job.

use serde::Serialize;

use crate::domain::error::{Error, Result};
use crate::domain::job::Job;
use crate::domain::job_info::JobInfo;
use crate::wire::base::Base;
use crate::wire::job::{FailureView, JobView, view};

/// An archived job.
#[derive(Debug, Serialize)]
struct JobLine<'a> {
    /// The number by which the ledger refers to it.
    row: i64,
    /// Name of its account.
    account: &'a str,
    /// The number of the key that submitted it.
    key: i64,
    /// The job as the API showed it last.
    job: JobView,
    /// Its attempts, in order.
    attempts: Vec<AttemptLine>,
}

/// An attempt at an archived job.
#[derive(Debug, Serialize)]
pub struct AttemptLine {
    /// The lease's number.
    pub lease: i64,
    /// Name of the node.
    pub node: String,
    /// `done`, `failed`, `lost` or `cancelled`.
    pub state: &'static str,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub ended_at: Option<String>,
    /// Why it failed.
    pub error: Option<FailureView>,
    /// The end of the renderer's output.
    pub log: Option<String>,
}

/// The line of a finished job without a clip, with its line break.
pub fn line(job: &Job, account: &str, attempts: Vec<AttemptLine>) -> Result<String> {
    let (row, key) = (job.id.0, job.key.0);
    let info = JobInfo::of(job.clone());
    // Without a clip there is no URL.
    let job = view(&info, &Base::public(""))?;
    serde_json::to_string(&JobLine { row, account, key, job, attempts })
        .map(|line| line + "\n")
        .map_err(|error| Error::internal("A job could not be written as JSON.", error))
}
