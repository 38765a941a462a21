//! The ledger: one row a completed job, written in the transaction that completes it.

use super::id::{AccountId, JobId};
use super::job::Renderer;
use super::key::KeyClass;

/// What a completed job is billed by. Rates and money come with statements; the facts are kept from the first day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The job: the ledger's key, so that it is billed once.
    pub job: JobId,
    /// Whose.
    pub account: AccountId,
    /// Metered or reserved.
    pub class: KeyClass,
    /// Which renderer made the footage.
    pub renderer: Renderer,
    /// Length of the footage in milliseconds, as the server read it off the file.
    pub footage_ms: u64,
    /// Frames per second.
    pub fps: u32,
    /// Lines of the picture.
    pub resolution: u32,
    /// Unix time in milliseconds.
    pub at_ms: i64,
}
