//! A job as shown to clients, the operator and nodes.

use crate::domain::job::Job;
use crate::domain::lease::Progress;

/// A job with its current progress and queue position.
pub struct JobInfo {
    /// Its row.
    pub job: Job,
    /// What its node last reported, while it renders.
    pub progress: Option<Progress>,
    /// Position among the queued jobs of the same account and class, starting at 1, while it waits.
    pub queue_position: Option<u64>,
    /// A message for people, while it waits.
    pub waiting_because: Option<String>,
    /// About how many seconds until a node takes it, while it waits, if that can be told.
    pub estimated_wait_seconds: Option<u64>,
}

impl JobInfo {
    /// A job that neither waits nor is being rendered.
    pub fn of(job: Job) -> Self {
        Self { job, progress: None, queue_position: None, waiting_because: None, estimated_wait_seconds: None }
    }
}
