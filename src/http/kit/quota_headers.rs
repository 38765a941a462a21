//! `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers): structured fields with an account's quota
//! and what remains of it. Our quotas have no time window, so the policy has none either.

use rouille::Response;

use crate::domain::error::{Kind, Result};
use crate::domain::quota::Allowance;
use crate::http::kit::answer;

/// The quota that the headers describe.
#[derive(Clone, Copy)]
pub enum QuotaHeaders {
    QueuedJobs,
    DemoBytes,
}

impl QuotaHeaders {
    /// The policy's name and parameters. `qu` is the unit; it defaults to requests, each of which creates one job.
    fn policy(self) -> (&'static str, &'static str) {
        match self {
            Self::QueuedJobs => ("queued-jobs", ""),
            Self::DemoBytes => ("demo-bytes", ";qu=\"content-bytes\""),
        }
    }

    /// Adds the headers to a response, including one that rejects the request because of the quota.
    pub fn on(self, outcome: Result<Response>, allowance: Allowance) -> Result<Response> {
        let response = match outcome {
            Ok(response) => response,
            // The empty request ID is not used: only internal errors include it.
            Err(error) if matches!(error.kind, Kind::TooMany | Kind::TooLarge) => answer::error(&error, "Bearer", ""),
            Err(error) => return Err(error),
        };
        let (name, unit) = self.policy();
        let Allowance { quota, left } = allowance;
        let response = answer::header(response, "RateLimit-Policy", format!("\"{name}\";q={quota}{unit}"));
        Ok(answer::header(response, "RateLimit", format!("\"{name}\";r={left}")))
    }
}
