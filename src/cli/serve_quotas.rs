//! Per-account quotas as options of `serve`.
use crate::domain::quota::{ACCOUNT_DEMO_BYTES, ACCOUNT_QUEUED_JOBS, QUOTA_MOST, Quotas};

/// Quotas, under the same heading in `--help` as the limits.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct QuotaArgs {
    /// Queued jobs per account; further ones get a 429
    #[arg(long, value_name = "N", default_value_t = ACCOUNT_QUEUED_JOBS, value_parser = clap::value_parser!(u64).range(1..=QUOTA_MOST))]
    max_queued_jobs: u64,
    /// MiB of uploaded demos per account; further ones get a 413
    #[arg(long, value_name = "N", default_value_t = ACCOUNT_DEMO_BYTES >> 20, value_parser = clap::value_parser!(u64).range(1..=QUOTA_MOST >> 20))]
    max_demos_mib: u64,
}

impl QuotaArgs {
    pub fn quotas(&self) -> Quotas {
        Quotas { queued_jobs: self.max_queued_jobs, demo_bytes: self.max_demos_mib << 20 }
    }
}
