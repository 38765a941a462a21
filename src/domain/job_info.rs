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
}
