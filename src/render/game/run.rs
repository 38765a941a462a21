//! Runs a preset from start to end, and cleans up however it ends.

use std::fs;
use std::io::Write;

use super::ending::{Fault, Step, Stop};
use super::files::Files;
use super::leftovers::{sweep, sweep_demo};
use super::patience::Patience;
use super::report::Report;
use super::session::{Session, token};
use super::setup::GameSetup;
use super::{csdm, hlae};
use crate::domain::node::RendererKind;
use crate::os::clock::Clock;
use crate::os::{files as os_files, programs};
use crate::render::command::contract::{EXIT_CANCELLED, EXIT_DONE, JobFile};

/// Renders a job with the game and reports on `out` under the command contract. Returns the exit code: 0, 10, 20, 21 or
/// 130. (11, the wrong build, is decided earlier, when the demo is read.) A game that closes while it plays or records
/// is transient at a job's first attempt, and the node's fault (21) from its second on.
pub fn run(job: &JobFile, setup: &GameSetup, clock: &dyn Clock, out: &mut dyn Write) -> u8 {
    run_with(job, setup, Patience::default(), clock, out)
}

/// Like [`run`], with limits of one's own.
pub fn run_with(job: &JobFile, setup: &GameSetup, patience: Patience, clock: &dyn Clock, out: &mut dyn Write) -> u8 {
    let outcome = Files::of(job, setup).map_err(Stop::from).and_then(|files| {
        let outcome = attempt(job, setup, &files, patience, clock, out);
        clean_up(job, setup, &files);
        outcome
    });
    let Err(stop) = outcome else { return EXIT_DONE };
    for path in [job.output.clone(), job.output.with_extension("jpg")] {
        if let Err(error) = os_files::remove(&path) {
            log::warn!("Cannot remove {}: {error}", path.display());
        }
    }
    match stop {
        Stop::Cancelled => EXIT_CANCELLED,
        Stop::Fault(fault) => {
            Report::new(out, token(job), clock.monotonic()).fail(&fault, clock.monotonic());
            fault.exit
        }
    }
}

fn attempt(
    job: &JobFile,
    setup: &GameSetup,
    files: &Files,
    patience: Patience,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Step<()> {
    let mut session = Session::begin(job, setup, files, patience, clock, out)?;
    files.check()?;
    sweep(setup).map_err(|error| {
        Fault::not_ready(format!("Cannot clean up after an earlier recording: {error}. Check the game's directory."))
    })?;
    let write = os_files::empty_dir(&files.own).and_then(|()| fs::create_dir_all(&files.record));
    write.map_err(|error| Fault::not_ready(format!("Cannot write to the work directory: {error}.")))?;
    // Otherwise the first lines read would be those of an earlier game.
    let _ = os_files::remove(&files.console_log());
    match setup.kind {
        RendererKind::Hlae => hlae::render(&mut session),
        RendererKind::Csdm => csdm::render(&mut session),
        RendererKind::Builtin | RendererKind::Command => {
            Err(Fault::not_ready("This renderer does not drive the game.").into())
        }
    }?;
    session.finished()
}

/// Ends the game and removes everything except the finished files.
fn clean_up(job: &JobFile, setup: &GameSetup, files: &Files) {
    programs::kill(&files.game);
    let note = |result: std::io::Result<()>| {
        if let Err(error) = result {
            log::warn!("Cannot clean up after the game: {error}");
        }
    };
    note(sweep(setup));
    note(sweep_demo(&job.demo.path));
    note(os_files::remove(&files.console_log()));
    note(match fs::remove_dir_all(&files.own) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    });
}
