//! The full check of a finished clip before it is uploaded: structure, length and sound with our own reader, and the
//! picture itself with ffmpeg, where it is installed.
//!
//! Must not know about leases, servers, and which renderer made the clip.

use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use log::Level;

use super::picture::{self, Picture, Stretch, arguments};
use super::probe::{bad, check_report, probe};
use crate::domain::clip::{CLIP_TOLERANCE_MS, VideoFacts};
use crate::domain::error::Result;
use crate::os::clock::{Clock, SystemClock};
use crate::os::files;
use crate::os::process::{Child, Event, Surroundings};

/// Milliseconds by which the sound may be shorter or longer than the video.
const AUDIO_TOLERANCE_MS: u64 = 100;
/// Seconds that decoding may take, whatever the clip's length…
const DECODE_BASE_SECONDS: u64 = 120;
/// …and per second of the clip.
const DECODE_SECONDS_PER_CLIP_SECOND: u64 = 6;
/// Lines of ffmpeg's output that are read: about one for each frame that changes, and room for messages.
const DECODE_LINES: u64 = 200_000;
/// Bytes kept of ffmpeg's messages for the log.
const DECODE_LOG_BYTES: usize = 2_048;
/// How often the caller is asked whether to go on.
const TICK: Duration = Duration::from_millis(100);

/// What a clip must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Length in milliseconds, met within half a second. `None`: any.
    pub length_ms: Option<u64>,
    /// Whether there must be sound. `None`: either way. Sound that is there must be as long as the video in any case.
    pub audio: Option<bool>,
}

/// Checks that a file is the expected clip, and that it can be decoded and is neither black nor frozen for long.
/// `ffmpeg`: the program, by path or by name in the search path; without it, or if it cannot be run, the picture is not
/// looked at. `go_on` is asked about ten times a second; `Ok(None)` if it says no.
///
/// The error has the code `render_failed`; if the video is at fault, its kind is `Invalid` and its message says why.
pub fn inspect(
    path: &Path,
    expected: &Expected,
    ffmpeg: Option<&str>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Option<VideoFacts>> {
    let report = probe(path)?;
    let facts = check_report(&report, expected.width, expected.height, expected.fps)?;
    check_length(facts.duration_ms, expected.length_ms)?;
    check_audio(&facts, report.audio_ms, expected.audio)?;
    let Some(ffmpeg) = ffmpeg else { return Ok(Some(facts)) };
    match decode(path, facts.duration_ms, ffmpeg, go_on)? {
        Decoded::Picture(picture) => {
            refuse("black", picture.black())?;
            refuse("frozen", picture.frozen())?;
            Ok(Some(facts))
        }
        Decoded::NoProgram => Ok(Some(facts)),
        Decoded::GivenUp => Ok(None),
    }
}

fn check_length(duration_ms: u64, length_ms: Option<u64>) -> Result<()> {
    match length_ms {
        Some(length_ms) if duration_ms.abs_diff(length_ms) > CLIP_TOLERANCE_MS => {
            Err(bad(format!("The video is {} s long, not {} s.", seconds(duration_ms), seconds(length_ms))))
        }
        _ => Ok(()),
    }
}

fn check_audio(facts: &VideoFacts, audio_ms: Option<u64>, wanted: Option<bool>) -> Result<()> {
    match (facts.has_audio, wanted) {
        (false, Some(true)) => return Err(bad("The video has no sound.")),
        (true, Some(false)) => return Err(bad("The video has sound, which was not asked for.")),
        (false, _) => return Ok(()),
        (true, _) => {}
    }
    let audio_ms = audio_ms.ok_or_else(|| bad("The index of the video's sound is damaged."))?;
    if audio_ms.abs_diff(facts.duration_ms) > AUDIO_TOLERANCE_MS {
        let lengths = [audio_ms, facts.duration_ms].map(|ms| format!("{:.2}", ms as f64 / 1_000.0));
        return Err(bad(format!("The video's sound is {} s long, its picture {} s.", lengths[0], lengths[1])));
    }
    Ok(())
}

fn refuse(what: &str, stretch: Option<Stretch>) -> Result<()> {
    stretch.map_or(Ok(()), |Stretch { start_ms, end_ms }| {
        Err(bad(format!("The picture is {what} from {} to {} s.", seconds(start_ms), seconds(end_ms))))
    })
}

fn seconds(ms: u64) -> String {
    format!("{:.1}", ms as f64 / 1_000.0)
}

/// How decoding ended.
enum Decoded {
    Picture(Picture),
    /// ffmpeg cannot be run.
    NoProgram,
    /// The caller did not want to go on.
    GivenUp,
}

/// Says once in the log that pictures are not looked at.
fn no_program(level: Level, ffmpeg: &str, why: &dyn Display) -> Decoded {
    static SAID: Once = Once::new();
    let words = "Clips are not checked for black or frozen pictures";
    SAID.call_once(|| log::log!(level, "{words}: cannot use {ffmpeg}: {why}"));
    Decoded::NoProgram
}

/// Decodes the whole file once.
fn decode(path: &Path, duration_ms: u64, ffmpeg: &str, go_on: &mut dyn FnMut() -> bool) -> Result<Decoded> {
    let (program, dir) = (Path::new(ffmpeg), files::folder_of(path));
    let mut child = match Child::spawn_in(Surroundings::Desktop, program, &arguments(path, duration_ms), dir, &[]) {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(no_program(Level::Info, ffmpeg, &error)),
        Err(error) => return Ok(no_program(Level::Warn, ffmpeg, &error)),
    };
    let clock = SystemClock::new();
    let patience = DECODE_BASE_SECONDS + DECODE_SECONDS_PER_CLIP_SECOND * duration_ms.div_ceil(1_000);
    let until = clock.monotonic() + Duration::from_secs(patience);
    let (mut picture, mut said, mut lines) = (Picture::new(duration_ms), String::new(), 0);
    loop {
        if !go_on() {
            return Ok(Decoded::GivenUp);
        }
        match child.next(TICK).map_err(|error| bad("The video could not be checked.").because(error))? {
            Event::Out(_) => lines += 1,
            Event::Err(line) => {
                lines += 1;
                if !picture.hear(&line) && said.len() + line.len() < DECODE_LOG_BYTES {
                    said.push_str(&line);
                    said.push('\n');
                }
            }
            Event::Silence => {}
            Event::Ended(Some(0)) => return Ok(Decoded::Picture(picture)),
            // Killed from outside, as by a sandbox or for lack of memory: that says nothing about the video.
            Event::Ended(None) => return Ok(no_program(Level::Warn, ffmpeg, &"it was killed")),
            Event::Ended(_) if picture::is_incomplete_program(&said) => {
                return Ok(no_program(Level::Warn, ffmpeg, &said));
            }
            Event::Ended(_) => return Err(bad("The video cannot be decoded without errors.").because(said.trim_end())),
        }
        if lines > DECODE_LINES || clock.monotonic() > until {
            return Err(bad("The video could not be checked: decoding it takes too long.").because(said.trim_end()));
        }
    }
}
