//! The check of a finished video before it is delivered, whatever renderer made it, and a poster if there is none.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use log::{info, warn};

use crate::domain::error::Kind;
use crate::domain::failure::{Failure, FailureCode};
use crate::os::process::{Child, Event, Surroundings};
use crate::render::command::JobFile;
use crate::render::video::{Expected, QUIET, inspect as inspect_video, poster_args};

use crate::node::context::Context;
use crate::node::lease::{Ended, Hold};

/// Seconds that ffmpeg may take for a poster.
const POSTER_SECONDS: u64 = 60;
/// How often the lease is checked meanwhile.
const TICK: Duration = Duration::from_millis(100);

/// Checks the video of a job. `audio`: whether it must have sound; `None`: either way.
pub fn inspect(node: &Context, job: &JobFile, audio: Option<bool>, hold: &Hold<'_>) -> Result<(), Ended> {
    let (width, height, fps) = (job.width, job.height, job.fps);
    let expected = Expected { width, height, fps, length_ms: job.length_ms, audio };
    let ffmpeg = Some(node.renderers.ffmpeg.as_str());
    match inspect_video(&job.output, &expected, ffmpeg, &mut || hold.check().is_ok()) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(hold.check().err().map_or_else(|| failed(""), Ended::from)),
        Err(error) => {
            // ffmpeg may have been stopped together with the node.
            hold.await_stop()?;
            warn!("{}: the video of job {} did not pass the check: {error}", node.name, job.job_id);
            Err(failed(if error.kind == Kind::Invalid { &error.message } else { "" }))
        }
    }
}

fn failed(why: &str) -> Ended {
    let message = format!("The renderer's video did not pass the check. {why}");
    Failure::here(FailureCode::RenderFailed, message.trim_end()).into()
}

/// Takes the poster of a job from the middle of its video if the renderer made none. A clip can do without one.
pub fn make_poster(node: &Context, job: &JobFile, hold: &Hold<'_>) -> Result<(), Ended> {
    let poster = job.output.with_extension("jpg");
    if fs::symlink_metadata(&poster).is_ok() {
        return Ok(());
    }
    let middle = job.length_ms.unwrap_or(0) as f64 / 2_000.0;
    let args: Vec<OsString> =
        QUIET.map(OsString::from).into_iter().chain(poster_args(&job.output, middle, &poster)).collect();
    let program = Path::new(&node.renderers.ffmpeg);
    let Ok(mut child) = Child::spawn_in(Surroundings::Desktop, program, &args, &job.workdir, &[]) else {
        return Ok(());
    };
    let deadline = hold.now() + Duration::from_secs(POSTER_SECONDS);
    while hold.now() < deadline {
        hold.check()?;
        match child.next(TICK) {
            Ok(Event::Silence) => {}
            Ok(Event::Out(line) | Event::Err(line)) => info!("{}: the poster of job {}: {line}", node.name, job.job_id),
            Ok(Event::Ended(_)) | Err(_) => return Ok(()),
        }
    }
    Ok(())
}
