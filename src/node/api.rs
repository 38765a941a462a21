//! The node's client for the server's API (`api.md`, "For nodes"): one function per route.

use std::io::Read;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config;
use crate::domain::epoch::LeaseName;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::Failure;
use crate::domain::job::RESOLUTIONS;
use crate::domain::key::Secret;
use crate::domain::lease::Progress;
use crate::domain::offer::{GameState, Offer};
use crate::domain::protocol;
use crate::node::join::untrusted;
use crate::os::http::{Body, Client, Method, Request, Response};
use crate::wire::node::{
    ClaimAnswer, ClaimRequest, CompleteRequest, FailRequest, GameView, HeartbeatAnswer, HeartbeatRequest,
    INSTANCE_HEADER, PROTOCOL_HEADER, PartsAnswer, PartsRequest, UploadAnswer, VERSION_HEADER,
};
use crate::wire::node_requests::CLAIM_WAIT_SECONDS;
use crate::wire::problem::Problem;

/// Timeout in seconds of short requests to the server: a heartbeat, a failure.
const NODE_CALL_SECONDS: u64 = 10;
/// Seconds that a stopping node may spend on notifying its server.
const NODE_LEAVE_SECONDS: u64 = 2;
/// Timeout in seconds for the server to check and publish a video, or to send or receive a file.
const NODE_TRANSFER_SECONDS: u64 = 900;

/// Limit on the size of a JSON answer.
const ANSWER_BYTES: u64 = 256 * 1024;

/// Why a call failed.
#[derive(Debug)]
pub enum Trouble {
    /// The server is unreachable or overloaded: retry.
    Away(Error),
    /// The lease is no longer this node's.
    Lost,
    /// The server does not know this node's key.
    Unknown,
    /// The server refused the request: retrying is pointless.
    Refused(Error),
}

/// The server's answer to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// How long the lease is valid from the time of the request.
    pub expires_in: Duration,
    /// The time from one heartbeat to the next; servers of older versions do not say.
    pub next_in: Option<Duration>,
    /// Whether somebody watches, so that live frames are welcome.
    pub is_watched: bool,
}

/// The server's answer to an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uploaded {
    /// Accepted: the server has this many bytes now.
    To(u64),
    /// Wrong offset: the server has this many bytes, so continue from there.
    GoOnAt(u64),
}

/// A file of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The MP4.
    Video,
    /// The JPEG.
    Poster,
}

/// The server, with the node's key. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    client: Client,
    base: String,
    key: Secret,
    instance: String,
}

impl Server {
    /// `instance` is the agent's random id, or empty if the caller is not an agent.
    pub fn new(client: Client, url: &str, key: Secret, instance: String) -> Self {
        Self { client, base: format!("{}/api/node", url.trim_end_matches('/')), key, instance }
    }

    /// Aborts all calls in flight: the node is stopping.
    pub fn hang_up(&self) {
        self.client.shut_down();
    }

    /// Claims a job, waiting at most `wait` for one.
    pub fn claim(&self, wait: Duration, offer: &Offer) -> Result<Option<ClaimAnswer>, Trouble> {
        let game = offer.game.clone().map(|GameState { build, tools, canary, not_ready }| GameView {
            build,
            tools,
            canary,
            not_ready,
        });
        let request = ClaimRequest {
            wait_seconds: wait.as_secs().min(CLAIM_WAIT_SECONDS),
            renderers: offer.renderers.iter().map(|renderer| renderer.as_str().to_owned()).collect(),
            slots: offer.slots,
            // Servers of older versions know neither; all nodes rendered all heights then.
            resolutions: (offer.resolutions != RESOLUTIONS).then(|| offer.resolutions.clone()),
            game,
        };
        let answer = self.post("claims", &request, wait + seconds(NODE_CALL_SECONDS))?;
        if answer.status == 204 { Ok(None) } else { read(answer).map(Some) }
    }

    /// Tells the server that this agent is stopping: it assigns no more jobs and ends the agent's pending claims. Older
    /// servers lack this route and notice by themselves.
    pub fn leave(&self) -> Result<(), Trouble> {
        self.post("leave", &serde_json::json!({}), seconds(NODE_LEAVE_SECONDS)).map(drop)
    }

    /// Reports progress, with a live frame if there is one for whoever watches: a JPEG.
    pub fn heartbeat(&self, lease: LeaseName, progress: Progress, frame: Option<&[u8]>) -> Result<Heard, Trouble> {
        let (stage, frame) = (progress.stage.as_str().to_owned(), frame.map(|jpeg| STANDARD.encode(jpeg)));
        let request = HeartbeatRequest { stage, progress: progress.fraction, frame };
        let body = json(&request)?;
        let path = format!("leases/{lease}");
        let answer = self.call(Method::PUT, &path, "application/json", Body::Bytes(&body), NODE_CALL_SECONDS)?;
        let HeartbeatAnswer { expires_in_ms, watched, heartbeat_ms } = read(answer)?;
        Ok(Heard {
            expires_in: Duration::from_millis(expires_in_ms),
            next_in: heartbeat_ms.map(Duration::from_millis),
            is_watched: watched,
        })
    }

    /// The lease's uploaded demo. `direct`: or, as a `302`, its address in the bucket.
    pub fn demo(&self, lease: LeaseName, direct: bool, seconds: u64) -> Result<Response, Trouble> {
        let path = format!("leases/{lease}/demo{}", if direct { "?direct=1" } else { "" });
        let answer = self.send(Method::GET, &path, "", Body::Empty, self::seconds(seconds))?;
        if direct && answer.status == 302 { Ok(answer) } else { judge(answer) }
    }

    /// How many bytes of a lease's video the server has, determined by an empty upload at offset 0.
    pub fn uploaded_bytes(&self, lease: LeaseName) -> Result<u64, Trouble> {
        match self.upload(lease, Part::Video, 0, &mut std::io::empty(), 0)? {
            Uploaded::To(bytes) | Uploaded::GoOnAt(bytes) => Ok(bytes),
        }
    }

    /// Uploads `length` bytes of a lease's file at `offset`. A poster is sent in one piece.
    pub fn upload(
        &self,
        lease: LeaseName,
        part: Part,
        offset: u64,
        from: &mut dyn Read,
        length: u64,
    ) -> Result<Uploaded, Trouble> {
        let (path, media_type) = match part {
            Part::Video => (format!("leases/{lease}/video?offset={offset}"), "video/mp4"),
            Part::Poster => (format!("leases/{lease}/poster"), "image/jpeg"),
        };
        let body = Body::Stream(from, Some(length));
        let answer = self.send(Method::PUT, &path, media_type, body, seconds(NODE_TRANSFER_SECONDS))?;
        if answer.status == 409 {
            let problem = problem(answer)?;
            return problem.offset.map(Uploaded::GoOnAt).ok_or_else(|| conflict(&problem));
        }
        let answer: UploadAnswer = read(judge(answer)?)?;
        Ok(Uploaded::To(answer.bytes))
    }

    /// Addresses for uploading a lease's video past the server.
    pub fn parts(&self, lease: LeaseName, request: &PartsRequest) -> Result<PartsAnswer, Trouble> {
        read(self.post(&format!("leases/{lease}/parts"), request, seconds(NODE_TRANSFER_SECONDS))?)
    }

    /// Completes the lease with the uploaded video. Idempotent.
    pub fn complete(&self, lease: LeaseName, request: &CompleteRequest) -> Result<(), Trouble> {
        self.post(&format!("leases/{lease}/complete"), request, seconds(NODE_TRANSFER_SECONDS)).map(drop)
    }

    /// Reports that the attempt failed, with the end of the renderer's log and, if the node's game does not play the
    /// demo, the build that recorded it.
    pub fn fail(
        &self,
        lease: LeaseName,
        failure: &Failure,
        log: Option<String>,
        demo_build: Option<u32>,
    ) -> Result<(), Trouble> {
        let request = FailRequest {
            code: failure.code.as_str().to_owned(),
            message: failure.message.clone(),
            retry: failure.retry.as_str().to_owned(),
            log,
            demo_build,
        };
        self.post(&format!("leases/{lease}/fail"), &request, seconds(NODE_CALL_SECONDS)).map(drop)
    }

    fn post(&self, path: &str, request: &impl Serialize, timeout: Duration) -> Result<Response, Trouble> {
        let body = json(request)?;
        judge(self.send(Method::POST, path, "application/json", Body::Bytes(&body), timeout)?)
    }

    fn call(&self, method: Method, path: &str, media: &str, body: Body<'_>, limit: u64) -> Result<Response, Trouble> {
        judge(self.send(method, path, media, body, seconds(limit))?)
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Body<'_>,
        timeout: Duration,
    ) -> Result<Response, Trouble> {
        let url = format!("{}/{path}", self.base);
        let content_type = (!media_type.is_empty()).then_some(media_type);
        let request = Request {
            bearer: Some(&self.key),
            headers: &[
                (PROTOCOL_HEADER, &protocol::OURS.to_string()),
                (VERSION_HEADER, config::VERSION),
                (INSTANCE_HEADER, &self.instance),
            ],
            content_type,
            body: body.reborrow(),
            ..Request::new(method, &url, timeout)
        };
        self.client.send(request).map_err(|error| Trouble::Away(untrusted(error)))
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn json(request: &impl Serialize) -> Result<Vec<u8>, Trouble> {
    serde_json::to_vec(request)
        .map_err(|error| Trouble::Refused(Error::internal("Cannot encode a request to the server.", error)))
}

fn read<T: DeserializeOwned>(answer: Response) -> Result<T, Trouble> {
    answer.json(ANSWER_BYTES).map_err(Trouble::Away)
}

/// The problem in an error answer; empty if the answer is not the appliance's, but a proxy's for example.
fn problem(answer: Response) -> Result<Problem, Trouble> {
    let bytes = answer.bytes(ANSWER_BYTES).map_err(Trouble::Away)?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

/// A conflict means that the lease is over, unless the server is still checking the video.
fn conflict(problem: &Problem) -> Trouble {
    match problem.code.as_deref() {
        Some("completing") => {
            Trouble::Away(Error::new(Kind::Unavailable, ErrorCode::ServerBusy, "The server is checking the video."))
        }
        _ => Trouble::Lost,
    }
}

/// Maps an answer's status to what it means for the node.
fn judge(answer: Response) -> Result<Response, Trouble> {
    let status = answer.status;
    match status {
        200..=299 => Ok(answer),
        401 | 403 => Err(Trouble::Unknown),
        409 => Err(conflict(&problem(answer)?)),
        404 | 410 => Err(Trouble::Lost),
        408 | 429 | 500.. => Err(Trouble::Away(Error::new(
            Kind::Unavailable,
            ErrorCode::ServerBusy,
            format!("The server answered with status {status}."),
        ))),
        _ => {
            let Problem { error: mut why, code, .. } = problem(answer)?;
            let is_missing = code.as_deref() == Some(ErrorCode::VideoMissing.as_str());
            let code = if is_missing { ErrorCode::VideoMissing } else { ErrorCode::Refused };
            if why.is_empty() {
                "the answer is not from a dinkem appliance, or the server requires HTTPS. Check the server's URL."
                    .clone_into(&mut why);
            }
            let message = format!("The server refused the request with status {status}: {why}");
            Err(Trouble::Refused(Error::new(Kind::Invalid, code, message)))
        }
    }
}
