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
use crate::http::kit::{answer, body};
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
    let before = call.query("cursor").map(|cursor| read_cursor(&cursor)).transpose()?;
    let page = jobs::list(call.app, caller, status, limit, before)?;
    let clips = page.jobs.iter().map(|job| wire::job::view(job, &call.base)).collect::<Result<_>>()?;
    answer::json(200, &JobList { clips, next_cursor: page.next.map(cursor) })
}

/// A cursor is the row number of the last job on the page, in hexadecimal so that clients treat it as opaque.
fn cursor(last: JobId) -> String {
    format!("{:016x}", last.0)
}

fn read_cursor(text: &str) -> Result<JobId> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let row = if digits { i64::from_str_radix(text, 16).ok() } else { None };
    row.map(JobId).ok_or_else(|| Error::invalid("cursor", "cursor must be a next_cursor returned by this server."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_round_trips_and_other_text_is_refused() {
        for row in [0, 1, 500, i64::MAX] {
            assert_eq!(read_cursor(&cursor(JobId(row))).unwrap(), JobId(row));
        }
        for text in [
            "",
            "1",
            "ffffffffffffffff",
            "000000000000000G",
            "000000000000000A",
            "+00000000000001f",
            "00000000000000001",
        ] {
            assert_eq!(read_cursor(text).unwrap_err().field.as_deref(), Some("cursor"), "{text:?}");
        }
    }
}
