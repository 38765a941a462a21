//! The rules: in which order accounts' jobs are started.
//!
//! 1. Reserved jobs of accounts that run fewer of them than they have dinks; the smallest share `running / dinks`
//!    first, then the job that has waited longest.
//! 2. Reserved jobs beyond that, by the same share. Accounts without dinks come last.
//! 3. Metered jobs by stride scheduling: each account has a *pass*, the node time charged to it. The account with the
//!    smallest pass is next and is charged the mean rendering time of its jobs; the charge is corrected by the time
//!    that the job really took. Within an account, first come, first served.
//!
//! With [`ReservedBeyondDinks::Idle`], 2 comes after 3.

use std::cmp::Ordering;

use super::super::id::JobId;
use super::super::key::KeyClass;
use super::super::lease::LEASE_AGE_SECONDS;

/// Milliseconds charged for a metered job of an account that has completed none yet: two minutes.
pub const FIRST_CHARGE_MS: u64 = 120_000;
/// The longest time charged for one attempt, in milliseconds: a lease gets no older.
pub const MOST_CHARGE_MS: u64 = LEASE_AGE_SECONDS * 1_000;
/// The weight of the past in an average of rendering times: seven eighths.
const PAST_WEIGHT: u64 = 7;

/// When reserved jobs beyond their account's dinks are started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReservedBeyondDinks {
    /// Before metered jobs.
    #[default]
    First,
    /// Only on nodes for which there is no metered job: for operators who sell dinks tightly.
    Idle,
}

impl ReservedBeyondDinks {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::First, Self::Idle];

    /// The name used in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Idle => "idle",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == word)
    }
}

/// What the order of an account's jobs depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its dinks.
    pub dinks: u32,
    /// Its reserved jobs that nodes are working on.
    pub reserved_running: u32,
    /// Milliseconds of node time charged to its metered jobs. Only differences between accounts matter.
    pub pass_ms: u64,
    /// Mean rendering time of its metered jobs in milliseconds.
    pub mean_ms: u64,
}

impl Default for Standing {
    fn default() -> Self {
        Self { dinks: 0, reserved_running: 0, pass_ms: 0, mean_ms: FIRST_CHARGE_MS }
    }
}

impl Standing {
    /// Its dinks that no job uses.
    pub fn free_dinks(&self) -> u64 {
        self.dinks.saturating_sub(self.reserved_running).into()
    }

    /// Whether its dinks cover the queued reserved job at this position, which starts at 1.
    pub fn covers(&self, position: u64) -> bool {
        position <= self.free_dinks()
    }

    /// Charges a metered job that is being started; returns the milliseconds charged.
    pub fn charge(&mut self) -> u64 {
        self.pass_ms = self.pass_ms.saturating_add(self.mean_ms);
        self.mean_ms
    }

    /// Replaces a charge by the time that the job took.
    pub fn correct(&mut self, charged_ms: u64, took_ms: u64) {
        self.pass_ms = self.pass_ms.saturating_sub(charged_ms).saturating_add(took_ms.min(MOST_CHARGE_MS));
    }
}

/// A mean of rendering times in milliseconds, in which later ones count more.
pub fn mean(before_ms: u64, took_ms: u64) -> u64 {
    (before_ms.saturating_mul(PAST_WEIGHT) + took_ms.min(MOST_CHARGE_MS)) / (PAST_WEIGHT + 1)
}

/// The first part of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// Reserved, covered by dinks.
    Within,
    /// Reserved beyond dinks, before metered jobs.
    Beyond,
    Metered,
    /// Reserved beyond dinks, after metered jobs.
    Idle,
}

/// The second part: the smaller, the earlier. Compared only within one tier.
#[derive(Clone, Copy, Debug)]
enum Share {
    Reserved { running: u32, dinks: u32 },
    Metered { pass_ms: u64 },
}

impl Share {
    fn order(self) -> (bool, u64, u64) {
        match self {
            // Without dinks the share is infinite.
            Self::Reserved { running, dinks: 0 } => (true, running.into(), 1),
            Self::Reserved { running, dinks } => (false, running.into(), dinks.into()),
            Self::Metered { pass_ms } => (false, pass_ms, 1),
        }
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((infinite, share, of), (other_infinite, other_share, other_of)) = (self.order(), other.order());
        let product = |share: u64, of: u64| u128::from(share) * u128::from(of);
        infinite.cmp(&other_infinite).then_with(|| product(share, other_of).cmp(&product(other_share, of)))
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Share {}

/// When it is the turn of the first of an account's jobs: the smallest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    tier: Tier,
    share: Share,
    /// That job: its row is its place in the order of submission.
    pub job: JobId,
}

/// The turn of an account's first job of a class.
pub fn turn(class: KeyClass, standing: &Standing, job: JobId, beyond: ReservedBeyondDinks) -> Turn {
    let Standing { dinks, reserved_running: running, pass_ms, .. } = *standing;
    let (tier, share) = match class {
        KeyClass::Metered => (Tier::Metered, Share::Metered { pass_ms }),
        KeyClass::Reserved => {
            let tier = match beyond {
                _ if standing.covers(1) => Tier::Within,
                ReservedBeyondDinks::First => Tier::Beyond,
                ReservedBeyondDinks::Idle => Tier::Idle,
            };
            (tier, Share::Reserved { running, dinks })
        }
    };
    Turn { tier, share, job }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(dinks: u32, reserved_running: u32) -> Standing {
        Standing { dinks, reserved_running, ..Standing::default() }
    }

    #[test]
    fn jobs_go_by_dinks_then_share_then_age_and_metered_ones_by_pass() {
        let metered = |pass_ms| Standing { pass_ms, ..Standing::default() };
        // From first to last, with dinks that are used beyond their number going before metered jobs.
        let in_order = [
            (KeyClass::Reserved, reserved(3, 0), 9),
            (KeyClass::Reserved, reserved(3, 1), 7),
            (KeyClass::Reserved, reserved(6, 2), 8),
            (KeyClass::Reserved, reserved(2, 1), 1),
            (KeyClass::Reserved, reserved(2, 2), 5),
            (KeyClass::Reserved, reserved(2, 3), 4),
            (KeyClass::Reserved, reserved(0, 0), 3),
            (KeyClass::Reserved, reserved(0, 1), 2),
            (KeyClass::Metered, metered(10), 6),
            (KeyClass::Metered, metered(20), 0),
        ];
        let turns = |beyond| in_order.map(|(class, standing, job)| turn(class, &standing, JobId(job), beyond));
        let first = turns(ReservedBeyondDinks::First);
        assert!(first.is_sorted(), "{first:?}");
        let mut idle = turns(ReservedBeyondDinks::Idle);
        idle.sort();
        assert_eq!(idle.map(|turn| turn.job.0), [9, 7, 8, 1, 6, 0, 5, 4, 3, 2]);
    }

    #[test]
    fn a_charge_is_replaced_by_the_time_that_the_job_took() {
        let mut standing = Standing { pass_ms: 1_000, mean_ms: 400, ..Standing::default() };
        let charged = standing.charge();
        assert_eq!((charged, standing.pass_ms), (400, 1_400));
        standing.correct(charged, 100);
        assert_eq!(standing.pass_ms, 1_100);
        standing.correct(0, u64::MAX);
        assert_eq!(standing.pass_ms, 1_100 + MOST_CHARGE_MS, "a clock that jumps costs no more than the longest lease");
        assert_eq!((mean(800, 1_600), mean(0, u64::MAX)), (900, MOST_CHARGE_MS / 8));
    }
}
