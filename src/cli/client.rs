//! A client of the public API: upload, submit, watch and download over HTTP, authenticated with a key.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256 as Hasher};

use crate::cli::clip_args::LookArgs;
use crate::cli::progress::Progress;
use crate::cli::{interrupted, target};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::SteamId;
use crate::domain::key::Secret;
use crate::domain::sha256::Sha256;
use crate::os::address::Addresses;
use crate::os::files;
use crate::os::http::{Body, Client, ClientOptions, Method, Request, Response};
use crate::os::stop::StopFlag;
use crate::wire::JSON_BODY_BYTES;
use crate::wire::demo::UploadedView;
use crate::wire::job::JobView;
use crate::wire::problem::Problem;

/// Maximum size of a JSON response in bytes.
const ANSWER_BYTES: u64 = 1 << 20;
/// Timeout of a request that transfers no demo or clip.
const SHORT: Duration = Duration::from_secs(60);
/// Timeout of a demo upload or clip download.
const LONG: Duration = Duration::from_secs(3_600);
/// Interval between polls of a job.
const LOOK: Duration = Duration::from_millis(500);
/// Consecutive failed polls before giving up on a server; a restart takes less than a minute.
const FAILED_LOOKS: u32 = 120;

pub struct Order<'a> {
    /// URL of the demo.
    pub demo_url: &'a str,
    /// Steam ID of the player to follow.
    pub player: SteamId,
    /// Round number.
    pub round: u32,
    /// Video settings; `None` uses the server's defaults.
    pub look: Option<&'a LookArgs>,
}

/// The API of one server, with one key.
pub struct Api {
    http: Client,
    server: String,
    key: Secret,
}

impl Api {
    /// A client for the server at a URL. `ca_pem`: the only CA certificates to trust.
    pub fn new(server: &str, key: Secret, ca_pem: Option<String>) -> Result<Self> {
        let http = Client::new(ClientOptions {
            addresses: Addresses::Any,
            ca_pem,
            redirects: 0,
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(60),
        })?;
        Ok(Self { http, server: server.trim_end_matches('/').to_owned(), key })
    }

    /// Uploads a demo and returns its URL for a job.
    pub fn upload(&self, demo: &Path, progress: &mut Progress, stop: &StopFlag) -> Result<String> {
        let mut file = files::open_named(demo)?;
        let bytes = file.metadata().map_err(|error| files::cannot_read(demo, &error))?.len();
        let mut body = Counted { inner: &mut file, done: 0, bytes, stage: "uploading the demo", progress, stop };
        let answer: Result<UploadedView> = self.ask(Request {
            content_type: Some("application/octet-stream"),
            body: Body::Stream(&mut body, Some(bytes)),
            ..Request::new(Method::POST, &self.url("/api/demos"), LONG)
        });
        match answer {
            Err(_) if stop.stopped() => {
                Err(interrupted("Interrupted: the demo was not uploaded, and no job was submitted."))
            }
            answer => Ok(answer?.demo_url),
        }
    }

    /// Submits a job.
    pub fn submit(&self, order: &Order<'_>) -> Result<JobView> {
        let body = order.body().to_string();
        self.ask(Request {
            content_type: Some("application/json"),
            body: Body::Bytes(body.as_bytes()),
            ..Request::new(Method::POST, &self.url("/api/clips"), SHORT)
        })
    }

    /// The current state of a job.
    pub fn job(&self, id: &str) -> Result<JobView> {
        self.ask(Request::new(Method::GET, &self.url(&format!("/api/clips/{id}")), SHORT))
    }

    /// Polls a job until it has ended, and keeps retrying while the server restarts.
    pub fn watch(&self, id: &str, progress: &mut Progress, stop: &StopFlag) -> Result<JobView> {
        let mut failed = 0;
        loop {
            match self.job(id) {
                Ok(job) => {
                    failed = 0;
                    progress.show(&stage(&job), job.progress);
                    if !["queued", "rendering"].contains(&job.status.as_str()) {
                        return Ok(job);
                    }
                }
                Err(error) if error.kind == Kind::Unavailable && failed < FAILED_LOOKS => {
                    log::debug!("{error}; trying again");
                    failed += 1;
                }
                Err(error) => return Err(error),
            }
            if stop.wait(LOOK) {
                let message = format!("Stopped watching; job {id} continues: GET {}.", self.job_url(id));
                return Err(interrupted(message));
            }
        }
    }

    /// Downloads a finished clip and verifies its hash. An existing file is replaced.
    pub fn download(&self, job: &JobView, to: &Path, progress: &mut Progress, stop: &StopFlag) -> Result<()> {
        let Some(clip) = &job.clip else {
            return Err(Error::not_found("The job has no clip: it was deleted."));
        };
        let cannot = |error: io::Error| target::unwritable(to, &error);
        let response = self.send(Request::new(Method::GET, &clip.url, LONG))?;
        if response.status != 200 {
            return Err(refusal(response));
        }
        let mut file = files::replacement(to).map_err(cannot)?;
        let mut reader = response.into_reader();
        let mut body =
            Counted { inner: &mut reader, done: 0, bytes: clip.bytes, stage: "downloading the clip", progress, stop };
        let mut hash = Hasher::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = body.read(&mut buffer).map_err(|error| {
                if stop.stopped() {
                    return interrupted(format!("Interrupted: the clip was not downloaded; it is at {}.", clip.url));
                }
                Error::new(Kind::Unavailable, ErrorCode::Unreachable, "The clip's download was interrupted. Try again.")
                    .because(error)
            })?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            file.write_all(&buffer[..read]).map_err(cannot)?;
        }
        if Sha256::from(hash.finalize()).to_string() != clip.sha256 {
            let message = "The downloaded clip does not match its SHA-256. Try again.";
            return Err(Error::new(Kind::Unavailable, ErrorCode::BadAnswer, message));
        }
        file.persist(to).map_err(|error| cannot(error.error))?;
        Ok(())
    }

    /// URL of a job.
    pub fn job_url(&self, id: &str) -> String {
        self.url(&format!("/api/clips/{id}"))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    fn send(&self, request: Request<'_>) -> Result<Response> {
        self.http
            .send(request)
            .map_err(|error| if error.code == ErrorCode::UntrustedServer { untrusted(error) } else { error })
    }

    fn ask<'a, T: DeserializeOwned>(&'a self, request: Request<'a>) -> Result<T> {
        let response = self.send(Request { bearer: Some(&self.key), ..request })?;
        if (200..300).contains(&response.status) { response.json(ANSWER_BYTES) } else { Err(refusal(response)) }
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
        body
    }
}

/// What to do about an untrusted certificate.
fn untrusted(error: Error) -> Error {
    let advice = "Name the appliance's CA certificate with --ca FILE. `admin tls export` on the server writes it; it \
                  is also at https://SERVER/ca.pem: compare its fingerprint with the one from `admin tls show`.";
    Error { message: format!("{} {advice}", error.message), ..error }
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
fn stage(job: &JobView) -> String {
    match (&job.stage, &job.waiting_because) {
        (Some(stage), _) if job.status == "rendering" => stage.clone(),
        (_, Some(why)) if job.status == "queued" => format!("queued: {why}"),
        _ => job.status.clone(),
    }
}

/// The server's own error message.
fn refusal(response: Response) -> Error {
    let status = response.status;
    let kind = if status >= 500 || status == 429 { Kind::Unavailable } else { Kind::Invalid };
    let is_text = response.header("content-type").is_some_and(|media_type| media_type.starts_with("text/plain"));
    let body = response.bytes(JSON_BODY_BYTES).unwrap_or_default();
    let words = match serde_json::from_slice(&body) {
        Ok(Problem { error, code: Some(code), .. }) => format!("{error} ({code})"),
        Ok(Problem { error, code: None, .. }) => error,
        // This is how an HTTPS port answers plain HTTP.
        Err(_) if is_text => String::from_utf8_lossy(&body).trim().to_owned(),
        Err(_) => "no readable reason was given".to_owned(),
    };
    let advice = if status == 401 { " Check the key, and that the account is active." } else { "" };
    Error::new(kind, ErrorCode::Refused, format!("The server answered with status {status}: {words}{advice}"))
}

/// A request body that reports progress, and fails when cancelled.
struct Counted<'a> {
    inner: &'a mut dyn Read,
    done: u64,
    bytes: u64,
    stage: &'a str,
    progress: &'a mut Progress,
    stop: &'a StopFlag,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.stopped() {
            return Err(io::Error::other("interrupted"));
        }
        let read = self.inner.read(buffer)?;
        self.done += read as u64;
        self.progress.show(self.stage, self.done as f64 / self.bytes.max(1) as f64);
        Ok(read)
    }
}
