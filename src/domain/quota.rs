//! Quotas of accounts. The operator sets them, the same for all accounts.

/// Default limit of queued jobs per account: the size at which the queue was benchmarked.
pub const ACCOUNT_QUEUED_JOBS: u64 = 1_000_000;
/// Default limit of uploaded demo bytes per account: 20 GiB.
pub const ACCOUNT_DEMO_BYTES: u64 = 20 << 30;

/// Jobs or bytes of any quota: the largest integer in a structured header field (RFC 8941).
pub const QUOTA_MOST: u64 = 999_999_999_999_999;

/// The quotas of every account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Queued jobs, of both classes.
    pub queued_jobs: u64,
    /// Bytes of uploaded demos.
    pub demo_bytes: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { queued_jobs: ACCOUNT_QUEUED_JOBS, demo_bytes: ACCOUNT_DEMO_BYTES }
    }
}

/// An account's use of one of its quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The limit.
    pub quota: u64,
    /// What remains.
    pub left: u64,
}

impl Allowance {
    /// Computes the remainder. `used` can exceed `quota` if the operator lowered the quota.
    pub fn of(quota: u64, used: u64) -> Self {
        Self { quota, left: quota.saturating_sub(used) }
    }
}
