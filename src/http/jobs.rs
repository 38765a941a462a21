//! Render jobs for the account that owns them.

use rouille::Response;
use uuid::Uuid;

use crate::app::clips;
use crate::app::jobs::{self, Once};
use crate::domain::error::{Error, Result};
use crate::domain::id::JobId;
use crate::domain::idempotency::{self, IdempotencyKey};
use crate::domain::job::{Caller, JobSpec, JobStatus};
use crate::domain::sha256::Sha256;
use crate::http::kit::call::Call;
use crate::http::kit::quota_headers::QuotaHeaders;
use crate::http::kit::{answer, body, cursor};
use crate::wire::submit::read_submit;
use crate::wire::{self, job::JobList};

/// `POST /api/clips`.
pub fn submit(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let body = body::json(call)?;
    let spec = read_submit(&body)?;
    let outcome = match idempotency_key(call)? {
        None => jobs::submit(call.app, caller, spec).and_then(|job| {
            let answer = answer::json(202, &wire::job::view(&job, &call.base)?)?;
            Ok(located(answer, job.job.public_id))
        }),
        Some(key) => {
            let once = Once { key, body_sha256: Sha256::of(&body) };
            submit_once(call, caller, spec, once)
        }
    };
    QuotaHeaders::QueuedJobs.on(outcome, jobs::allowance(call.app, caller))
}

fn submit_once(call: &Call<'_>, caller: &Caller, spec: JobSpec, once: Once) -> Result<Response> {
    let submitted = jobs::submit_once(call.app, caller, spec, once, call.base.clone())?;
    let answer = located(answer::with_json(202, submitted.answer), submitted.job);
    Ok(if submitted.again { answer::header(answer, "Idempotent-Replayed", "true") } else { answer })
}

fn located(answer: Response, job: Uuid) -> Response {
    answer::header(answer, "Location", format!("/api/clips/{job}"))
}

fn idempotency_key(call: &Call<'_>) -> Result<Option<IdempotencyKey>> {
    match call.all_headers(idempotency::HEADER).as_slice() {
        [] => Ok(None),
        [value] => IdempotencyKey::parse(value).map(Some),
        _ => Err(idempotency::wrong("may be sent only once")),
    }
}

/// `GET /api/clips/{id}`.
pub fn show(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let job = jobs::get(call.app, caller, call.uuid()?)?;
    answer::json(200, &wire::job::view(&job, &call.base)?)
}

/// `DELETE /api/clips/{id}`.
pub fn remove(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let job = jobs::remove(call.app, caller, call.uuid()?)?;
    answer::json(200, &wire::job::view(&job, &call.base)?)
}

/// `POST /api/clips/{id}/link`.
pub fn renew_link(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let job = clips::renew_link(call.app, caller, call.uuid()?)?;
    answer::json(200, &wire::job::view(&job, &call.base)?)
}

/// `GET /api/clips?status=&limit=&cursor=`.
pub fn list(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    call.only_query(&["status", "limit", "cursor"])?;
    let status = match call.query("status") {
        None => None,
        Some(word) => Some(JobStatus::parse(&word).ok_or_else(|| {
            let known: Vec<_> = JobStatus::ALL.iter().map(|status| status.as_str()).collect();
            Error::invalid("status", format!("status must be one of {}.", known.join(", ")))
        })?),
    };
    let limit = call.limit()?;
    let before = call.query("cursor").map(|text| cursor::read(&text).map(JobId)).transpose()?;
    let page = jobs::list(call.app, caller, status, limit, before)?;
    let clips = page.jobs.iter().map(|job| wire::job::view(job, &call.base)).collect::<Result<_>>()?;
    answer::json(200, &JobList { clips, next_cursor: page.next.map(|last| cursor::text(last.0)) })
}
