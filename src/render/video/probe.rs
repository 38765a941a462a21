//! What a video file is, read from its own structure: the check before a clip is uploaded, and again before it is
//! published and billed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::boxes::{Fields, Name, boxes, find, find_path};
use crate::domain::clip::VideoFacts;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;

/// Bytes of a video's index at most: ten minutes at 60 frames a second take less than 1 MiB.
const INDEX_BYTES: u64 = 32 << 20;
/// Boxes at the top of a file at most.
const TOP_BOXES: usize = 1_024;

/// What [`probe`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoReport {
    /// Size, rate and length.
    pub facts: VideoFacts,
    /// Whether the video track is H.264.
    pub h264: bool,
    /// H.264's profile number: 66 Baseline, 77 Main, 100 High; 0 for another codec.
    pub profile: u8,
    /// Whether the index comes before the pictures, so that a browser can begin at once.
    pub faststart: bool,
}

/// Reads what an MP4 is. An error is of kind `Invalid` with the code `render_failed` when the file is not a whole MP4
/// with a video track.
pub fn probe(path: &Path) -> Result<VideoReport> {
    let unreadable = |error| Error::internal("The video file could not be read.", error);
    let mut file = File::open(path).map_err(unreadable)?;
    let layout = Layout::read(&mut file).map_err(unreadable)?;
    let faulty = || bad("The video is not a whole MP4 file.");
    let layout = layout.ok_or_else(faulty)?;

    let mut video = None;
    let mut has_audio = false;
    for (_, trak) in boxes(&layout.index).filter(|(name, _)| name == b"trak") {
        match handler(trak) {
            Some([b'v', b'i', b'd', b'e']) if video.is_none() => video = Some(Track::read(trak).ok_or_else(faulty)?),
            Some([b's', b'o', b'u', b'n']) => has_audio = true,
            _ => {}
        }
    }
    let track = video.ok_or_else(|| bad("The video file has no video track."))?;
    if track.bytes > layout.media_bytes || track.last_chunk >= layout.bytes {
        return Err(faulty());
    }
    Ok(VideoReport {
        facts: VideoFacts {
            width: track.width,
            height: track.height,
            frames: track.frames,
            fps: track.fps(),
            duration_ms: track.duration_ms(),
            has_audio,
        },
        h264: track.h264,
        profile: track.profile,
        faststart: layout.index_first,
    })
}

/// Whether the file at `path` is the clip that was asked for: H.264 of this size and rate, its index first, not empty.
pub fn check(path: &Path, width: u32, height: u32, fps: u32) -> Result<VideoFacts> {
    let report = probe(path)?;
    let facts = report.facts;
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
        return Err(bad(format!("The video has {} frames a second, not {fps}.", facts.fps)));
    }
    if !report.faststart {
        return Err(bad("The video's index does not come before its pictures."));
    }
    Ok(facts)
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, FailureCode::RenderFailed.as_str(), message)
}

/// How the file lies on the disk.
struct Layout {
    /// Length of the file.
    bytes: u64,
    /// Content of the `moov` box.
    index: Vec<u8>,
    /// Whether it comes before all media.
    index_first: bool,
    /// Bytes in `mdat` boxes.
    media_bytes: u64,
}

impl Layout {
    /// Walks the boxes at the top of a file. `Ok(None)` when they do not add up to a whole MP4.
    fn read(file: &mut File) -> std::io::Result<Option<Self>> {
        let bytes = file.seek(SeekFrom::End(0))?;
        let (mut index, mut media_bytes, mut index_first, mut has_type) = (None, 0u64, true, false);
        let mut at = 0;
        for _ in 0..TOP_BOXES {
            if at == bytes {
                break;
            }
            let Some((name, head, content)) = top_box(file, at, bytes)? else { return Ok(None) };
            match &name {
                b"ftyp" => has_type = true,
                b"mdat" => {
                    index_first &= index.is_some();
                    media_bytes = media_bytes.saturating_add(content);
                }
                b"moov" if index.is_none() && content <= INDEX_BYTES => {
                    let mut buffer = vec![0; content as usize];
                    file.seek(SeekFrom::Start(at + head))?;
                    file.read_exact(&mut buffer)?;
                    index = Some(buffer);
                }
                _ => {}
            }
            at += head + content;
        }
        let whole = has_type && at == bytes;
        Ok(index.filter(|_| whole).map(|index| Self { bytes, index, index_first, media_bytes }))
    }
}

/// The box at an offset of the file: its name, the length of its head, the length of its content. `None` when it does
/// not end inside the file.
fn top_box(file: &mut File, at: u64, end: u64) -> std::io::Result<Option<(Name, u64, u64)>> {
    let mut head = Vec::with_capacity(16);
    file.seek(SeekFrom::Start(at))?;
    file.by_ref().take(16).read_to_end(&mut head)?;
    let mut fields = Fields(&head);
    let parsed = (|| {
        let short = fields.u32()?;
        let name: Name = fields.bytes(4)?.try_into().ok()?;
        let (head, size) = match short {
            0 => (8, end - at),
            1 => (16, fields.u64()?),
            size => (8, u64::from(size)),
        };
        (size <= end - at).then_some((name, head, size.checked_sub(head)?))
    })();
    Ok(parsed)
}

/// A track's handler: `vide`, `soun`.
fn handler(trak: &[u8]) -> Option<Name> {
    let mut fields = Fields(find_path(trak, &[b"mdia", b"hdlr"])?);
    fields.version()?;
    fields.bytes(4)?;
    fields.bytes(4)?.try_into().ok()
}

/// A video track, as its tables tell.
struct Track {
    width: u32,
    height: u32,
    h264: bool,
    profile: u8,
    /// Units of time a second.
    timescale: u64,
    /// Sum of all frames' durations, in units of time.
    duration: u64,
    frames: u64,
    /// Sum of all frames' sizes.
    bytes: u64,
    /// Largest offset at which a run of frames begins.
    last_chunk: u64,
}

impl Track {
    fn read(trak: &[u8]) -> Option<Self> {
        let media = find(trak, b"mdia")?;
        let tables = find_path(media, &[b"minf", b"stbl"])?;
        let mut head = Fields(find(media, b"mdhd")?);
        let version = head.version()?;
        head.u64_or_u32(version)?;
        head.u64_or_u32(version)?;
        let timescale = u64::from(head.u32()?);

        let (mut frames_in_time, mut duration) = (0u64, 0u64);
        for_each_entry::<2>(find(tables, b"stts")?, |[count, delta]| {
            frames_in_time += u64::from(count);
            duration = duration.saturating_add(u64::from(count) * u64::from(delta));
        })?;
        let (frames, bytes) = sizes(find(tables, b"stsz")?)?;
        let mut last_chunk = 0;
        match find(tables, b"stco") {
            Some(offsets) => for_each_entry::<1>(offsets, |[offset]| last_chunk = last_chunk.max(u64::from(offset)))?,
            None => for_each_entry::<2>(find(tables, b"co64")?, |[high, low]| {
                last_chunk = last_chunk.max(u64::from(high) << 32 | u64::from(low));
            })?,
        }
        let (width, height, h264, profile) = description(find(tables, b"stsd")?)?;
        let agrees = frames == frames_in_time && timescale > 0;
        agrees.then_some(Self { width, height, h264, profile, timescale, duration, frames, bytes, last_chunk })
    }

    fn duration_ms(&self) -> u64 {
        let milliseconds = u128::from(self.duration) * 1_000 / u128::from(self.timescale);
        u64::try_from(milliseconds).unwrap_or(u64::MAX)
    }

    /// Frames a second, rounded; 0 for a track without time.
    fn fps(&self) -> u32 {
        let units = u128::from(self.frames) * u128::from(self.timescale);
        let duration = u128::from(self.duration);
        let rate = (units + duration / 2).checked_div(duration).unwrap_or(0);
        u32::try_from(rate).unwrap_or(u32::MAX)
    }
}

/// Walks a table of a full box: a count, then as many entries of `N` numbers.
fn for_each_entry<const N: usize>(table: &[u8], mut each: impl FnMut([u32; N])) -> Option<()> {
    let mut fields = Fields(table);
    fields.version()?;
    for _ in 0..fields.u32()? {
        let mut entry = [0; N];
        for number in &mut entry {
            *number = fields.u32()?;
        }
        each(entry);
    }
    Some(())
}

/// `stsz`: how many frames there are, and their sizes' sum.
fn sizes(table: &[u8]) -> Option<(u64, u64)> {
    let mut fields = Fields(table);
    fields.version()?;
    let each = u64::from(fields.u32()?);
    let frames = u64::from(fields.u32()?);
    if each > 0 {
        return Some((frames, frames * each));
    }
    let mut bytes = 0;
    for _ in 0..frames {
        bytes += u64::from(fields.u32()?);
    }
    Some((frames, bytes))
}

/// `stsd`: width, height, whether it is H.264, its profile.
fn description(table: &[u8]) -> Option<(u32, u32, bool, u8)> {
    let mut fields = Fields(table);
    fields.version()?;
    fields.u32()?;
    let (codec, entry) = boxes(fields.0).next()?;
    let mut entry = Fields(entry);
    entry.bytes(24)?;
    let (width, height) = (entry.u16()?, entry.u16()?);
    entry.bytes(50)?;
    let h264 = codec == *b"avc1" || codec == *b"avc3";
    let profile = if h264 { *find(entry.0, b"avcC")?.get(1)? } else { 0 };
    Some((u32::from(width), u32::from(height), h264, profile))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::render::video::{Effort, Encoder, I420, Movie};

    /// A video of a few grey frames.
    fn video(dir: &Path, frames: u32, fps: u32) -> PathBuf {
        let path = dir.join("clip.mp4");
        let (width, height) = (160, 90);
        let mut encoder = Encoder::new(fps, Effort::Fast).unwrap();
        let mut movie = Movie::create(&path, width, height, fps).unwrap();
        let mut frame = I420::new(width as usize, height as usize);
        for number in 0..frames {
            let pixels = [number as u8 * 3, 80, 120, 255].repeat((width * height) as usize);
            frame.take(&pixels, 0, 0, width as usize, height as usize).unwrap();
            movie.add(&encoder.encode(&frame).unwrap()).unwrap();
        }
        movie.finish().unwrap();
        path
    }

    #[test]
    fn an_encoded_video_is_what_it_was_meant_to_be() {
        let dir = tempfile::tempdir().unwrap();
        for (frames, fps, duration_ms) in [(2, 30, 66), (45, 30, 1_500), (61, 60, 1_016)] {
            let path = video(dir.path(), frames, fps);
            let facts =
                VideoFacts { width: 160, height: 90, frames: frames.into(), fps, duration_ms, has_audio: false };
            let report = VideoReport { facts: facts.clone(), h264: true, profile: 100, faststart: true };
            assert_eq!(probe(&path).unwrap(), report);
            assert_eq!(check(&path, 160, 90, fps).unwrap(), facts);
        }
    }

    #[test]
    fn another_video_than_was_asked_for_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = video(dir.path(), 10, 30);
        for (width, height, fps, message) in [
            (160, 92, 30, "The video is 160x90, not 160x92."),
            (90, 160, 30, "The video is 160x90, not 90x160."),
            (160, 90, 60, "The video has 30 frames a second, not 60."),
        ] {
            let error = check(&path, width, height, fps).unwrap_err();
            assert_eq!((error.kind, error.code, error.message.as_str()), (Kind::Invalid, "render_failed", message));
        }
    }

    #[test]
    fn a_file_that_is_not_a_whole_mp4_is_refused_wherever_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let whole = std::fs::read(video(dir.path(), 10, 30)).unwrap();
        let path = dir.path().join("bad.mp4");
        for length in (0..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(check(&path, 160, 90, 30).unwrap_err().code, "render_failed", "cut at {length}");
        }
        std::fs::write(&path, b"<html>Not found</html>").unwrap();
        assert_eq!(check(&path, 160, 90, 30).unwrap_err().message, "The video is not a whole MP4 file.");
        assert_eq!(check(&dir.path().join("none.mp4"), 160, 90, 30).unwrap_err().kind, Kind::Internal);
    }

    #[test]
    fn no_damage_to_the_index_is_worse_than_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let whole = std::fs::read(video(dir.path(), 10, 30)).unwrap();
        let path = dir.path().join("bad.mp4");
        let index = whole.windows(4).position(|name| name == b"mdat").unwrap();
        for at in 0..index {
            for value in [0x00, 0x01, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                std::fs::write(&path, &damaged).unwrap();
                // Whatever it says, it says it without a panic.
                let _ = check(&path, 160, 90, 30);
            }
        }
    }
}
