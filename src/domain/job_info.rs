//! The job as everyone sees it: clients, the operator, nodes.

use crate::domain::job::Job;
use crate::domain::lease::Progress;

/// A job's row with what is known of it only now.
pub struct JobInfo {
    /// Its row.
    pub job: Job,
    /// What its node last reported, while it renders.
    pub progress: Option<Progress>,
    /// 1 + the number of the same account's and class's queued jobs ahead, while it waits.
    pub queue_position: Option<u64>,
    /// A sentence for people, while it waits.
    pub waiting_because: Option<String>,
}
