//! Render jobs for the account that owns them.

use std::time::Duration;

use rouille::Response;
use uuid::Uuid;

use crate::app::clips;
use crate::app::jobs::{self, Got, Once, Wait};
use crate::domain::error::{Error, Result};
use crate::domain::id::JobId;
use crate::domain::idempotency::{self, IdempotencyKey};
use crate::domain::job::{Caller, JobSpec, JobStatus, SteamId};
use crate::domain::job_info::JobInfo;
use crate::domain::list::JobFilter;
use crate::domain::sha256::Sha256;
use crate::http::kit::call::Call;
use crate::http::kit::quota_headers::QuotaHeaders;
use crate::http::kit::{answer, body, cursor};
use crate::wire::submit::read_submit;
use crate::wire::time::read_moment;
use crate::wire::{self, job::JobList};

/// The parameter of `GET /api/clips/{id}` that makes it wait.
pub const WAIT: &str = "wait";
/// Maximum value of `wait`, in seconds.
const JOB_WAIT_SECONDS: u32 = 25;
// The list's filters, besides `status`.
const STEAM64_ID: &str = "steam64_id";
const DEMO_SHA256: &str = "demo_sha256";
const CREATED_AFTER: &str = "created_after";
const CREATED_BEFORE: &str = "created_before";

/// `Retry-After` of an unfinished job, in seconds.
const JOB_RETRY_AFTER_SECONDS: u64 = 2;

/// `POST /api/clips`.
pub fn submit(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let body = body::json(call)?;
    let spec = read_submit(&body, call.app.settings.default_renderer)?;
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
    poll_later(answer::header(answer, "Location", format!("/api/clips/{job}")))
}

fn poll_later(answer: Response) -> Response {
    answer::header(answer, "Retry-After", JOB_RETRY_AFTER_SECONDS.to_string())
}

fn idempotency_key(call: &Call<'_>) -> Result<Option<IdempotencyKey>> {
    match call.all_headers(idempotency::HEADER).as_slice() {
        [] => Ok(None),
        [value] => IdempotencyKey::parse(value).map(Some),
        _ => Err(idempotency::wrong("may be sent only once")),
    }
}

/// `GET /api/clips/{id}?wait=`.
pub fn show(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let id = call.uuid()?;
    let job = jobs::get(call.app, caller, id)?;
    call.only_query(&[WAIT])?;
    match call.number(WAIT, 0, JOB_WAIT_SECONDS)? {
        // For other methods, only the 404 matters: see `Table::answer`.
        Some(seconds) if call.request.method() == "GET" => {
            let wait = Wait { at_most: Duration::from_secs(seconds.into()), waiting_requests: call.waiting_requests };
            got(call, jobs::get_changed(call.app, caller, id, &wait)?)
        }
        _ => shown(call, &job),
    }
}

fn got(call: &Call<'_>, outcome: Got) -> Result<Response> {
    let waiting = match outcome {
        Got::Job(job) => return shown(call, &job),
        Got::Waits(waiting) => waiting,
    };
    let Some(parking) = call.reserve_parking() else { return got(call, waiting.again(call.app, true)?) };
    let waker = parking.waker();
    waiting.sleep(Box::new(move || waker.wake()));
    let time = waiting.left(call.app);
    Ok(call.sleep(parking, time, |call| got(call, waiting.again(call.app, call.is_over)?)))
}

fn shown(call: &Call<'_>, job: &JobInfo) -> Result<Response> {
    let answer = answer::json(200, &wire::job::view(job, &call.base)?)?;
    Ok(if job.job.status.is_unfinished() { poll_later(answer) } else { answer })
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

/// `GET /api/clips?status=&steam64_id=&demo_sha256=&created_after=&created_before=&limit=&cursor=`.
pub fn list(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    call.only_query(&["status", STEAM64_ID, DEMO_SHA256, CREATED_AFTER, CREATED_BEFORE, "limit", "cursor"])?;
    let filter = read_filter(call)?;
    let limit = call.limit()?;
    let before = call.query("cursor").map(|text| cursor::read(&text).map(JobId)).transpose()?;
    let page = jobs::list(call.app, caller, &filter, limit, before)?;
    let clips = page.jobs.iter().map(|job| wire::job::view(job, &call.base)).collect::<Result<_>>()?;
    answer::json(200, &JobList { clips, next_cursor: page.next.map(|last| cursor::text(last.0)) })
}

fn read_filter(call: &Call<'_>) -> Result<JobFilter> {
    let moment = |name| call.query(name).map(|text| read_moment(name, &text)).transpose();
    Ok(JobFilter {
        status: call.word("status", &JobStatus::ALL, JobStatus::as_str)?,
        player: call.query(STEAM64_ID).map(|text| SteamId::parse(&text, STEAM64_ID)).transpose()?,
        demo: call.query(DEMO_SHA256).map(|text| read_sha256(&text)).transpose()?,
        created_after_ms: moment(CREATED_AFTER)?,
        created_before_ms: moment(CREATED_BEFORE)?,
    })
}

fn read_sha256(text: &str) -> Result<Sha256> {
    Sha256::parse_any_case(text).ok_or_else(|| {
        Error::invalid(DEMO_SHA256, format!("{DEMO_SHA256} must be the 64 hexadecimal digits of an uploaded demo."))
    })
}
