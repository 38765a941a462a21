//! The lease API for nodes, from claiming a job to completing it. A lease that this node does not hold, or no longer
//! holds, is a `409`.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use rouille::Response;

use crate::app::App;
use crate::app::clips::files::Content;
use crate::app::demos::bucket::MEDIA_TYPE;
use crate::app::leases::{self, Beaten, Claim, Claimed, Grant, UploadError, direct, frames};
use crate::domain::clip::{POSTER_BYTES, VIDEO_BYTES};
use crate::domain::demo::{DEMO_BYTES, UNPACKED_BYTES};
use crate::domain::epoch::LeaseName;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::LeaseId;
use crate::domain::node::Node;
use crate::http::kit::call::Call;
use crate::http::kit::permits::too_busy;
use crate::http::kit::{answer, body, files};
use crate::wire::base::Base;
use crate::wire::node::{
    ClaimAnswer, FetchPolicy, HeartbeatAnswer, PartsAnswer, RenderOrder, UploadAnswer, UploadOrder, UploadedDemo,
};
use crate::wire::node_requests::Heartbeat;
use crate::wire::problem::Problem;
use crate::wire::{self, node_requests, upload_requests};

/// Overall timeout of fetching a demo, in seconds.
const FETCH_SECONDS: u64 = 600;

/// `POST /api/node/claims`: long-polls for a job, without a thread; `204` if none became available.
pub fn claim(call: &Call<'_>, node: &Node) -> Result<Response> {
    let order = node_requests::read_claim(&body::json(call)?, node.program.is_newer())?;
    let claim = Claim {
        offer: &order.offer,
        wait: Duration::from_secs(order.wait_seconds),
        waiting_claims: call.waiting_claims,
        is_there: call.is_connected,
    };
    claimed(call, node.program.knows_lease_names(), leases::begin(call.app, node, &claim)?)
}

/// `named`: whether the node understands a lease's name.
fn claimed(call: &Call<'_>, named: bool, outcome: Claimed) -> Result<Response> {
    let waiting = match outcome {
        Claimed::Job(grant) => return answer::json(200, &granted(call.app, named, &grant, &call.base)?),
        Claimed::Nothing => return Ok(answer::empty(204)),
        Claimed::Waits(waiting) => waiting,
    };
    let parking = call.reserve_parking().ok_or_else(too_busy)?;
    let waker = parking.waker();
    waiting.sleep(call.app, Arc::new(move || waker.wake()));
    let time = waiting.left(call.app);
    let again = move |call: &Call<'_>| claimed(call, named, waiting.again(call.app, call.is_over, call.is_connected)?);
    Ok(call.sleep(parking, time, again))
}

/// `PUT /api/node/leases/{lease}`.
pub fn heartbeat(call: &Call<'_>, node: &Node) -> Result<Response> {
    let lease = lease(call)?;
    let Heartbeat { progress, frame } = node_requests::read_heartbeat(&body::json(call)?, node.program.is_newer())?;
    let Beaten { expires_in_ms, heartbeat_ms } = leases::heartbeat(call.app, node, lease, progress)?;
    if let Some(frame) = frame {
        frames::keep(call.app, node, lease, frame)?;
    }
    let watched = frames::is_watched(call.app);
    answer::json(200, &HeartbeatAnswer { expires_in_ms, watched, heartbeat_ms: Some(heartbeat_ms) })
}

/// `GET /api/node/leases/{lease}/demo`: with `direct=1`, a node is sent to the bucket for a demo that lies there.
pub fn demo(call: &Call<'_>, node: &Node) -> Result<Response> {
    let direct = call.query("direct").as_deref() == Some("1");
    let (content, bytes) = leases::open_demo(call.app, node, lease(call)?, direct)?;
    match &content {
        Content::Object(object) if direct => Ok(answer::elsewhere(object.address_for_nodes(MEDIA_TYPE)?)),
        _ => Ok(answer::with_body(200, MEDIA_TYPE, files::stream(content, bytes)?)),
    }
}

/// `PUT /api/node/leases/{lease}/video?offset=N`: a wrong offset is a `409` that carries the expected one.
pub fn video(call: &Call<'_>, node: &Node) -> Result<Response> {
    let lease = lease(call)?;
    let offset = call
        .query("offset")
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| {
            Error::invalid("offset", "offset must be the position in the video at which the body begins.")
        })?;
    let mut body = body::upload(call, VIDEO_BYTES)?;
    match leases::append_video(call.app, node, lease, offset, &mut body) {
        Ok(bytes) => answer::json(200, &UploadAnswer { bytes }),
        Err(UploadError::Failed(error)) => Err(body.blame(error)),
        Err(UploadError::WrongOffset(offset)) => {
            let problem = Problem {
                error: format!("The server has {offset} bytes of the video; continue from there."),
                code: Some(ErrorCode::WrongOffset.as_str().into()),
                offset: Some(offset),
                ..Problem::default()
            };
            Ok(answer::problem_answer(Kind::Conflict, &problem))
        }
    }
}

/// `POST /api/node/leases/{lease}/parts`: addresses for uploading the video past the server.
pub fn parts(call: &Call<'_>, node: &Node) -> Result<Response> {
    let lease = lease(call)?;
    let (upload, hashes) = upload_requests::read_parts(&body::json(call)?, node.program.is_newer())?;
    let direct::Parts { upload, addresses } = direct::parts(call.app, node, lease, upload, &hashes)?;
    answer::json(200, &PartsAnswer { upload, addresses })
}

/// `PUT /api/node/leases/{lease}/poster`.
pub fn poster(call: &Call<'_>, node: &Node) -> Result<Response> {
    let lease = lease(call)?;
    let mut body = body::upload(call, POSTER_BYTES)?;
    match leases::put_poster(call.app, node, lease, &mut body) {
        Ok(bytes) => answer::json(200, &UploadAnswer { bytes }),
        Err(error) => Err(body.blame(error)),
    }
}

/// `POST /api/node/leases/{lease}/complete`.
pub fn complete(call: &Call<'_>, node: &Node) -> Result<Response> {
    let lease = lease(call)?;
    let report = node_requests::read_complete(&body::json(call)?, node.program.is_newer())?;
    leases::complete(call.app, node, lease, report)?;
    answer::json(200, &serde_json::json!({}))
}

/// `POST /api/node/leases/{lease}/fail`.
pub fn fail(call: &Call<'_>, node: &Node) -> Result<Response> {
    let lease = lease(call)?;
    let report = node_requests::read_fail(&body::json(call)?, node.program.is_newer())?;
    leases::fail(call.app, node, lease, report)?;
    answer::json(200, &serde_json::json!({}))
}

fn granted(app: &App, named: bool, grant: &Grant, base: &Base) -> Result<ClaimAnswer> {
    let settings = &app.settings;
    let number = grant.lease.id;
    let lease = if named { leases::name(app, number) } else { LeaseName::numbered(number) };
    let spec = &grant.job.job.spec;
    Ok(ClaimAnswer {
        lease,
        expires_in_ms: grant.expires_in_ms,
        heartbeat_ms: Some(grant.heartbeat_ms),
        job: wire::job::view(&grant.job, base)?,
        render: RenderOrder {
            steam64_id: spec.steam64_id.to_string(),
            round: spec.round,
            fps: spec.fps,
            width: spec.width(),
            height: spec.resolution,
            commands: wire::job::commands(spec.commands),
            camera: Some(settings.camera.as_str().to_owned()),
        },
        uploaded_demo: grant.uploaded_demo.map(|(sha256, bytes)| UploadedDemo { sha256: sha256.to_string(), bytes }),
        fetch_policy: FetchPolicy {
            allow: settings.fetch_allow.iter().map(IpNet::to_string).collect(),
            max_bytes: DEMO_BYTES,
            max_seconds: FETCH_SECONDS,
            max_unpacked_bytes: UNPACKED_BYTES,
        },
        // Nodes that know lease names know direct uploads, too.
        upload: direct::part_bytes(app).filter(|_| named).map(|part_bytes| UploadOrder { part_bytes }),
        bucket_ca: direct::bucket_ca(app),
    })
}

fn lease(call: &Call<'_>) -> Result<LeaseId> {
    let name = LeaseName::parse(call.parameter())
        .ok_or_else(|| Error::not_found("A lease is identified by its epoch and number, such as 7f3a9c1e-42."))?;
    leases::named(call.app, &name)
}
