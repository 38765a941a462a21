//! The ledger: one row a completed job, written in the transaction that completes it.

use super::id::{AccountId, JobId};
use super::key::KeyClass;
use super::money::{Currency, Micros};
use super::rates::FootageKind;

/// What a completed job is billed by: facts and price as they were when it was completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The job: the ledger's key, so that it is billed once.
    pub job: JobId,
    /// Whose.
    pub account: AccountId,
    /// Metered or reserved.
    pub class: KeyClass,
    /// Renderer, resolution and frames per second.
    pub kind: FootageKind,
    /// Length of the footage in milliseconds, as the server read it off the file.
    pub footage_ms: u64,
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Price of an hour at that time; 0 for reserved work, which the account's dinks cover.
    pub rate: Micros,
    /// What it costs, see [`Micros::for_footage`].
    pub amount: Micros,
    /// The currency in force at that time.
    pub currency: Currency,
}

/// A place in an account's ended jobs, in the order in which they ended: by time, then by job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Which of those that ended in that millisecond.
    pub job: JobId,
}

impl Ended {
    /// The place before all that ended at this time or later.
    pub fn before(at_ms: i64) -> Self {
        Self { at_ms, job: JobId(i64::MIN) }
    }
}
