//! Requests that wait for a job to change. They cost no thread; how one is woken is the caller's business ([`Wake`]). The
//! number of waiting requests is limited, in total and for each account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::app::App;
use crate::app::jobs::owner;
use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId};
use crate::domain::job::{Caller, Job, JobStatus, Stage};
use crate::domain::job_info::JobInfo;
use crate::store;

/// Requests that may wait at once.
pub const WAITING_REQUESTS: usize = 2_048;
/// The fraction of them that one account may use: an eighth.
const ACCOUNT_SHARE: usize = 8;

/// Wakes one waiting request, from any thread. Must not block.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// How a request waits.
pub struct Wait {
    /// How long.
    pub at_most: Duration,
    /// Limit of waiting requests across all accounts.
    pub waiting_requests: usize,
}

/// What became of a request that may wait.
pub enum Got {
    /// The job, to be answered now.
    Job(Box<JobInfo>),
    /// It waits for the job to change.
    Waits(WaitingRequest),
}

/// A request that waits for a job to change. Dropping it ends it.
pub struct WaitingRequest {
    place: Place,
    caller: Caller,
    id: Uuid,
    before: (JobStatus, Option<Stage>),
    /// Monotonic.
    until: Duration,
}

/// One job of the caller's account: as soon as its status or stage differs from when the call began, and when the wait
/// is over, at the latest. At once if the job is finished, too many requests are waiting or the server shuts down.
pub fn get_changed(app: &App, caller: &Caller, id: Uuid, wait: &Wait) -> Result<Got> {
    let job = owner::row(app, caller, id)?;
    if job.status.is_unfinished()
        && !wait.at_most.is_zero()
        && let Some(place) = app.waits.enter(&job, wait.waiting_requests)
    {
        let (before, until) = (shown(app, &job), app.clock.monotonic() + wait.at_most);
        let waiting = WaitingRequest { place, caller: caller.clone(), id, before, until };
        // It may have changed since its row was read.
        return waiting.again(app, false);
    }
    owner::get(app, caller, id).map(|job| Got::Job(Box::new(job)))
}

impl WaitingRequest {
    /// How much longer it waits.
    pub fn left(&self, app: &App) -> Duration {
        self.until.saturating_sub(app.clock.monotonic())
    }

    /// Sleeps: `wake` is called once it should look again.
    pub fn sleep(&self, wake: Wake) {
        self.place.sleep(self.until, wake);
    }

    /// Looks again. `is_over`: for the last time.
    pub fn again(self, app: &App, is_over: bool) -> Result<Got> {
        self.place.retry();
        let has_changed = shown(app, &owner::row(app, &self.caller, self.id)?) != self.before;
        if has_changed || is_over || self.left(app).is_zero() || app.stopping() {
            return owner::get(app, &self.caller, self.id).map(|job| Got::Job(Box::new(job)));
        }
        Ok(Got::Waits(self))
    }
}

/// What a waiting client sees change.
fn shown(app: &App, job: &Job) -> (JobStatus, Option<Stage>) {
    let progress = app.heartbeats.progress(job.id).filter(|_| job.status == JobStatus::Rendering);
    (job.status, progress.map(|progress| progress.stage))
}

/// All waiting requests.
#[derive(Default)]
pub struct Waits(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    next: u64,
    jobs: HashMap<JobId, Vec<Request>>,
    accounts: HashMap<AccountId, usize>,
    count: usize,
}

struct Request {
    number: u64,
    status: JobStatus,
    /// Monotonic.
    until: Duration,
    wake: Option<Wake>,
    /// The job has changed since the request last looked.
    is_due: bool,
}

/// A registered waiting request; unregistered when dropped.
struct Place {
    waits: Arc<Waits>,
    account: AccountId,
    job: JobId,
    number: u64,
}

impl Waits {
    /// Registers a waiting request. `None` if all of them, or those of the account, have reached their limit.
    fn enter(self: &Arc<Self>, job: &Job, total: usize) -> Option<Place> {
        let mut waiting = self.lock();
        let own = waiting.accounts.get(&job.account).copied().unwrap_or(0);
        if waiting.count >= total || own >= (total / ACCOUNT_SHARE).max(1) {
            return None;
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.count += 1;
        *waiting.accounts.entry(job.account).or_default() += 1;
        let request = Request { number, status: job.status, until: Duration::MAX, wake: None, is_due: false };
        waiting.jobs.entry(job.id).or_default().push(request);
        Some(Place { waits: Arc::clone(self), account: job.account, job: job.id, number })
    }

    /// How many requests are waiting.
    pub fn count(&self) -> usize {
        self.lock().count
    }

    /// Wakes the requests that wait for this job.
    pub fn wake(&self, job: JobId) {
        self.wake_those(|other, _| other == job, Some(job));
    }

    /// Wakes all requests.
    pub fn wake_all(&self) {
        self.wake_those(|_, _| true, None);
    }

    /// `only`: no others than those of this job.
    fn wake_those(&self, which: impl Fn(JobId, &Request) -> bool, only: Option<JobId>) {
        let mut waiting = self.lock();
        let mut wakes = Vec::new();
        let mut visit = |job: JobId, requests: &mut Vec<Request>| {
            for request in requests.iter_mut().filter(|request| which(job, request)) {
                request.is_due = true;
                wakes.extend(request.wake.take());
            }
        };
        match only {
            Some(job) => {
                if let Some(requests) = waiting.jobs.get_mut(&job) {
                    visit(job, requests);
                }
            }
            None => waiting.jobs.iter_mut().for_each(|(job, requests)| visit(*job, requests)),
        }
        drop(waiting);
        wakes.into_iter().for_each(|wake| wake());
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes waiting requests whose time is up, and, if another process has changed the store (`by_others`), those whose
/// job has changed.
pub fn sweep(app: &App, by_others: bool) {
    let now = app.clock.monotonic();
    app.waits.wake_those(|_, request| request.until <= now, None);
    if by_others {
        let jobs: Vec<JobId> = app.waits.lock().jobs.keys().copied().collect();
        // A row that cannot be read is looked at again when the wait is over.
        let status = |job: &JobId| Some((*job, app.store.read(|db| store::jobs::by_id(db, *job)).ok()?.status));
        let found: HashMap<JobId, JobStatus> = jobs.iter().filter_map(status).collect();
        app.waits.wake_those(|job, request| found.get(&job).is_some_and(|status| *status != request.status), None);
    }
}

impl Place {
    fn with<T>(&self, act: impl FnOnce(&mut Request) -> T) -> Option<T> {
        let mut waiting = self.waits.lock();
        let requests = waiting.jobs.get_mut(&self.job)?;
        requests.iter_mut().find(|request| request.number == self.number).map(act)
    }

    fn retry(&self) {
        self.with(|request| (request.is_due, request.wake) = (false, None));
    }

    fn sleep(&self, until: Duration, wake: Wake) {
        let due = self.with(|request| {
            request.until = until;
            if request.is_due {
                return Some(wake);
            }
            request.wake = Some(wake);
            None
        });
        if let Some(wake) = due.flatten() {
            wake();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.waits.lock();
        waiting.count -= 1;
        if let Some(requests) = waiting.jobs.get_mut(&self.job) {
            requests.retain(|request| request.number != self.number);
            if requests.is_empty() {
                waiting.jobs.remove(&self.job);
            }
        }
        if let Some(own) = waiting.accounts.get_mut(&self.account) {
            *own -= 1;
            if *own == 0 {
                waiting.accounts.remove(&self.account);
            }
        }
    }
}
