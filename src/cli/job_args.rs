//! Arguments that name jobs, for the operator's commands and the client's.

use crate::app::short_id::Named;
use crate::domain::job::JobStatus;

/// Parses a job's id.
pub fn job_id(text: &str) -> Result<Named, String> {
    id_of(text, "job")
}

/// Parses a delivery's id.
pub fn delivery_id(text: &str) -> Result<Named, String> {
    id_of(text, "delivery")
}

fn id_of(text: &str, noun: &str) -> Result<Named, String> {
    Named::parse(text).ok_or_else(|| format!("a {noun}'s id is a UUID; its last 8 characters are enough"))
}

/// Parses `--status`.
pub fn job_status(text: &str) -> Result<JobStatus, String> {
    JobStatus::parse(text).ok_or_else(|| "it must be queued, rendering, done, failed or cancelled".to_owned())
}
