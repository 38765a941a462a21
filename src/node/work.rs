//! Processes one lease: fetch, render, check, keep the clip and deliver it, or report the failure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io, thread};

use log::{info, warn};

use crate::domain::camera::CameraMode;
use crate::domain::epoch::LeaseName;
use crate::domain::failure::{Failure, FailureCode, Retry};
use crate::domain::job::{Renderer, Stage};
use crate::os::files;
use crate::os::stop::StopFlag;
use crate::render::command::{CONTRACT, JobDemo, JobFile, JobPlayer, MAPS_DIR, RADARS_DIR};
use crate::wire::node::ClaimAnswer;

use crate::node::api::Trouble;
use crate::node::cache::HeldDemo;
use crate::node::context::Context;
use crate::node::fetch::Fetcher;
use crate::node::frames::Frames;
use crate::node::game::{GameJob, Recording, keep_canary, record};
use crate::node::lease::{Ended, Hold, Leave};
use crate::node::outbox::{Made, OUTBOX_TIME, Parcel};
use crate::node::upload::Delivery;
use crate::node::{child, heartbeat, inspection};

/// Processes a claimed job and reports the outcome to the server.
pub fn perform(node: &Context, claim: &ClaimAnswer, stop: &StopFlag) {
    let (lease, job) = (claim.lease, &claim.job.id);
    info!("{}: job {job}, lease {lease}.", node.name);
    let hold = Hold::new(node.clock.clone(), stop, Duration::from_millis(claim.expires_in_ms));
    hold.set_beats(claim.heartbeat_ms.map(Duration::from_millis));
    under_lease(node, lease, job, &hold, || {
        let Rendered { made, work: _work } = attempt(node, claim, &hold)?;
        // Nothing ends the lease of a finished clip but the server, however long it is away.
        hold.finish(OUTBOX_TIME);
        let kept = node.outbox.keep(lease, job, made, node.clock.now_ms()).map_err(|error| {
            warn!("{}: could not keep the clip of lease {lease}: {error}", node.name);
            Failure::here(FailureCode::NodeFailed, "The render node could not write to its disk.")
        })?;
        Delivery { server: &node.server, lease, hold: &hold }.deliver(&kept)
    });
}

/// Delivers a clip that an earlier run of the node has finished. Whether its lease is still live is for the server to
/// say.
pub fn resume(node: &Context, parcel: &Parcel, stop: &StopFlag) {
    let (lease, job) = (parcel.lease(), parcel.job());
    info!("{}: job {job}, lease {lease}: delivering the clip that was finished earlier.", node.name);
    let hold = Hold::of_finished(node.clock.clone(), stop, parcel.time_left(node.clock.now_ms()));
    under_lease(node, lease, job, &hold, || Delivery { server: &node.server, lease, hold: &hold }.deliver(parcel));
}

/// Does `work` with heartbeats, and reports its outcome to the server. A finished clip stays in the outbox if the node
/// stops and the server cannot be told.
fn under_lease(node: &Context, lease: LeaseName, job: &str, hold: &Hold<'_>, work: impl FnOnce() -> Result<(), Ended>) {
    let frames = Frames::of(&node.work_dir(lease));
    thread::scope(|scope| {
        scope.spawn(|| heartbeat::beat(&node.server, lease, hold, frames));
        let ended = guarded(work);
        let mut is_over = true;
        match &ended {
            Ok(()) => info!("{}: job {job} is done.", node.name),
            Err(Ended::Failed(failure)) => {
                warn!("{}: job {job} failed: {} ({})", node.name, failure.message, failure.code.as_str());
                tell(node, lease, failure, hold);
            }
            Err(Ended::Left(Leave::Stopped)) => {
                info!("{}: job {job} is returned to the server: the node is shutting down.", node.name);
                is_over = give_back(node, lease);
            }
            Err(Ended::Left(leave)) => info!("{}: stopped working on job {job}: {}.", node.name, why(*leave)),
        }
        if is_over {
            node.outbox.remove(lease);
        }
        hold.leave(Leave::Over);
    });
}

/// Why work on a job has stopped, for the log.
fn why(leave: Leave) -> &'static str {
    match leave {
        Leave::Lost => "it was cancelled or reassigned",
        Leave::Expired => "its lease has expired",
        Leave::Stopped => "the node is shutting down",
        Leave::Over => "its work is over",
    }
}

/// Third-party code handles untrusted input here: if it panics, only the job fails.
fn guarded(work: impl FnOnce() -> Result<(), Ended>) -> Result<(), Ended> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Failure::here(FailureCode::RenderFailed, "Internal error on the render node.").into()))
}

/// Whether a job is for the game.
pub fn is_for_the_game(claim: &ClaimAnswer) -> bool {
    claim.job.renderer == Renderer::Game.as_str()
}

/// A rendered clip in its work directory.
struct Rendered {
    made: Made,
    work: WorkDir,
}

fn attempt(node: &Context, claim: &ClaimAnswer, hold: &Hold<'_>) -> Result<Rendered, Ended> {
    let fetcher = Fetcher {
        server: &node.server,
        cache: &node.cache,
        room: &node.room,
        extra_allow: &node.extra_fetch_allow,
        program: &node.program,
    };
    let demo = fetcher.get(claim, hold)?;
    hold.report(Stage::Parsing, 0.0);
    if !node.room.is_open() {
        node.cache.shrink(0);
    }
    node.room.check().map_err(|error| {
        warn!("{}: not enough disk space for the clip of lease {}: {error}", node.name, claim.lease);
        Failure::here(FailureCode::NodeFailed, "The render node does not have enough disk space for the clip.")
    })?;
    let work = WorkDir::new(node.work_dir(claim.lease)).map_err(|error| {
        warn!("{}: could not create a work directory: {error}", node.name);
        Failure::here(FailureCode::NodeFailed, "The render node could not write to its disk.")
    })?;
    let (part_bytes, bucket_ca) = (claim.upload.as_ref().map(|order| order.part_bytes), claim.bucket_ca.clone());
    let made = if is_for_the_game(claim) {
        let Recording { video, poster, pov_verified } = game(node, claim, &demo, work.path(), hold)?;
        Made { video, poster, pov_verified: Some(pov_verified), log: hold.log(), part_bytes, bucket_ca }
    } else {
        let video = builtin(node, claim, &demo, work.path(), hold)?;
        Made { poster: video.with_extension("jpg"), video, pov_verified: None, log: None, part_bytes, bucket_ca }
    };
    Ok(Rendered { made, work })
}

/// Renders with the built-in renderer and returns the video's path.
fn builtin(
    node: &Context,
    claim: &ClaimAnswer,
    demo: &HeldDemo<'_>,
    work: &Path,
    hold: &Hold<'_>,
) -> Result<PathBuf, Ended> {
    let job = job_file(node, claim, &demo.path(), &demo.sha256, work)?;
    let maps = work.join(MAPS_DIR);
    // A clip can do without what other demos have shown of its map.
    if let Err(error) = node.maps.lend(&maps) {
        warn!("{}: what is known of maps cannot be used: {error}", node.name);
    }
    if let Err(error) = node.radars.lend(&work.join(RADARS_DIR)) {
        warn!("{}: the studio's own pictures of maps cannot be used: {error}", node.name);
    }
    child::render(&node.program, &job, node.patience, hold)?;
    if let Err(error) = node.maps.take_back(&maps) {
        warn!("{}: what the demo shows of its map could not be kept: {error}", node.name);
    }
    inspection::inspect(node, &job, None, hold)?;
    Ok(job.output)
}

/// Renders with the game.
fn game(
    node: &Context,
    claim: &ClaimAnswer,
    demo: &HeldDemo<'_>,
    work: &Path,
    hold: &Hold<'_>,
) -> Result<Recording, Ended> {
    let not_ready = |why: &str| Failure::here(FailureCode::NodeNotReady, why);
    let Some(desk) = &node.game else {
        return Err(not_ready("The render node is not set up for the game.").into());
    };
    desk.look(true);
    if !desk.is_ready() {
        return Err(not_ready("The game on the render node was updated and must be tried first.").into());
    }
    let order = &claim.render;
    let job = GameJob {
        id: &claim.job.id,
        attempt: claim.job.attempts.saturating_add(1),
        demo: &demo.path(),
        sha256: Some(&demo.sha256),
        steam64: steam64(claim)?,
        round: order.round,
        fps: order.fps,
        width: order.width,
        height: order.height,
        spec_show_xray: order.commands.spec_show_xray == "1",
        cl_draw_only_deathnotices: order.commands.cl_draw_only_deathnotices == "1",
        most_seconds: None,
    };
    let recorded = record(node, desk, &job, work, hold);
    match &recorded {
        Ok(_) => {
            keep_canary(desk, &job);
            desk.works("a good clip");
        }
        Err(Ended::Failed(failure)) if failure.code == FailureCode::NodeNotReady => desk.not_ready(&failure.message),
        Err(_) => {}
    }
    recorded
}

fn steam64(claim: &ClaimAnswer) -> Result<u64, Failure> {
    let number = claim.render.steam64_id.parse();
    number.map_err(|_| Failure::for_good(FailureCode::PlayerNotInDemo, "The player's Steam ID is not a number."))
}

fn job_file(node: &Context, claim: &ClaimAnswer, demo: &Path, sha256: &str, work: &Path) -> Result<JobFile, Failure> {
    let order = &claim.render;
    let steam64 = steam64(claim)?;
    Ok(JobFile {
        contract: CONTRACT,
        job_id: claim.job.id.clone(),
        attempt: claim.job.attempts.saturating_add(1),
        demo: JobDemo { path: demo.to_owned(), sha256: Some(sha256.to_owned()), build: None, last_tick: None },
        player: JobPlayer { steam64, slot: None },
        round: order.round,
        start_tick: None,
        end_tick: None,
        fps: order.fps,
        width: order.width,
        height: order.height,
        spec_show_xray: order.commands.spec_show_xray == "1",
        cl_draw_only_deathnotices: order.commands.cl_draw_only_deathnotices == "1",
        // Servers of older versions name none.
        camera: order.camera.as_deref().and_then(CameraMode::parse).unwrap_or_default(),
        output: work.join("clip.mp4"),
        workdir: work.to_owned(),
        deadline_s: node.patience.total.as_secs(),
        length_ms: None,
        pov_token: None,
        game: None,
    })
}

/// Reports a failure of the job, with retries until the server accepts it or the lease expires.
fn tell(node: &Context, lease: LeaseName, failure: &Failure, hold: &Hold<'_>) {
    let mut wait = node.retry_first();
    let mut failure = failure.clone();
    loop {
        match node.server.fail(lease, &failure, hold.log(), hold.demo_build()) {
            Ok(()) | Err(Trouble::Lost | Trouble::Unknown) => return,
            // For servers that predate these failure codes.
            Err(Trouble::Refused(_)) if failure.code == FailureCode::NodeNotReady => {
                failure.code = FailureCode::NodeFailed;
                continue;
            }
            Err(Trouble::Refused(_)) if failure.code == FailureCode::WrongGameBuild => {
                failure.code = FailureCode::DemoUnsupported;
                continue;
            }
            Err(Trouble::Refused(error)) => return warn!("{}: lease {lease}: {error}", node.name),
            Err(Trouble::Away(error)) => info!("{}: lease {lease}: trying again: {error}", node.name),
        }
        if hold.pause(wait).is_err() {
            return;
        }
        wait = node.retry_next(wait);
    }
}

/// Returns the job at once when the node stops, instead of letting the lease expire. Sent only once: if it fails, the
/// lease expires anyway. Returns whether the server has answered.
fn give_back(node: &Context, lease: LeaseName) -> bool {
    let stopped = Failure {
        code: FailureCode::NodeFailed,
        message: "The render node was stopped.".to_owned(),
        retry: Retry::Anywhere,
    };
    let answer = node.server.fail(lease, &stopped, None, None);
    if let Err(trouble) = &answer {
        info!("{}: could not return lease {lease}: {trouble:?}", node.name);
    }
    !matches!(answer, Err(Trouble::Away(_)))
}

/// A new directory for one attempt, removed afterwards.
struct WorkDir(PathBuf);

impl WorkDir {
    fn new(path: PathBuf) -> io::Result<Self> {
        files::empty_dir(&path)?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            warn!("A work directory could not be removed: {error}");
        }
    }
}
