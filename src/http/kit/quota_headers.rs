//! `RateLimit-Policy` and `RateLimit`, as draft-ietf-httpapi-ratelimit-headers has them: structured fields that say what
//! an account may have in all and what is left. Our quotas have no time window, so neither does the policy.

use rouille::Response;

use crate::domain::error::{Kind, Result};
use crate::domain::quota::Allowance;
use crate::http::kit::answer;

/// The quota that is being told of.
#[derive(Clone, Copy)]
pub enum QuotaHeaders {
    /// Jobs that wait.
    QueuedJobs,
    /// Bytes of uploaded demos.
    DemoBytes,
}

impl QuotaHeaders {
    /// The policy's name and parameters. `qu` is the unit; left out, it is requests: each makes one job.
    fn policy(self) -> (&'static str, &'static str) {
        match self {
            Self::QueuedJobs => ("queued-jobs", ""),
            Self::DemoBytes => ("demo-bytes", ";qu=\"content-bytes\""),
        }
    }

    /// Adds how the account stands with the quota to an answer, also to one that refuses because of it.
    pub fn on(self, outcome: Result<Response>, allowance: Allowance) -> Result<Response> {
        let response = match outcome {
            Ok(response) => response,
            // Only our own failures are told with a request id.
            Err(error) if matches!(error.kind, Kind::TooMany | Kind::TooLarge) => answer::error(&error, ""),
            Err(error) => return Err(error),
        };
        let (name, unit) = self.policy();
        let Allowance { quota, left } = allowance;
        let response = answer::header(response, "RateLimit-Policy", format!("\"{name}\";q={quota}{unit}"));
        Ok(answer::header(response, "RateLimit", format!("\"{name}\";r={left}")))
    }
}
