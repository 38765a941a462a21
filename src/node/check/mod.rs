//! `node check`: tests everything that the node needs for rendering, in the way a real job would use it.

mod desktop;
mod game;
mod tools;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::camera::CameraMode;
use crate::domain::epoch::LeaseName;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
use crate::domain::id::LeaseId;
use crate::domain::job::Stage;
use crate::domain::lease::Progress;
use crate::os::clock::Clock;
use crate::os::room::DISK_RESERVE_BYTES;
use crate::os::stop::StopFlag;
use crate::os::{files, sandbox};
use crate::render::command::{CONTRACT, JobDemo, JobFile, JobPlayer};
use crate::render::{forge, video};

use crate::node::api::{Server, Trouble};
use crate::node::child;
use crate::node::join::{self, NodeState};
use crate::node::lease::{Ended, Hold};
use crate::node::patience::{Patience, RENDER_BASE_SECONDS};
use crate::node::renderers::Renderers;

/// A number that no lease ever has.
const NO_LEASE: LeaseId = LeaseId(0);
/// The test clip: round, frames per second, pixels.
const ROUND: u32 = 2;
const FPS: u32 = 30;
const SIZE: (u32, u32) = (1920, 1080);

/// The result of one check.
#[derive(Debug)]
pub struct Check {
    pub name: &'static str,
    /// What was found, or what is wrong and what to do.
    pub outcome: Result<String>,
}

/// Text before what was found if it may cause trouble, but need not.
const WARNING: &str = "Warning: ";

/// Runs all checks of a node with these renderers. `program` is this program, which renders the test clip.
pub fn checks(state_dir: &Path, renderers: &Renderers, program: &Path, clock: &Arc<dyn Clock>) -> Vec<Check> {
    let identity = join::read_state(state_dir).and_then(|state| state.ok_or_else(|| not_joined(state_dir)));
    let server = match &identity {
        Ok(state) => knows(state),
        Err(_) => Err(Error::not_found("Not checked: the node has not joined a server.")),
    };
    let identity = identity.map(|state| format!("node \"{}\" of {}", state.name, state.server));
    let mut checks = vec![
        Check { name: "directory", outcome: room(state_dir) },
        Check { name: "identity", outcome: identity },
        Check { name: "server", outcome: server },
    ];
    if renderers.builtin {
        checks.push(Check { name: "renderer", outcome: renders(state_dir, program, clock) });
    }
    if let Some(setup) = &renderers.game {
        checks.extend(tools::checks(setup));
        checks.extend(game::checks(setup, state_dir, renderers.canary.as_deref()));
        if setup.game_dir.is_some() {
            checks.extend(desktop::checks(setup));
        }
    }
    // Informational: the node also works with a weak sandbox.
    checks.push(Check { name: "sandbox", outcome: Ok(sandbox::strength()) });
    checks
}

/// The error of something that the operator must fix. `message`: what is wrong, then what to do.
fn not_ready(message: impl Into<String>) -> Error {
    Error::of_failure(Kind::Unavailable, FailureCode::NodeNotReady, message)
}

/// The error of a node without an identity.
pub fn not_joined(state_dir: &Path) -> Error {
    Error::not_found(format!(
        "No node has joined from {}. Create a token with `dinkem-appliance admin nodes token` on the server, then pass it on standard input with --join -.",
        state_dir.display()
    ))
}

fn room(state_dir: &Path) -> Result<String> {
    let unusable = |error| Error::internal(format!("Cannot write to {}.", state_dir.display()), error);
    files::create_private_dir(state_dir).map_err(unusable)?;
    tempfile::tempfile_in(state_dir).map_err(unusable)?;
    match files::free_bytes(state_dir) {
        Some(free) if free < DISK_RESERVE_BYTES => Err(Error::internal(
            format!("The disk of {} is nearly full. Free some space for demos and clips.", state_dir.display()),
            format_args!("{} MiB free", free >> 20),
        )),
        Some(free) => Ok(format!("{}, {} MiB free", state_dir.display(), free >> 20)),
        None => Ok(state_dir.display().to_string()),
    }
}

/// Sends a heartbeat for a lease that does not exist: a server that knows the node answers "no such lease".
fn knows(state: &NodeState) -> Result<String> {
    let client = join::server_client(state.ca_pem.clone())?;
    // No instance id: the node's own agent may be running, and this must not count as a second one.
    let server = Server::new(client, &state.server, state.node_key.clone(), String::new());
    match server.heartbeat(LeaseName::numbered(NO_LEASE), Progress { stage: Stage::Fetching, fraction: 0.0 }, None) {
        Ok(_) | Err(Trouble::Lost) => Ok(format!("{} recognizes this node", state.server)),
        Err(Trouble::Unknown) => Err(Error::not_found(format!(
            "{} no longer recognizes this node. Join again with a new token.",
            state.server
        ))),
        Err(Trouble::Away(error) | Trouble::Refused(error)) => Err(error),
    }
}

/// Renders a few seconds of a generated match and checks the video.
fn renders(state_dir: &Path, program: &Path, clock: &Arc<dyn Clock>) -> Result<String> {
    let unusable = |error| Error::internal("Cannot create a work directory for the test clip.", error);
    let work = files::private_tempdir_in(state_dir, "check-").map_err(unusable)?;
    let demo = work.path().join("check.dem");
    std::fs::write(&demo, forge::quick()).map_err(unusable)?;
    let job = job(&demo, work.path());
    let patience = Patience::default();
    let stop = StopFlag::new();
    let hold = Hold::new(Arc::clone(clock), &stop, patience.total);
    let began = clock.monotonic();
    child::render(program, &job, patience, &hold).map_err(|ended| match ended {
        Ended::Failed(failure) => Error::internal(failure.message, hold.log().unwrap_or_default()),
        Ended::Left(leave) => {
            Error::internal("The renderer was stopped before it finished.", format_args!("{leave:?}"))
        }
    })?;
    let facts = video::check(&job.output, job.width, job.height, job.fps)?;
    let took = (clock.monotonic() - began).as_secs_f64();
    Ok(format!("builtin: {:.1} s of video in {took:.1} s", facts.duration_ms as f64 / 1_000.0))
}

fn job(demo: &Path, work: &Path) -> JobFile {
    JobFile {
        contract: CONTRACT,
        job_id: "check".to_owned(),
        attempt: 1,
        demo: JobDemo { path: demo.to_owned(), sha256: None, build: None, last_tick: None },
        player: JobPlayer { steam64: forge::SAMPLE_PLAYER, slot: None },
        round: ROUND,
        start_tick: None,
        end_tick: None,
        fps: FPS,
        width: SIZE.0,
        height: SIZE.1,
        spec_show_xray: false,
        cl_draw_only_deathnotices: false,
        camera: CameraMode::default(),
        output: work.join("clip.mp4"),
        workdir: PathBuf::from(work),
        deadline_s: RENDER_BASE_SECONDS,
        length_ms: None,
        pov_token: None,
        game: None,
    }
}
