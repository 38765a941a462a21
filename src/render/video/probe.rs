//! Determines the properties of a video file. Clips are checked before upload, and again before they are published
//! and billed.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::boxes::{Fields, Name, boxes, find_path};
use super::layout::Layout;
use super::track::{self, Fault, Track};
use crate::domain::clip::{CLIP_SECONDS, CLIP_TOLERANCE_MS, VideoFacts};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;

/// The result of [`probe`].
#[derive(Clone, Debug, PartialEq)]
pub struct VideoReport {
    /// Size, frame rate, and duration.
    pub facts: VideoFacts,
    /// Length of the sound in milliseconds. `None`: there is no sound, or its tables are inconsistent.
    pub audio_ms: Option<u64>,
    /// Whether the video track is H.264.
    pub h264: bool,
    /// H.264 profile number: 66 Baseline, 77 Main, 100 High; 0 for another codec.
    pub profile: u8,
    /// Whether the frame rate is constant.
    pub constant: bool,
    /// Whether the index precedes the media data, so that browsers can start playback at once.
    pub faststart: bool,
}

/// Probes an MP4. The error is of kind `Invalid` with the code `render_failed` if the file is not a complete MP4 with
/// a video track.
pub fn probe(path: &Path) -> Result<VideoReport> {
    probe_read(&mut File::open(path).map_err(unreadable)?)
}

/// The same for a video that need not be a file. Only its index is read.
fn probe_read(video: &mut (impl Read + Seek)) -> Result<VideoReport> {
    let layout = Layout::read(video).map_err(unreadable)?;
    let layout = layout.ok_or_else(|| describe(Fault::Tables))?;

    let mut video = None;
    let (mut has_audio, mut audio_ms) = (false, None);
    for (_, trak) in boxes(&layout.index).filter(|(name, _)| name == b"trak") {
        match handler(trak) {
            Some([b'v', b'i', b'd', b'e']) if video.is_none() => {
                video = Some(Track::read(trak, &layout.media).map_err(describe)?)
            }
            Some([b's', b'o', b'u', b'n']) if !has_audio => (has_audio, audio_ms) = (true, track::audio_ms(trak)),
            _ => {}
        }
    }
    let track = video.ok_or_else(|| bad("The video file has no video track."))?;
    Ok(VideoReport {
        facts: VideoFacts {
            width: track.width,
            height: track.height,
            frames: track.frames,
            fps: track.fps(),
            duration_ms: track.duration_ms(),
            has_audio,
        },
        audio_ms,
        h264: track.h264,
        profile: track.profile,
        constant: track.is_constant(),
        faststart: layout.index_first,
    })
}

/// Checks that a file is the requested clip: H.264 with this size and frame rate, index first, not empty.
pub fn check(path: &Path, width: u32, height: u32, fps: u32) -> Result<VideoFacts> {
    check_report(&probe(path)?, width, height, fps)
}

/// The same for a video that need not be a file.
pub fn check_read(video: &mut (impl Read + Seek), width: u32, height: u32, fps: u32) -> Result<VideoFacts> {
    check_report(&probe_read(video)?, width, height, fps)
}

/// The same for a file that was probed.
pub fn check_report(report: &VideoReport, width: u32, height: u32, fps: u32) -> Result<VideoFacts> {
    let facts = &report.facts;
    if !report.h264 {
        return Err(bad("The video is not H.264."));
    }
    if facts.frames == 0 || facts.duration_ms == 0 {
        return Err(bad("The video has no frames."));
    }
    if (facts.width, facts.height) != (width, height) {
        return Err(bad(format!("The video is {}x{}, not {width}x{height}.", facts.width, facts.height)));
    }
    if facts.fps != fps {
        return Err(bad(format!("The video has {} frames per second, not {fps}.", facts.fps)));
    }
    if !report.constant {
        return Err(bad("The video does not have a constant frame rate."));
    }
    if facts.duration_ms > u64::from(CLIP_SECONDS) * 1_000 + CLIP_TOLERANCE_MS {
        return Err(describe(Fault::TooLong));
    }
    if !report.faststart {
        return Err(bad("The video's index does not precede its media data."));
    }
    Ok(facts.clone())
}

fn unreadable(error: io::Error) -> Error {
    Error::internal("Could not read the video file.", error)
}

fn describe(fault: Fault) -> Error {
    match fault {
        Fault::Tables => bad("The video is not a complete MP4 file."),
        Fault::TooLong => bad(format!("The video is longer than {CLIP_SECONDS} seconds.")),
        Fault::EmptyFrame => bad("The video has empty frames."),
        Fault::Outside => bad("The video's frames are not stored consecutively in its media data."),
    }
}

/// The error for a file that is not the requested clip.
pub fn bad(message: impl Into<String>) -> Error {
    Error::of_failure(Kind::Invalid, FailureCode::RenderFailed, message)
}

/// A track's handler: `vide`, `soun`.
fn handler(trak: &[u8]) -> Option<Name> {
    let mut fields = Fields(find_path(trak, &[b"mdia", b"hdlr"])?);
    fields.version()?;
    fields.bytes(4)?;
    fields.bytes(4)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::render::video::{Encoder, I420, Mp4Writer};

    /// A video of a few grey frames.
    fn video(dir: &Path, frames: u32, fps: u32) -> PathBuf {
        let path = dir.join("clip.mp4");
        let (width, height) = (160, 90);
        let mut encoder = Encoder::new(width, height, fps).unwrap();
        let mut video = Mp4Writer::create(&path, width, height, fps).unwrap();
        let mut frame = I420::new(width as usize, height as usize);
        for number in 0..frames {
            let pixels = [number as u8 * 3, 80, 120, 255].repeat((width * height) as usize);
            frame.take(&pixels, 0, 0, width as usize, height as usize).unwrap();
            video.add(&encoder.encode(&frame).unwrap()).unwrap();
        }
        video.finish().unwrap();
        path
    }

    #[test]
    fn encoded_video_has_the_requested_properties() {
        let dir = tempfile::tempdir().unwrap();
        for (frames, fps, duration_ms) in [(2, 30, 66), (45, 30, 1_500), (61, 60, 1_016)] {
            let path = video(dir.path(), frames, fps);
            let facts =
                VideoFacts { width: 160, height: 90, frames: frames.into(), fps, duration_ms, has_audio: false };
            let report = VideoReport {
                facts: facts.clone(),
                audio_ms: None,
                h264: true,
                profile: 100,
                constant: true,
                faststart: true,
            };
            assert_eq!(probe(&path).unwrap(), report);
            assert_eq!(check(&path, 160, 90, fps).unwrap(), facts);
        }
    }

    #[test]
    fn video_that_was_not_requested_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = video(dir.path(), 10, 30);
        for (width, height, fps, message) in [
            (160, 92, 30, "The video is 160x90, not 160x92."),
            (90, 160, 30, "The video is 160x90, not 90x160."),
            (160, 90, 60, "The video has 30 frames per second, not 60."),
        ] {
            let error = check(&path, width, height, fps).unwrap_err();
            assert_eq!(
                (error.kind, error.code.as_str(), error.message.as_str()),
                (Kind::Invalid, "render_failed", message)
            );
        }
    }

    #[test]
    fn truncated_mp4_is_refused_at_any_length() {
        let dir = tempfile::tempdir().unwrap();
        let whole = std::fs::read(video(dir.path(), 10, 30)).unwrap();
        let path = dir.path().join("bad.mp4");
        for length in (0..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(check(&path, 160, 90, 30).unwrap_err().code.as_str(), "render_failed", "cut at {length}");
        }
        std::fs::write(&path, b"<html>Not found</html>").unwrap();
        assert_eq!(check(&path, 160, 90, 30).unwrap_err().message, "The video is not a complete MP4 file.");
        assert_eq!(check(&dir.path().join("none.mp4"), 160, 90, 30).unwrap_err().kind, Kind::Internal);
    }

    #[test]
    fn damaged_index_never_panics() {
        let dir = tempfile::tempdir().unwrap();
        let whole = std::fs::read(video(dir.path(), 10, 30)).unwrap();
        let path = dir.path().join("bad.mp4");
        let index = whole.windows(4).position(|name| name == b"mdat").unwrap();
        for at in 0..index {
            for value in [0x00, 0x01, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                std::fs::write(&path, &damaged).unwrap();
                // The result does not matter as long as there is no panic.
                let _ = check(&path, 160, 90, 30);
            }
        }
    }
}
