//! Which jobs somebody watches: their nodes send heartbeats more often. In memory only.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::app::leases::frames;
use crate::domain::id::JobId;
use crate::domain::lease;

/// How long a job counts as watched after its client has asked for it.
const WATCHED: Duration = Duration::from_secs(30);
/// Jobs remembered as watched. Clients that ask for more see their progress less often.
const JOBS: usize = 4_096;

/// Jobs that clients asked for lately, and until when they count as watched. Monotonic.
#[derive(Default)]
pub(in crate::app) struct Watched(Mutex<HashMap<JobId, Duration>>);

impl Watched {
    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Duration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, job: JobId, now: Duration) {
        let mut jobs = self.lock();
        if jobs.len() >= JOBS && !jobs.contains_key(&job) {
            jobs.retain(|_, until| now < *until);
        }
        if jobs.len() < JOBS || jobs.contains_key(&job) {
            jobs.insert(job, now + WATCHED);
        }
    }

    /// How many jobs are watched, including this one; `None` if it is not.
    fn with(&self, job: JobId, now: Duration) -> Option<usize> {
        let mut jobs = self.lock();
        match jobs.get(&job) {
            Some(until) if now < *until => Some(jobs.len()),
            Some(_) => {
                jobs.remove(&job);
                None
            }
            None => None,
        }
    }
}

/// A client has asked for the job.
pub(in crate::app) fn note(app: &App, job: JobId) {
    app.watched.note(job, app.clock.monotonic());
}

/// Milliseconds until the next heartbeat for this job.
pub(in crate::app) fn heartbeat_ms(app: &App, job: JobId) -> u64 {
    let by_operator = frames::is_watched(app).then(|| app.heartbeats.count());
    let watched = by_operator.or_else(|| app.watched.with(job, app.clock.monotonic()));
    lease::heartbeat_ms(app.settings.lease_ms, watched.map(|count| count as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_is_watched_for_half_a_minute_and_their_number_is_bounded() {
        let (watched, second) = (Watched::default(), Duration::from_secs(1));
        watched.note(JobId(1), second);
        watched.note(JobId(2), 11 * second);
        assert_eq!(watched.with(JobId(1), 30 * second), Some(2));
        assert_eq!(watched.with(JobId(1), 31 * second), None);
        assert_eq!(watched.with(JobId(2), 31 * second), Some(1));
        (0..2 * JOBS as i64).for_each(|job| watched.note(JobId(job), 40 * second));
        assert_eq!(watched.lock().len(), JOBS);
        watched.note(JobId(-1), 60 * second);
        assert_eq!(watched.with(JobId(-1), 60 * second), None, "all places are taken");
        watched.note(JobId(-1), 70 * second);
        assert_eq!(watched.with(JobId(-1), 70 * second), Some(1));
    }
}
