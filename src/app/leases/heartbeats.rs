//! Heartbeats of live leases: when each expires and its progress. In memory only; the database says which are live.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::id::{JobId, LeaseId};
use crate::domain::job::Stage;
use crate::domain::lease::{LEASE_AGE_SECONDS, LEASE_PROGRESS_SECONDS, LeaseEnd, Progress};
use crate::store::leases::LiveLease;

/// The smallest increase of a job's progress (0 to 1) that counts as progress: it can count at most 1,000 times.
const LEASE_PROGRESS_STEP: f64 = 0.001;

/// How long a lease may live without progress.
const PROGRESS: Duration = Duration::from_secs(LEASE_PROGRESS_SECONDS);
/// How long a lease may live. Measured on the monotonic clock, so that wall clock jumps end no lease; a server restart
/// resets it.
const AGE: Duration = Duration::from_secs(LEASE_AGE_SECONDS);

/// State of a live lease. Times are monotonic.
struct Beat {
    lease: LeaseId,
    since: Duration,
    expires: Duration,
    stalls: Duration,
    progress: Option<Progress>,
    /// The furthest point that counted as progress: stage and fraction.
    farthest: Option<(usize, f64)>,
}

impl Beat {
    /// Whether this is progress: a later stage than any before, or at least one step further. Moving back and forth is
    /// not, so a lease cannot be kept alive forever.
    fn goes_forward(&mut self, to: Progress) -> bool {
        let stage = Stage::ALL.iter().position(|stage| *stage == to.stage).unwrap_or_default();
        let Some((reached, fraction)) = self.farthest else {
            self.farthest = Some((stage, to.fraction));
            return true;
        };
        let forward = stage > reached || to.fraction >= fraction + LEASE_PROGRESS_STEP;
        if forward {
            self.farthest = Some((stage.max(reached), to.fraction.max(fraction)));
        }
        forward
    }
}

/// Result of one expiry check.
pub struct Expired {
    /// Leases that expired, and why.
    pub overdue: Vec<(LiveLease, LeaseEnd)>,
    /// Leases that were ended elsewhere, by an `admin` process for example.
    pub gone: Vec<(JobId, LeaseId)>,
}

/// All live leases by job; a job has at most one.
pub struct Heartbeats {
    lease: Duration,
    beats: Mutex<HashMap<JobId, Beat>>,
}

impl Heartbeats {
    /// `lease`: how long a lease lives without a heartbeat.
    pub fn new(lease: Duration) -> Self {
        Self { lease, beats: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Beat>> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, lease: LeaseId, now: Duration) -> Beat {
        Beat { lease, since: now, expires: now + self.lease, stalls: now + PROGRESS, progress: None, farthest: None }
    }

    /// How many leases are live.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Starts tracking a new lease.
    pub fn begin(&self, job: JobId, lease: LeaseId, now: Duration) {
        let beat = self.fresh(lease, now);
        self.lock().insert(job, beat);
    }

    /// Records a heartbeat of a live lease, and returns whether the stage has changed. Progress never decreases within
    /// one lease.
    pub fn beat(&self, job: JobId, lease: LeaseId, progress: Progress, now: Duration) -> bool {
        let mut beats = self.lock();
        let beat = beats.entry(job).or_insert_with(|| self.fresh(lease, now));
        if beat.lease != lease {
            *beat = self.fresh(lease, now);
        }
        beat.expires = now + self.lease;
        let floor = beat.progress.map_or(0.0, |before| before.fraction);
        let after = Progress { stage: progress.stage, fraction: progress.fraction.clamp(floor, 1.0) };
        if beat.goes_forward(after) {
            beat.stalls = now + PROGRESS;
        }
        let before = beat.progress.replace(after);
        before.map(|before| before.stage) != Some(after.stage)
    }

    /// Stops tracking a lease.
    pub fn end(&self, job: JobId, lease: LeaseId) {
        let mut beats = self.lock();
        if beats.get(&job).is_some_and(|beat| beat.lease == lease) {
            beats.remove(&job);
        }
    }

    /// The progress that the node last reported.
    pub fn progress(&self, job: JobId) -> Option<Progress> {
        self.lock().get(&job)?.progress
    }

    /// Compares with the live leases read from the database at `now` or slightly later. Unknown leases get their full
    /// time; leases that are no longer live are forgotten.
    pub fn check(&self, live: &[LiveLease], now: Duration) -> Expired {
        let mut beats = self.lock();
        let known: HashSet<LeaseId> = live.iter().map(|lease| lease.id).collect();
        // A lease granted after the rows were read is not in `live` yet.
        let gone = beats
            .extract_if(|_, beat| !known.contains(&beat.lease) && beat.since < now)
            .map(|(job, beat)| (job, beat.lease))
            .collect();
        let mut overdue = Vec::new();
        for lease in live {
            let beat = beats.entry(lease.job).or_insert_with(|| self.fresh(lease.id, now));
            if beat.lease != lease.id {
                continue;
            }
            if beat.expires <= now {
                overdue.push((*lease, LeaseEnd::Lost));
            } else if beat.since + AGE <= now {
                overdue.push((*lease, LeaseEnd::too_old()));
            } else if beat.stalls <= now {
                overdue.push((*lease, LeaseEnd::stalled()));
            }
        }
        Expired { overdue, gone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::NodeId;

    const LEASE: Duration = Duration::from_secs(30);

    fn live(id: i64) -> LiveLease {
        LiveLease { id: LeaseId(id), job: JobId(id), node: NodeId(1) }
    }

    fn at(stage: Stage, fraction: f64) -> Progress {
        Progress { stage, fraction }
    }

    #[test]
    fn lease_expires_without_heartbeats_and_unknown_lease_gets_full_time() {
        let heartbeats = Heartbeats::new(LEASE);
        let start = Duration::from_secs(100);
        assert_eq!(heartbeats.check(&[live(1)], start).overdue, []);
        heartbeats.beat(JobId(1), LeaseId(1), at(Stage::Fetching, 0.0), start + LEASE / 2);
        assert_eq!(heartbeats.check(&[live(1)], start + LEASE).overdue, []);
        let late = start + LEASE / 2 + LEASE;
        assert_eq!(heartbeats.check(&[live(1)], late).overdue, [(live(1), LeaseEnd::Lost)]);
    }

    #[test]
    fn lease_with_heartbeats_but_no_progress_ends() {
        let heartbeats = Heartbeats::new(LEASE);
        let mut now = Duration::ZERO;
        heartbeats.begin(JobId(1), LeaseId(1), now);
        heartbeats.beat(JobId(1), LeaseId(1), at(Stage::Rendering, 0.5), now);
        while now < PROGRESS {
            assert_eq!(heartbeats.check(&[live(1)], now).overdue, [], "{now:?}");
            now += LEASE / 2;
            // A decreasing fraction is not progress.
            heartbeats.beat(JobId(1), LeaseId(1), at(Stage::Rendering, 0.4), now);
        }
        assert_eq!(heartbeats.check(&[live(1)], now).overdue, [(live(1), LeaseEnd::stalled())]);
        heartbeats.beat(JobId(1), LeaseId(1), at(Stage::Uploading, 0.5), now);
        assert_eq!(heartbeats.check(&[live(1)], now).overdue, []);
    }

    #[test]
    fn moving_back_and_forth_between_stages_is_not_progress() {
        let heartbeats = Heartbeats::new(LEASE);
        let mut now = Duration::ZERO;
        heartbeats.begin(JobId(1), LeaseId(1), now);
        heartbeats.beat(JobId(1), LeaseId(1), at(Stage::Rendering, 0.5), now);
        for step in 1.. {
            now += LEASE / 2;
            let stage = [Stage::Rendering, Stage::Parsing, Stage::Fetching][step % 3];
            // Tiny steps are not progress either.
            heartbeats.beat(JobId(1), LeaseId(1), at(stage, 0.5 + 1e-9 * step as f64), now);
            if now >= PROGRESS {
                break;
            }
            assert_eq!(heartbeats.check(&[live(1)], now).overdue, [], "{now:?}");
        }
        assert_eq!(heartbeats.check(&[live(1)], now).overdue, [(live(1), LeaseEnd::stalled())]);
    }

    #[test]
    fn lease_ends_after_two_hours_despite_progress() {
        let heartbeats = Heartbeats::new(LEASE);
        let (mut now, mut fraction) = (Duration::ZERO, 0.0);
        heartbeats.begin(JobId(1), LeaseId(1), now);
        while now + LEASE / 2 < AGE {
            now += LEASE / 2;
            fraction += 0.002;
            heartbeats.beat(JobId(1), LeaseId(1), at(Stage::Rendering, fraction), now);
            assert_eq!(heartbeats.check(&[live(1)], now).overdue, [], "{now:?}");
        }
        heartbeats.beat(JobId(1), LeaseId(1), at(Stage::Rendering, fraction + 0.002), AGE);
        assert_eq!(heartbeats.check(&[live(1)], AGE).overdue, [(live(1), LeaseEnd::too_old())]);
    }

    #[test]
    fn progress_never_decreases_within_one_lease() {
        let heartbeats = Heartbeats::new(LEASE);
        for (said, shown) in [(0.2, 0.2), (0.1, 0.2), (7.0, 1.0), (-1.0, 1.0)] {
            heartbeats.beat(JobId(1), LeaseId(1), at(Stage::Rendering, said), Duration::ZERO);
            assert_eq!(heartbeats.progress(JobId(1)), Some(at(Stage::Rendering, shown)));
        }
        heartbeats.beat(JobId(1), LeaseId(2), at(Stage::Fetching, 0.0), Duration::ZERO);
        assert_eq!(heartbeats.progress(JobId(1)), Some(at(Stage::Fetching, 0.0)));
        heartbeats.end(JobId(1), LeaseId(1));
        assert!(heartbeats.progress(JobId(1)).is_some(), "the end of an old lease is not the end of the new one");
        heartbeats.end(JobId(1), LeaseId(2));
        assert_eq!(heartbeats.progress(JobId(1)), None);
    }

    #[test]
    fn ended_leases_are_forgotten_and_new_ones_are_kept() {
        let heartbeats = Heartbeats::new(LEASE);
        heartbeats.begin(JobId(1), LeaseId(1), Duration::ZERO);
        heartbeats.begin(JobId(2), LeaseId(2), Duration::from_secs(5));
        heartbeats.beat(JobId(1), LeaseId(1), at(Stage::Fetching, 0.1), Duration::ZERO);
        heartbeats.beat(JobId(2), LeaseId(2), at(Stage::Fetching, 0.2), Duration::from_secs(5));
        let expired = heartbeats.check(&[], Duration::from_secs(5));
        assert_eq!((expired.overdue.len(), expired.gone), (0, vec![(JobId(1), LeaseId(1))]));
        assert_eq!(heartbeats.progress(JobId(1)), None);
        assert!(heartbeats.progress(JobId(2)).is_some());
    }
}
