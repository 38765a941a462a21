//! One recording of the game: look into the demo, plan, start the renderer, and check what it made.

use std::fs;
use std::path::{Path, PathBuf};

use log::{info, warn};

use crate::domain::camera::CameraMode;
use crate::domain::demo::UNPACKED_BYTES;
use crate::domain::failure::{Failure, FailureCode};
use crate::domain::job::Stage;
use crate::domain::node::RendererKind;
use crate::os::files;
use crate::os::random::{Random, SystemRandom};
use crate::render::command::{CONTRACT, JobDemo, JobFile, JobPlayer, Space};
use crate::render::game::pov::Proof;
use crate::render::game::{problems, sweep};

use crate::node::context::Context;
use crate::node::game::desk::Desk;
use crate::node::game::preflight::{Machine, Plan, Wanted, plan};
use crate::node::lease::{Ended, Hold};
use crate::node::unpack::Unpacker;
use crate::node::{child, inspection};

/// Bytes that must be free before the game starts: 4 GiB. Its tools write raw footage.
const GAME_FREE_BYTES: u64 = 4 << 30;

/// What is to be recorded.
#[derive(Clone, Debug)]
pub struct GameJob<'a> {
    pub id: &'a str,
    pub attempt: u32,
    /// The unpacked demo.
    pub demo: &'a Path,
    pub sha256: Option<&'a str>,
    pub steam64: u64,
    pub round: u32,
    pub fps: u32,
    pub width: u32,
    pub height: u32,
    pub spec_show_xray: bool,
    pub cl_draw_only_deathnotices: bool,
    /// Seconds to record at most; `None`: the whole round.
    pub most_seconds: Option<u32>,
}

/// A finished recording.
#[derive(Clone, Debug)]
pub struct Recording {
    pub video: PathBuf,
    pub poster: PathBuf,
    /// Whether it is proven that it shows the player's own view.
    pub pov_verified: bool,
}

/// Records `job` in `work`, an empty directory. The game must not be in use.
pub fn record(
    node: &Context,
    desk: &Desk,
    job: &GameJob<'_>,
    work: &Path,
    hold: &Hold<'_>,
) -> Result<Recording, Ended> {
    hold.report(Stage::Parsing, 0.0);
    let index = {
        let folder = work.join("index");
        let space = Space { most_bytes: UNPACKED_BYTES, room: u64::MAX };
        Unpacker { program: &node.program, space, hold }.index(job.demo, &folder)?
    };
    let machine = Machine { steam_id: desk.setup().steam_id, game_build: desk.game_build() };
    let wanted = Wanted { steam64: job.steam64, round: job.round };
    let mut plan = plan(&index, wanted, machine).inspect_err(|failure| {
        if failure.code == FailureCode::WrongGameBuild {
            hold.keep_demo_build(index.game_build);
        }
    })?;
    if let Some(seconds) = job.most_seconds {
        plan = plan.cut(seconds, index.tick_rate);
    }
    if files::free_bytes(work).is_some_and(|free| free < GAME_FREE_BYTES) {
        let gibibytes = GAME_FREE_BYTES >> 30;
        let message = format!("The render node has less than {gibibytes} GiB of free disk space for the game.");
        return Err(Failure::here(FailureCode::NodeNotReady, message).into());
    }
    sweep(desk.setup()).map_err(|error| {
        warn!("{}: what an earlier recording left behind cannot be removed: {error}", node.name);
        let message = "The render node could not clean up after an earlier recording of the game.";
        Failure::here(FailureCode::NodeNotReady, message)
    })?;
    check_machine(node, desk, work, hold)?;
    let file = job_file(node, desk, job, &plan, work)?;
    hold.report(Stage::Rendering, 0.0);
    let report = child::render_game(&node.program, desk.setup(), &file, node.patience, hold)?;
    let proof = report.proof();
    info!("{}: job {}: what the picture shows: {proof:?}", node.name, job.id);
    if desk.setup().require_pov && proof != Proof::Proven {
        return Err(Failure::here(FailureCode::RenderFailed, unproven(proof)).into());
    }
    inspection::inspect(node, &file, desk.setup().audio, hold)?;
    inspection::make_poster(node, &file, hold)?;
    Ok(Recording {
        poster: file.output.with_extension("jpg"),
        video: file.output,
        pov_verified: proof == Proof::Proven,
    })
}

/// Checks what a preset needs of this machine. What is missing is for the operator: it names paths.
fn check_machine(node: &Context, desk: &Desk, work: &Path, hold: &Hold<'_>) -> Result<(), Failure> {
    if desk.setup().kind == RendererKind::Command {
        return Ok(());
    }
    let found = problems(desk.setup(), work);
    if found.is_empty() {
        return Ok(());
    }
    let found = found.join("\n");
    warn!("{}: the game cannot be recorded on this machine: {found}", node.name);
    hold.keep_log(&found);
    let message = "The render node is not ready to record the game: `node check` says why.";
    Err(Failure::here(FailureCode::NodeNotReady, message))
}

/// Why a clip is not delivered, for people.
fn unproven(proof: Proof) -> String {
    match proof {
        Proof::Disproven(seen) if seen.good == 0 => "The game shows another player.".to_owned(),
        Proof::Disproven(seen) => format!(
            "The game shows another player: {} of {} frames are not the player's own view.",
            seen.wrong + seen.third + seen.blind,
            seen.frames
        ),
        Proof::Proven | Proof::Missing => {
            "It is not proven that the clip shows the player: the game did not report what its picture shows."
                .to_owned()
        }
    }
}

fn job_file(node: &Context, desk: &Desk, job: &GameJob<'_>, plan: &Plan, work: &Path) -> Result<JobFile, Failure> {
    // A copy: the tools write files beside the demo, and what they do to it must not change the cached one.
    let demo = work.join("demo.dem");
    fs::copy(job.demo, &demo).map_err(|error| {
        warn!("{}: cannot put the demo into the work directory: {error}", node.name);
        Failure::here(FailureCode::NodeFailed, "The render node could not write to its disk.")
    })?;
    let token = SystemRandom.bits().map_err(|error| {
        warn!("{}: no random number: {error}", node.name);
        Failure::here(FailureCode::NodeFailed, "The render node has no source of random numbers.")
    })?;
    Ok(JobFile {
        contract: CONTRACT,
        job_id: job.id.to_owned(),
        attempt: job.attempt,
        demo: JobDemo {
            path: demo,
            sha256: job.sha256.map(str::to_owned),
            build: plan.demo_build,
            last_tick: Some(plan.last_tick),
        },
        player: JobPlayer { steam64: job.steam64, slot: plan.slot },
        round: job.round,
        start_tick: Some(plan.start_tick),
        end_tick: Some(plan.end_tick),
        fps: job.fps,
        width: job.width,
        height: job.height,
        spec_show_xray: job.spec_show_xray,
        cl_draw_only_deathnotices: job.cl_draw_only_deathnotices,
        camera: CameraMode::default(),
        output: work.join("clip.mp4"),
        workdir: work.to_owned(),
        deadline_s: node.patience.total_for(Some(plan.length_ms)).as_secs(),
        length_ms: Some(plan.length_ms),
        pov_token: Some(format!("{token:032x}")),
        game: desk.setup().for_preset(),
    })
}
