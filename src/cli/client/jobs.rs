//! Render jobs: submit, show, list, watch, cancel.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{ANSWER_BYTES, Api, SHORT, refusal};
use crate::app::short_id::Named;
use crate::cli::clip_args::LookArgs;
use crate::cli::interrupted;
use crate::cli::progress::Progress;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::{Renderer, SteamId};
use crate::domain::list::PAGE_MAX;
use crate::os::clock::{Clock, SystemClock};
use crate::os::http::{Body, Method, Request};
use crate::os::stop::StopFlag;
use crate::wire::job::{JobList, JobView};

/// Seconds that the server may take to answer while a job is queued: it answers early when the job changes.
const QUEUED_WAIT_SECONDS: u32 = 20;
/// The same while a job is rendering. Short, because progress within a stage is not a change.
const RENDERING_WAIT_SECONDS: u32 = 2;
/// Pause between requests for a job, for servers that do not wait.
pub const POLL: Duration = Duration::from_secs(2);
/// Consecutive failed requests before giving up on a server; a restart takes less than a minute.
pub const FAILED_POLLS: u32 = 30;
/// Interval between checks for Ctrl-C during a request.
const STOP_LOOK: Duration = Duration::from_millis(100);
/// Jobs that are searched for a short id, newest first.
const SHORT_ID_JOBS: u32 = 2_000;
/// Maximum wait in seconds before a request that the server postponed is repeated.
const LATER_SECONDS: u64 = 60;

pub struct Order<'a> {
    /// URL of the demo.
    pub demo_url: &'a str,
    /// Steam ID of the player to follow.
    pub player: SteamId,
    /// Round number.
    pub round: u32,
    /// Video settings; `None` uses the server's defaults.
    pub look: Option<&'a LookArgs>,
    /// The renderer; `None`: the operator's default.
    pub renderer: Option<Renderer>,
}

/// The outcome of a submission.
pub enum Submitted {
    /// The server has the job.
    Job(Box<JobView>),
    /// The server or the account is at a limit: repeat it after this time.
    Later(Duration),
}

impl Api {
    /// Submits a job.
    pub fn submit(&self, order: &Order<'_>) -> Result<JobView> {
        let body = order.body().to_string();
        self.ask(submission(body.as_bytes(), &self.url("/api/clips")))
    }

    /// Submits a job, unless the server asks to do so later.
    pub fn try_submit(&self, order: &Order<'_>, key: &str) -> Result<Submitted> {
        let (body, url) = (order.body().to_string(), self.url("/api/clips"));
        let headers = [("Idempotency-Key", key)];
        let submission = Request { headers: &headers, ..submission(body.as_bytes(), &url) };
        let response = self.send(Request { bearer: Some(&self.key), ..submission })?;
        let later = response.header("retry-after").and_then(|seconds| seconds.parse().ok());
        match (response.status, later) {
            (200..300, _) => response.json(ANSWER_BYTES).map(|job| Submitted::Job(Box::new(job))),
            (429 | 503, Some(seconds)) => {
                Ok(Submitted::Later(Duration::from_secs(u64::clamp(seconds, 1, LATER_SECONDS))))
            }
            _ => Err(refusal(response)),
        }
    }

    /// The current state of a job.
    pub fn job(&self, id: &str) -> Result<JobView> {
        self.ask(Request::new(Method::GET, &self.job_url(id), SHORT))
    }

    /// Cancels a job. Deletes the clip of one that is done.
    pub fn remove(&self, id: &str) -> Result<JobView> {
        self.ask(Request::new(Method::DELETE, &self.job_url(id), SHORT))
    }

    /// A page of the account's jobs, newest first.
    pub fn list(&self, status: Option<&str>, limit: u32, cursor: Option<&str>) -> Result<JobList> {
        // A cursor that was typed may contain anything.
        let cursor: String = url::form_urlencoded::byte_serialize(cursor.unwrap_or_default().as_bytes()).collect();
        let query = format!("status={}&limit={limit}&cursor={cursor}", status.unwrap_or_default());
        self.ask(Request::new(Method::GET, &self.url(&format!("/api/clips?{query}")), SHORT))
    }

    /// The full id of a job of the account. A short id is searched for among the newest jobs.
    pub fn id_of(&self, named: Named) -> Result<String> {
        let id = named.resolve("job", "clips list", SHORT_ID_JOBS, |ending| self.ids_ending(ending))?;
        Ok(id.to_string())
    }

    fn ids_ending(&self, ending: [u8; 4]) -> Result<Vec<Uuid>> {
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..SHORT_ID_JOBS / PAGE_MAX {
            let page = self.list(None, PAGE_MAX, cursor.as_deref())?;
            let ids = page.clips.iter().filter_map(|job| Uuid::parse_str(&job.id).ok());
            found.extend(ids.filter(|id| id.as_bytes().ends_with(&ending)));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Watches a job until it has ended, and keeps retrying while the server restarts.
    pub fn watch(&self, id: &str, progress: &mut Progress, stop: &StopFlag) -> Result<JobView> {
        let clock = SystemClock::new();
        let (mut last, mut failed, mut can_wait) = (None::<JobView>, 0, true);
        loop {
            let seconds = last.as_ref().filter(|_| can_wait).map_or(0, wait_seconds);
            let asked_at = clock.monotonic();
            let mut pause = POLL;
            match self.job_unless_stopped(id, seconds, stop) {
                None => {}
                Some(Ok(job)) => {
                    failed = 0;
                    progress.show(&stage(&job), job.progress);
                    if !is_unfinished(&job) {
                        return Ok(job);
                    }
                    let is_news =
                        last.as_ref().is_none_or(|last| (&last.status, &last.stage) != (&job.status, &job.stage));
                    // An unchanged job that comes early: this server does not wait, or has too many requests waiting.
                    let took = clock.monotonic().saturating_sub(asked_at);
                    if can_wait && (is_news || took * 2 >= Duration::from_secs(seconds.into())) {
                        pause = Duration::ZERO;
                    }
                    last = Some(job);
                }
                // An older server may not know the parameter.
                Some(Err(error)) if error.kind == Kind::Invalid && seconds > 0 => can_wait = false,
                Some(Err(error)) if error.kind == Kind::Unavailable && failed < FAILED_POLLS => {
                    log::debug!("{error}; trying again");
                    failed += 1;
                }
                Some(Err(error)) => return Err(error),
            }
            if stop.wait(pause) {
                let message = format!("Stopped watching; job {id} continues: GET {}.", self.job_url(id));
                return Err(interrupted(message));
            }
        }
    }

    /// The state of a job when it has changed, at the latest after this many seconds; `None` if stopped before. The
    /// request itself cannot be interrupted: it is left behind, and ends with the process.
    fn job_unless_stopped(&self, id: &str, seconds: u32, stop: &StopFlag) -> Option<Result<JobView>> {
        let url = match seconds {
            0 => self.job_url(id),
            _ => format!("{}?wait={seconds}", self.job_url(id)),
        };
        let (api, (send, answer)) = (self.clone(), channel());
        std::thread::spawn(move || drop(send.send(api.ask(Request::new(Method::GET, &url, SHORT)))));
        loop {
            match answer.recv_timeout(STOP_LOOK) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) if stop.stopped() => return None,
                Err(RecvTimeoutError::Timeout) => {}
                Err(gone) => return Some(Err(Error::internal("A request failed.", gone))),
            }
        }
    }
}

fn submission<'a>(body: &'a [u8], url: &'a str) -> Request<'a> {
    Request {
        content_type: Some("application/json"),
        body: Body::Bytes(body),
        ..Request::new(Method::POST, url, SHORT)
    }
}

impl Order<'_> {
    /// The body of `POST /api/clips`.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "demo_url": self.demo_url,
            "steam64_id": self.player.to_string(),
            "round": self.round,
        });
        if let Some(look) = self.look {
            let commands = look.commands();
            let digit = |on: bool| if on { "1" } else { "0" };
            body["fps"] = look.fps.into();
            body["resolution"] = look.resolution.into();
            body["commands"] = json!({
                "spec_show_xray": digit(commands.spec_show_xray),
                "cl_draw_only_deathnotices": digit(commands.cl_draw_only_deathnotices),
            });
        }
        if let Some(renderer) = self.renderer {
            body["renderer"] = renderer.as_str().into();
        }
        body
    }
}

/// Whether a job has yet to end.
pub fn is_unfinished(job: &JobView) -> bool {
    ["queued", "rendering"].contains(&job.status.as_str())
}

fn wait_seconds(job: &JobView) -> u32 {
    if job.status == "queued" { QUEUED_WAIT_SECONDS } else { RENDERING_WAIT_SECONDS }
}

/// The error for a failed or cancelled job, with its code.
pub fn check_done(job: &JobView) -> Result<()> {
    match (job.status.as_str(), &job.error) {
        ("done", _) => Ok(()),
        (status, Some(failure)) => {
            let message = format!("The job {status}: {}: {}", failure.code, failure.message);
            Err(Error::new(Kind::Conflict, ErrorCode::JobFailed, message))
        }
        (status, None) => Err(Error::new(Kind::Conflict, ErrorCode::JobFailed, format!("The job was {status}."))),
    }
}

/// A job's progress as text.
pub fn stage(job: &JobView) -> String {
    match (&job.stage, &job.waiting_because) {
        (Some(stage), _) if job.status == "rendering" => stage.clone(),
        (_, Some(why)) if job.status == "queued" => format!("queued: {why}"),
        _ => job.status.clone(),
    }
}
