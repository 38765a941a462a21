//! What one account may take of the appliance. The operator sets it, for all accounts alike.

use super::limits;

/// The quotas of every account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Jobs that wait, of both classes.
    pub queued_jobs: u64,
    /// Bytes of uploaded demos.
    pub demo_bytes: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { queued_jobs: limits::ACCOUNT_QUEUED_JOBS, demo_bytes: limits::ACCOUNT_DEMO_BYTES }
    }
}

/// How an account stands with one of its quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// In all.
    pub quota: u64,
    /// Still to be had.
    pub left: u64,
}

impl Allowance {
    /// Of `quota`, so much is used; it may be more when the operator has lowered the quota since.
    pub fn of(quota: u64, used: u64) -> Self {
        Self { quota, left: quota.saturating_sub(used) }
    }
}
