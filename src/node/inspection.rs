//! The check of a finished video before it is delivered, whatever renderer made it.

use log::warn;

use crate::domain::error::Kind;
use crate::domain::failure::{Failure, FailureCode};
use crate::render::command::JobFile;
use crate::render::video::{Expected, inspect as inspect_video};

use crate::node::context::Context;
use crate::node::lease::{Ended, Hold};

/// Checks the video of a job. `audio`: whether it must have sound; `None`: either way.
pub fn inspect(node: &Context, job: &JobFile, audio: Option<bool>, hold: &Hold<'_>) -> Result<(), Ended> {
    let (width, height, fps) = (job.width, job.height, job.fps);
    let expected = Expected { width, height, fps, length_ms: job.length_ms, audio };
    let ffmpeg = Some(node.renderers.ffmpeg.as_str());
    match inspect_video(&job.output, &expected, ffmpeg, &mut || hold.check().is_ok()) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(hold.check().err().map_or_else(|| failed(""), Ended::from)),
        Err(error) => {
            warn!("{}: the video of job {} did not pass the check: {error}", node.name, job.job_id);
            Err(failed(if error.kind == Kind::Invalid { &error.message } else { "" }))
        }
    }
}

fn failed(why: &str) -> Ended {
    let message = format!("The renderer's video did not pass the check. {why}");
    Failure::here(FailureCode::RenderFailed, message.trim_end()).into()
}
