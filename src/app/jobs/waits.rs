//! Requests that wait for a job to change. They wake when it does; the number of waiting requests is limited, in total
//! and for each account.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::app::App;
use crate::app::jobs::owner;
use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::job::{Caller, Job, JobStatus, Stage};
use crate::domain::job_info::JobInfo;
use crate::os::doorbell::Doorbell;

/// Requests that may wait at once. Together with waiting claims and uploads, this is below `HTTP_THREADS`.
pub const WAITING_REQUESTS: usize = 64;
/// The fraction of them that one account may use: an eighth.
const ACCOUNT_SHARE: usize = 8;
/// Milliseconds between two checks for what rings no bell: a change by another process, or a client that has
/// disconnected.
const WAIT_LOOK_MS: u64 = 1_000;

/// How a request waits.
pub struct Wait<'a> {
    /// How long.
    pub at_most: Duration,
    /// Limit of waiting requests across all accounts.
    pub waiting_requests: usize,
    /// Whether the client is still connected.
    pub is_there: &'a dyn Fn() -> bool,
}

/// One job of the caller's account: as soon as its status or stage differs from when the call began, and when the wait
/// is over, at the latest. Returns at once if the job is finished, too many requests are waiting, the client has
/// disconnected or the server shuts down.
pub fn get_changed(app: &App, caller: &Caller, id: Uuid, wait: &Wait<'_>) -> Result<JobInfo> {
    let job = owner::row(app, caller, id)?;
    if job.status.is_unfinished()
        && let Some(place) = app.waits.enter(job.account, job.id, wait.waiting_requests)
    {
        let (before, deadline) = (shown(app, &job), app.clock.monotonic() + wait.at_most);
        loop {
            // Read before looking at the job, so that no ring is missed in between.
            let seen = place.bell.rings();
            let has_changed = shown(app, &owner::row(app, caller, id)?) != before;
            let left = deadline.saturating_sub(app.clock.monotonic());
            if has_changed || left.is_zero() || app.stopping() || !(wait.is_there)() {
                break;
            }
            place.bell.wait_past(seen, left.min(Duration::from_millis(WAIT_LOOK_MS)));
        }
    }
    owner::get(app, caller, id)
}

/// What a waiting client sees change.
fn shown(app: &App, job: &Job) -> (JobStatus, Option<Stage>) {
    let progress = app.heartbeats.progress(job.id).filter(|_| job.status == JobStatus::Rendering);
    (job.status, progress.map(|progress| progress.stage))
}

/// All waiting requests.
#[derive(Default)]
pub struct Waits(Mutex<Vec<Waiting>>);

struct Waiting {
    account: AccountId,
    job: JobId,
    bell: Arc<Doorbell>,
}

/// A registered waiting request; unregistered when dropped.
struct Place<'a> {
    waits: &'a Waits,
    bell: Arc<Doorbell>,
}

impl Waits {
    /// Registers a waiting request. `None` if all of them, or those of the account, have reached their limit.
    fn enter(&self, account: AccountId, job: JobId, total: usize) -> Option<Place<'_>> {
        let mut waiting = self.lock();
        let own = waiting.iter().filter(|request| request.account == account).count();
        if waiting.len() >= total || own >= (total / ACCOUNT_SHARE).max(1) {
            return None;
        }
        let bell = Arc::new(Doorbell::default());
        waiting.push(Waiting { account, job, bell: Arc::clone(&bell) });
        Some(Place { waits: self, bell })
    }

    /// How many requests are waiting.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Wakes the requests that wait for this job.
    pub fn wake(&self, job: JobId) {
        self.lock().iter().filter(|request| request.job == job).for_each(|request| request.bell.ring());
    }

    /// Wakes all requests.
    pub fn wake_all(&self) {
        self.lock().iter().for_each(|request| request.bell.ring());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waits.lock().retain(|request| !Arc::ptr_eq(&request.bell, &self.bell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_may_use_an_eighth_of_the_places_and_at_least_one() {
        for (total, each) in [(64, 8), (16, 2), (15, 1), (4, 1)] {
            let waits = Waits::default();
            let enter = |account| waits.enter(AccountId(account), JobId(1), total);
            let own: Vec<_> = (0..each).map(|_| enter(1).unwrap()).collect();
            assert!(enter(1).is_none(), "{total}");
            let others: Vec<_> = (2..).map_while(enter).collect();
            assert_eq!(own.len() + others.len(), total, "{total}");
            drop(own);
            assert!(enter(1).is_some(), "{total}");
        }
    }

    #[test]
    fn only_requests_for_the_changed_job_are_woken() {
        let waits = Waits::default();
        let places = [1, 2, 1].map(|job| waits.enter(AccountId(job), JobId(job), 64).unwrap());
        waits.wake(JobId(1));
        assert_eq!(places.each_ref().map(|place| place.bell.rings()), [1, 0, 1]);
        waits.wake_all();
        assert_eq!(places.each_ref().map(|place| place.bell.rings()), [2, 1, 2]);
    }
}
