//! What the simulation knows of accounts, nodes and jobs. After each step, what has changed in the rows is compared with
//! it: each change must follow from that step.

use std::collections::{BTreeMap, BTreeSet};

use dinkem_appliance::domain::id::NodeId;
use dinkem_appliance::domain::job::JobStatus;
use dinkem_appliance::domain::key::KeyClass;
use dinkem_appliance::domain::offer::{Needs, Offer};
use dinkem_appliance::domain::schedule::policy::ReservedBeyondDinks;
use uuid::Uuid;

use super::rows::{JobRow, Live, Rows};
use super::server::has_webhook;
use super::story::{Checked, Invariant, Violation};

/// What the step did at the server, as far as it may change jobs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause {
    /// Nothing may change.
    Nothing,
    Submit {
        account: usize,
        class: KeyClass,
    },
    Claim {
        node: i64,
    },
    Complete {
        node: i64,
        lease: i64,
    },
    Fail {
        node: i64,
        lease: i64,
    },
    /// The server looked for leases that are overdue.
    Expiry,
    Removal {
        node: i64,
    },
    Cancel {
        job: i64,
    },
    Retry {
        job: i64,
    },
    DeleteClip {
        job: i64,
    },
}

/// A job.
pub struct Job {
    pub id: Uuid,
    pub account: usize,
    pub class: KeyClass,
    pub needs: Needs,
    pub status: JobStatus,
    /// Its live lease and that one's node.
    pub lease: Option<(i64, i64)>,
    /// The lease whose video is its clip, unless deleted.
    pub clip: Option<i64>,
    pub avoids: Vec<NodeId>,
    /// The events that its account's webhook was promised.
    events: Vec<(String, i64)>,
}

/// An account.
#[derive(Default)]
pub struct Account {
    pub is_active: bool,
    pub dinks: u32,
    /// Its jobs in the queue, whether or not it is active.
    pub reserved: BTreeSet<i64>,
    pub metered: BTreeSet<i64>,
    pub reserved_running: u32,
    /// Metered jobs that others were given since it was last served, by nodes that could have taken one of its own.
    pub passed_by: u64,
}

/// A node that has not been removed.
pub struct Node {
    pub offer: Offer,
}

/// Everything.
#[derive(Default)]
pub struct Model {
    /// In the order of their rows, which begin at 1.
    pub jobs: Vec<Job>,
    pub accounts: Vec<Account>,
    pub nodes: BTreeMap<i64, Node>,
    pub live: BTreeMap<i64, Live>,
    /// The job of every lease ever.
    pub leases: BTreeMap<i64, i64>,
    /// When reserved jobs beyond dinks are started.
    pub beyond: ReservedBeyondDinks,
    /// The most that an account was passed by so far.
    pub most_passed_by: u64,
    version: i64,
}

/// A job was given to a node.
pub struct Taken {
    pub job: i64,
    pub node: i64,
}

impl Model {
    pub fn new(beyond: ReservedBeyondDinks) -> Self {
        Self { beyond, ..Self::default() }
    }

    pub fn job(&self, row: i64) -> &Job {
        &self.jobs[row as usize - 1]
    }

    fn job_mut(&mut self, row: i64) -> &mut Job {
        &mut self.jobs[row as usize - 1]
    }

    /// Leases that a node holds.
    pub fn held(&self, node: i64) -> usize {
        self.live.values().filter(|live| live.node == node).count()
    }

    /// Compares with the rows what the last step has changed. Returns the job that was given to a node, which is in the
    /// queue as the model knows it until [`Self::apply`].
    pub fn compare(&mut self, rows: &Rows, cause: Cause) -> Checked<Option<Taken>> {
        let version = rows.version();
        if version == self.version {
            return Ok(None);
        }
        self.version = version;
        self.add_new(rows, cause)?;
        let live: BTreeMap<i64, Live> = rows.live().into_iter().map(|live| (live.lease, live)).collect();
        self.check_leases(&live)?;
        let begun: Vec<Live> = live.values().filter(|now| !self.live.contains_key(&now.lease)).copied().collect();
        let ended = self.live.values().filter(|before| !live.contains_key(&before.lease)).map(|before| before.job);
        let named = match cause {
            Cause::Complete { lease, .. } | Cause::Fail { lease, .. } => self.leases.get(&lease).copied(),
            Cause::Cancel { job } | Cause::Retry { job } | Cause::DeleteClip { job } => Some(job),
            _ => None,
        };
        let mut touched: BTreeSet<i64> = ended.chain(begun.iter().map(|begun| begun.job)).chain(named).collect();
        touched.extend(begun.iter().map(|begun| begun.job));
        self.leases.extend(begun.iter().map(|begun| (begun.lease, begun.job)));
        let mut taken = None;
        for job in touched {
            let lease = live.values().find(|live| live.job == job).map(|live| (live.lease, live.node));
            if let Some(node) = self.compare_job(rows, job, lease, cause)? {
                taken = Some(Taken { job, node });
            }
        }
        self.live = live;
        Ok(taken)
    }

    fn add_new(&mut self, rows: &Rows, cause: Cause) -> Checked {
        let new = rows.jobs_after(self.jobs.len() as i64);
        for row in &new {
            let found = rows.job(*row).expect("just read");
            let account = found.account as usize - 1;
            let is_asked = *row == self.jobs.len() as i64 + 1
                && new.len() == 1
                && matches!(cause, Cause::Submit { account: by, class } if by == account && class == found.class);
            if !is_asked || found.status != JobStatus::Queued {
                return Violation::of(Invariant::NoJobLost, format!("job {row} came from {cause:?}"));
            }
            let JobRow { id, class, needs, status, .. } = found;
            let (avoids, events) = (Vec::new(), Vec::new());
            self.jobs.push(Job { id, account, class, needs, status, lease: None, clip: None, avoids, events });
            self.line(*row).insert(*row);
        }
        Ok(())
    }

    fn check_leases(&self, live: &BTreeMap<i64, Live>) -> Checked {
        let mut jobs = BTreeMap::new();
        let mut held: BTreeMap<i64, u32> = BTreeMap::new();
        for Live { lease, job, node } in live.values() {
            if let Some(other) = jobs.insert(job, lease) {
                let what = format!("job {job} has two live leases, {other} and {lease}");
                return Violation::of(Invariant::OneLease, what);
            }
            *held.entry(*node).or_default() += 1;
        }
        for (node, held) in held {
            let slots = self.nodes.get(&node).map_or(0, |node| node.offer.slots);
            if held > slots {
                let what = format!("node {node} holds {held} leases and has {slots} slots");
                return Violation::of(Invariant::OneLease, what);
            }
        }
        Ok(())
    }

    /// The queue that a job is in while it waits.
    fn line(&mut self, row: i64) -> &mut BTreeSet<i64> {
        let (account, class) = (self.job(row).account, self.job(row).class);
        let account = &mut self.accounts[account];
        match class {
            KeyClass::Metered => &mut account.metered,
            KeyClass::Reserved => &mut account.reserved,
        }
    }

    /// Compares one job. Returns the node that it was given to; that change is applied by [`Self::apply`].
    fn compare_job(&mut self, rows: &Rows, row: i64, lease: Option<(i64, i64)>, cause: Cause) -> Checked<Option<i64>> {
        let Some(found) = rows.job(row) else {
            return Violation::of(Invariant::NoJobLost, format!("job {row} has no row any more"));
        };
        let before = self.job(row);
        let (was, held) = (before.status, before.lease);
        check_change(row, was, held, found.status, lease, cause)?;
        let clip = match (found.status, was, cause) {
            // The server may have died before or after it was deleted.
            (JobStatus::Done, JobStatus::Done, Cause::DeleteClip { .. }) => rows.clip(row).map(|(lease, _)| lease),
            (JobStatus::Done, JobStatus::Done, _) => before.clip,
            (JobStatus::Done, ..) => held.map(|(lease, _)| lease),
            _ => None,
        };
        let event = match found.status {
            status if status == was => None,
            JobStatus::Done => Some("clip.done"),
            JobStatus::Failed => Some("clip.failed"),
            JobStatus::Cancelled => Some("clip.cancelled"),
            _ => None,
        };
        let promised = has_webhook(before.account);
        let job = self.job_mut(row);
        if let (Some(event), Some(at)) = (event, found.finished_at_ms.filter(|_| promised)) {
            let event = (event.to_owned(), at);
            // A clock that was set back can end a retried job at the same time again.
            if !job.events.contains(&event) {
                job.events.push(event);
            }
        }
        job.clip = clip;
        job.avoids = rows.avoids(row);
        self.check_end(rows, row, &found)?;
        if found.status == JobStatus::Rendering && was == JobStatus::Queued {
            self.job_mut(row).lease = lease;
            return Ok(lease.map(|(_, node)| node));
        }
        self.set_status(row, found.status);
        self.job_mut(row).lease = lease;
        Ok(None)
    }

    /// The rows that go with a job's end.
    fn check_end(&self, rows: &Rows, row: i64, found: &JobRow) -> Checked {
        let job = self.job(row);
        let (bills, is_done) = (rows.bills(row), found.status == JobStatus::Done);
        if bills != usize::from(is_done) {
            let what = format!("job {row} is {} and has {bills} rows in the ledger", found.status.as_str());
            return Violation::of(Invariant::BilledOnce, what);
        }
        let clip = rows.clip(row).map(|(lease, _)| lease);
        if clip != job.clip {
            let what = format!("job {row} has the clip of lease {clip:?}, not of {:?}", job.clip);
            return Violation::of(Invariant::BilledOnce, what);
        }
        let events = rows.events(row);
        if events != job.events {
            let what = format!("job {row} has the events {events:?}, not {:?}", job.events);
            return Violation::of(Invariant::BilledOnce, what);
        }
        Ok(())
    }

    /// The job was given to a node: it leaves the queue.
    pub fn apply(&mut self, taken: &Taken) {
        self.set_status(taken.job, JobStatus::Rendering);
    }

    fn set_status(&mut self, row: i64, status: JobStatus) {
        let was = std::mem::replace(&mut self.job_mut(row).status, status);
        let (account, class) = (self.job(row).account, self.job(row).class);
        match status {
            JobStatus::Queued => drop(self.line(row).insert(row)),
            _ => drop(self.line(row).remove(&row)),
        }
        let account = &mut self.accounts[account];
        if class == KeyClass::Reserved {
            account.reserved_running += u32::from(status == JobStatus::Rendering);
            account.reserved_running -= u32::from(was == JobStatus::Rendering);
        }
        if account.metered.is_empty() {
            account.passed_by = 0;
        }
    }
}

/// Whether a change of a job follows from the step. `held`: its live lease before, `lease`: now.
fn check_change(
    row: i64,
    was: JobStatus,
    held: Option<(i64, i64)>,
    is: JobStatus,
    lease: Option<(i64, i64)>,
    cause: Cause,
) -> Checked {
    use JobStatus::{Cancelled, Done, Failed, Queued, Rendering};
    if lease.is_some() != (is == Rendering) {
        let lease = lease.map_or("no live lease".to_owned(), |(lease, node)| format!("lease {lease} of node {node}"));
        let what = format!("job {row} is {} and has {lease}: a slot is not counted as it is used", is.as_str());
        // The lease of a job that was done by another one is a matter of the fence.
        let by_completion = matches!(cause, Cause::Complete { .. });
        return Violation::of(if by_completion { Invariant::OneLease } else { Invariant::CountersAgree }, what);
    }
    let by_holder = |by: (i64, i64)| held == Some(by);
    let follows = match (was, is, cause) {
        (_, _, _) if was == is => held == lease,
        (Queued, Rendering, Cause::Claim { node }) => lease.is_some_and(|(_, by)| by == node),
        (Rendering, Done, Cause::Complete { node, lease }) => by_holder((lease, node)),
        (Rendering, Queued | Failed, Cause::Fail { node, lease }) => by_holder((lease, node)),
        (Rendering, Queued | Failed, Cause::Expiry) => true,
        (Rendering, Queued | Failed, Cause::Removal { node }) => held.is_some_and(|(_, by)| by == node),
        (Queued | Rendering, Cancelled, Cause::Cancel { job }) => job == row,
        (Failed | Cancelled, Queued, Cause::Retry { job }) => job == row,
        _ => false,
    };
    if follows {
        return Ok(());
    }
    let what = format!(
        "job {row} with the live lease {held:?} went from {} to {} with the live lease {lease:?}, by {cause:?}",
        was.as_str(),
        is.as_str()
    );
    let is_lost = was == Done || matches!(cause, Cause::Nothing);
    Violation::of(if is_lost { Invariant::NoJobLost } else { Invariant::OneLease }, what)
}
