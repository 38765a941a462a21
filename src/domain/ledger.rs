//! The ledger: one row per completed job, written in the transaction that completes it.

use super::id::{AccountId, JobId};
use super::key::KeyClass;
use super::money::{Currency, Micros};
use super::rates::FootageKind;

/// What a completed job is billed by: facts and price at the time of completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The job. It is the primary key, so that no job is billed twice.
    pub job: JobId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Metered or reserved.
    pub class: KeyClass,
    /// Renderer, resolution and frames per second.
    pub kind: FootageKind,
    /// Length of the footage in milliseconds, as the server read it from the file.
    pub footage_ms: u64,
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Hourly rate at that time; 0 for reserved work, which the account's dinks cover.
    pub rate: Micros,
    /// Its cost, see [`Micros::for_footage`].
    pub amount: Micros,
    /// The currency in force at that time.
    pub currency: Currency,
}

/// A position among an account's ended jobs, ordered by end time, then by job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// The job, to order jobs that ended in the same millisecond.
    pub job: JobId,
}

impl Ended {
    /// The position before all jobs that ended at this time or later.
    pub fn before(at_ms: i64) -> Self {
        Self { at_ms, job: JobId(i64::MIN) }
    }
}
