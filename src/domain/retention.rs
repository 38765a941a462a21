//! Retention: the operator's rules for how long clips, uploaded demos and rows of finished jobs are kept.

use std::collections::BTreeSet;

use super::error::{Error, Result};
use super::id::AccountId;

/// Milliseconds per day.
pub const DAY_MS: i64 = 86_400_000;
/// Age below which a job's row is never archived: a day, for which a response is replayed for an `Idempotency-Key`.
pub const JOB_MIN_AGE_MS: i64 = DAY_MS;
/// Bytes that a finished job's rows take in the store, on average: the unit in which a limit of bytes counts them.
pub const JOB_ROW_BYTES: u64 = 600;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Finished clips: videos and posters. Their age counts from the job's completion.
    Clips,
    /// Uploaded demos. Their age counts from their last use.
    Demos,
    /// Rows of finished jobs without a clip, which are archived first. Their age counts from submission.
    Jobs,
}

impl Kind {
    /// In the order in which rules are applied: what frees most space comes first.
    pub const ALL: [Self; 3] = [Self::Clips, Self::Demos, Self::Jobs];

    /// The name used in the store, on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clips => "clips",
            Self::Demos => "demos",
            Self::Jobs => "jobs",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// One of them, for messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Clips => "clip",
            Self::Demos => "demo",
            Self::Jobs => "job",
        }
    }

    /// What its age counts from, for messages.
    pub fn dated(self) -> &'static str {
        match self {
            Self::Clips => "finished",
            Self::Demos => "last used",
            Self::Jobs => "submitted",
        }
    }
}

/// What a rule allows; without limits it keeps everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Milliseconds after which something is deleted.
    pub max_age_ms: Option<i64>,
    /// Bytes in total; the oldest is deleted first. For a rule for all accounts: of all of them together.
    pub max_bytes: Option<u64>,
}

impl Limits {
    /// Whether it keeps everything.
    pub fn are_none(self) -> bool {
        self == Self::default()
    }

    /// Refuses limits that the kind does not allow.
    pub fn check(self, kind: Kind) -> Result<()> {
        let too_young = kind == Kind::Jobs && self.max_age_ms.is_some_and(|age| age < JOB_MIN_AGE_MS);
        if too_young || self.max_age_ms.is_some_and(|age| age <= 0) {
            let least = if kind == Kind::Jobs { "one day" } else { "one second" };
            return Err(Error::invalid("max_age", format!("The age must be at least {least}.")));
        }
        Ok(())
    }
}

/// A rule. An account's own rule applies instead of the one for all accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it is about.
    pub kind: Kind,
    /// The account; `None`: all accounts without a rule of their own.
    pub account: Option<AccountId>,
    /// What it allows.
    pub limits: Limits,
}

/// The accounts that a rule applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One account, by its own rule.
    One(AccountId),
    /// All but these, which have a rule of their own.
    AllBut(BTreeSet<AccountId>),
}

impl Scope {
    /// Whether the rule applies to this account.
    pub fn has(&self, account: AccountId) -> bool {
        match self {
            Self::One(one) => *one == account,
            Self::AllBut(others) => !others.contains(&account),
        }
    }

    /// The account, if it is only one.
    pub fn one(&self) -> Option<AccountId> {
        match self {
            Self::One(one) => Some(*one),
            Self::AllBut(_) => None,
        }
    }
}

/// Decides, from the oldest on, what goes by a rule.
#[derive(Clone, Copy, Debug)]
pub struct Excess {
    /// What is at most this new is too old. Unix time in milliseconds.
    too_old_ms: Option<i64>,
    /// Bytes above the limit.
    bytes: u64,
}

impl Excess {
    /// What exceeds the limits now, where everything together has `total` bytes.
    pub fn of(limits: Limits, now_ms: i64, total: u64) -> Self {
        Self {
            too_old_ms: limits.max_age_ms.map(|age| now_ms.saturating_sub(age)),
            bytes: limits.max_bytes.map_or(0, |most| total.saturating_sub(most)),
        }
    }

    /// Whether anything from this time would go; if not, nothing newer would either.
    pub fn reaches(&self, at_ms: i64) -> bool {
        self.bytes > 0 || self.too_old_ms.is_some_and(|limit| at_ms <= limit)
    }

    /// Whether the next oldest goes, and then counts it as gone.
    pub fn takes(&mut self, at_ms: i64, bytes: u64) -> bool {
        let goes = self.reaches(at_ms);
        if goes {
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        goes
    }
}

/// What a rule would delete now, or has deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doomed {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The time of the oldest. Unix time in milliseconds.
    pub oldest_ms: Option<i64>,
    /// The time of the newest. Unix time in milliseconds.
    pub newest_ms: Option<i64>,
}

impl Doomed {
    /// Adds one.
    pub fn add(&mut self, at_ms: i64, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.oldest_ms = Some(self.oldest_ms.map_or(at_ms, |oldest| oldest.min(at_ms)));
        self.newest_ms = Some(self.newest_ms.map_or(at_ms, |newest| newest.max(at_ms)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_goes_first_until_age_and_bytes_are_within_the_limits() {
        // Ages in days and bytes, oldest first; 5 + 3 + 4 + 2 = 14 bytes in total.
        let all = [(40, 5), (30, 3), (20, 4), (10, 2)];
        let days = |days: i64| Some(days * DAY_MS);
        let cases = [
            (None, None, 0),
            (days(41), None, 0),
            (days(40), None, 1),
            (days(30), None, 2),
            (days(1), None, 4),
            (None, Some(14), 0),
            (None, Some(13), 1),
            (None, Some(9), 1),
            (None, Some(8), 2),
            (None, Some(0), 4),
            (days(30), Some(14), 2),
            (days(40), Some(6), 2),
            (days(40), Some(5), 3),
        ];
        for (max_age_ms, max_bytes, gone) in cases {
            let now = 100 * DAY_MS;
            let mut excess = Excess::of(Limits { max_age_ms, max_bytes }, now, 14);
            let taken = all.iter().take_while(|(age, bytes)| excess.takes(now - age * DAY_MS, *bytes)).count();
            assert_eq!(taken, gone, "{max_age_ms:?} {max_bytes:?}");
        }
    }

    #[test]
    fn job_rows_are_kept_for_a_day() {
        let cases = [
            (Kind::Jobs, DAY_MS, true),
            (Kind::Jobs, DAY_MS - 1, false),
            (Kind::Clips, 1, true),
            (Kind::Demos, 0, false),
        ];
        for (kind, age, good) in cases {
            let limits = Limits { max_age_ms: Some(age), max_bytes: None };
            assert_eq!(limits.check(kind).is_ok(), good, "{kind:?} {age}");
        }
    }
}
