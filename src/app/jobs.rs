//! todo
use super::App;
use crate::domain::{
    error::Result,
    id::JobId,
    job::{Caller, Job, JobSpec, JobStatus},
    lease::Progress,
};
/// A job with what is known of it only now.
pub struct JobInfo {
    pub job: Job,
    pub progress: Option<Progress>,
    pub queue_position: Option<u64>,
    pub waiting_because: Option<String>,
}
pub struct Page {
    pub jobs: Vec<JobInfo>,
    pub next: Option<JobId>,
}
pub fn submit(_app: &App, _caller: &Caller, _spec: JobSpec) -> Result<JobInfo> {
    todo!()
}
pub fn get(_app: &App, _caller: &Caller, _id: uuid::Uuid) -> Result<JobInfo> {
    todo!()
}
/// Newest first; `before`: only jobs with a smaller row number.
pub fn list(
    _app: &App,
    _caller: &Caller,
    _status: Option<JobStatus>,
    _limit: u32,
    _before: Option<JobId>,
) -> Result<Page> {
    todo!()
}
/// DELETE: cancels an unfinished job, deletes a finished one's files and keeps its row.
pub fn remove(_app: &App, _caller: &Caller, _id: uuid::Uuid) -> Result<JobInfo> {
    todo!()
}
