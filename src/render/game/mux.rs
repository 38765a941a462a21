//! Puts picture and sound into the finished file with ffmpeg, and takes the poster from it.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::ending::{Fault, Step};
use super::session::Session;
use super::stage::Stage;
use crate::os::process::{Child, Event, Surroundings};
use crate::render::video::{QUIET, poster_args};

/// How long to wait for ffmpeg before looking at everything else.
const LOOP: Duration = Duration::from_millis(100);

/// Writes the job's output and poster from a video file and, if there is one, a sound file. The picture is copied; the
/// sound gets the picture's length.
pub fn finish(session: &mut Session<'_>, video: &Path, sound: Option<&Path>) -> Step<()> {
    session.enter(Stage::Encoding)?;
    let output = session.job.output.as_os_str().to_owned();
    let mut args: Vec<OsString> = vec!["-i".into(), video.into()];
    if let Some(sound) = sound {
        args.extend(["-i".into(), sound.into()]);
        args.extend(["-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-af", "apad", "-c:a", "aac"].map(Into::into));
        args.extend(["-b:a", "192k", "-ar", "48000", "-shortest"].map(Into::into));
    } else {
        args.extend(["-map", "0:v:0", "-map", "0:a:0?", "-c", "copy"].map(Into::into));
    }
    args.extend(["-movflags", "+faststart", "-f", "mp4"].map(Into::into));
    args.push(output);
    ffmpeg(session, args)?;
    let (video, middle) = (session.job.output.as_path(), session.length().as_secs_f64() / 2.0);
    ffmpeg(session, poster_args(video, middle, &video.with_extension("jpg")))
}

fn ffmpeg(session: &mut Session<'_>, args: Vec<OsString>) -> Step<()> {
    let program = Path::new(&session.setup.ffmpeg);
    let all: Vec<OsString> = QUIET.map(Into::into).into_iter().chain(args).collect();
    let started = Child::spawn_in(Surroundings::Desktop, program, &all, &session.job.workdir, &[]);
    let mut child = started.map_err(|error| {
        Fault::not_ready(format!("Cannot run ffmpeg: {error}. Set ffmpeg in the [renderer] table to its path."))
    })?;
    loop {
        session.look(&|| 0)?;
        match child.next(LOOP) {
            Ok(Event::Out(line) | Event::Err(line)) => session.pass_on(&line)?,
            Ok(Event::Silence) => {}
            Ok(Event::Ended(Some(0))) => return Ok(()),
            Ok(Event::Ended(_)) => {
                return Err(Fault::transient("ffmpeg could not put picture and sound together.").into());
            }
            Err(error) => return Err(Fault::transient(format!("Lost contact with ffmpeg: {error}.")).into()),
        }
    }
}
