//! The live frames of one lease: which of its renderer's previews goes to the server with the next heartbeat.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::frame::{FRAME_BYTES, FRAME_SECONDS};
use crate::node::api::{Heard, Trouble};
use crate::render::command::PREVIEW_FILE;
use crate::render::video::is_frame;

/// The time from one frame to the next.
pub const FRAME_EVERY: Duration = Duration::from_secs(FRAME_SECONDS);

/// The frames of a lease.
pub struct Frames {
    preview: PathBuf,
    /// Whether the server said last that somebody watches.
    is_watched: bool,
    /// What it has, and since when on the node's clock.
    sent: Option<(Vec<u8>, Duration)>,
    /// It refused one.
    is_unwelcome: bool,
}

impl Frames {
    /// Of the lease whose renderer works in this directory.
    pub fn of(workdir: &Path) -> Self {
        Self { preview: workdir.join(PREVIEW_FILE), is_watched: false, sent: None, is_unwelcome: false }
    }

    /// The frame to send now, a JPEG: none if nobody watches, if the last one was sent less than [`FRAME_EVERY`] ago, or
    /// if there is nothing new.
    pub fn next(&self, now: Duration) -> Option<Vec<u8>> {
        let is_due = |(_, at): &(Vec<u8>, Duration)| now >= *at + FRAME_EVERY;
        if !self.is_watched || self.is_unwelcome || !self.sent.as_ref().is_none_or(is_due) {
            return None;
        }
        let is_new = |frame: &Vec<u8>| self.sent.as_ref().is_none_or(|(sent, _)| sent != frame);
        self.read().filter(is_new)
    }

    /// Notes what became of a heartbeat sent at `now`, with this frame if any. Returns the longest time until the next
    /// one, if somebody watches: none at all if he has just come.
    pub fn note(&mut self, frame: Option<Vec<u8>>, heard: &Result<Heard, Trouble>, now: Duration) -> Option<Duration> {
        let was_watched = self.is_watched;
        // A server that fails may come back as an older one.
        self.is_watched = heard.as_ref().is_ok_and(|heard| heard.is_watched);
        self.is_unwelcome |= frame.is_some() && matches!(heard, Err(Trouble::Refused(_)));
        if !self.is_watched {
            self.sent = None;
            return None;
        }
        self.sent = frame.map(|frame| (frame, now)).or(self.sent.take());
        Some(if was_watched { FRAME_EVERY } else { Duration::ZERO })
    }

    /// The renderer's preview, if it is a live frame.
    fn read(&self) -> Option<Vec<u8>> {
        // Not followed: a renderer may leave a link to anywhere.
        let is_small =
            fs::symlink_metadata(&self.preview).is_ok_and(|file| file.is_file() && file.len() <= FRAME_BYTES as u64);
        if !is_small {
            return None;
        }
        let mut frame = Vec::new();
        File::open(&self.preview).ok()?.take(FRAME_BYTES as u64 + 1).read_to_end(&mut frame).ok()?;
        is_frame(&frame).then_some(frame)
    }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder};

    use super::*;
    use crate::domain::error::Error;

    fn jpeg(width: u16) -> Vec<u8> {
        let mut jpeg = Vec::new();
        let pixels = vec![50; usize::from(width) * 3];
        Encoder::new(&mut jpeg, 50).encode(&pixels, width, 1, ColorType::Rgb).unwrap();
        jpeg
    }

    fn said(is_watched: bool) -> Result<Heard, Trouble> {
        Ok(Heard { expires_in: Duration::from_secs(30), next_in: None, is_watched })
    }

    fn refused() -> Result<Heard, Trouble> {
        Err(Trouble::Refused(Error::internal("No.", "no")))
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn new_previews_are_sent_every_five_seconds_while_somebody_watches() {
        let dir = tempfile::tempdir().unwrap();
        let mut frames = Frames::of(dir.path());
        let write = |width| fs::write(dir.path().join("preview.jpg"), jpeg(width)).unwrap();
        write(1);
        assert_eq!(frames.next(seconds(0)), None, "nobody watches");
        assert_eq!(frames.note(None, &said(false), seconds(0)), None);
        assert_eq!(frames.note(None, &said(true), seconds(10)), Some(Duration::ZERO));
        let frame = frames.next(seconds(10));
        assert_eq!(frame, Some(jpeg(1)));
        assert_eq!(frames.note(frame, &said(true), seconds(10)), Some(FRAME_EVERY));
        assert_eq!(frames.next(seconds(15)), None, "the server has it");
        write(2);
        assert_eq!(frames.next(seconds(14)), None, "it comes too soon");
        assert_eq!(frames.next(seconds(15)), Some(jpeg(2)));
        // A heartbeat without a frame changes nothing.
        assert_eq!(frames.note(None, &said(true), seconds(16)), Some(FRAME_EVERY));
        let frame = frames.next(seconds(16));
        assert_eq!(frames.note(frame, &said(false), seconds(16)), None);
        assert_eq!(frames.next(seconds(30)), None, "nobody watches any more");
        assert_eq!(frames.note(None, &said(true), seconds(40)), Some(Duration::ZERO));
        assert_eq!(frames.next(seconds(40)), Some(jpeg(2)), "the server may have dropped it");
    }

    #[test]
    fn server_that_fails_gets_no_frame_and_one_that_refuses_them_is_spared() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("preview.jpg"), jpeg(1)).unwrap();
        let mut frames = Frames::of(dir.path());
        frames.note(None, &said(true), seconds(0));
        frames.note(None, &refused(), seconds(1));
        assert_eq!(frames.next(seconds(2)), None);
        frames.note(None, &said(true), seconds(3));
        let frame = frames.next(seconds(3));
        assert!(frame.is_some());
        frames.note(frame, &refused(), seconds(4));
        frames.note(None, &said(true), seconds(5));
        assert_eq!(frames.next(seconds(60)), None);
    }

    #[test]
    fn what_is_no_frame_is_not_sent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preview.jpg");
        let mut frames = Frames::of(dir.path());
        frames.note(None, &said(true), seconds(0));
        assert_eq!(frames.next(seconds(0)), None, "there is none");
        for bytes in [vec![], vec![0xff; FRAME_BYTES + 1], b"GIF89a".to_vec(), jpeg(641)] {
            fs::write(&path, &bytes).unwrap();
            assert_eq!(frames.next(seconds(0)), None, "{} bytes", bytes.len());
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(frames.next(seconds(0)), None, "a directory");
        #[cfg(unix)]
        {
            fs::remove_dir(&path).unwrap();
            fs::write(dir.path().join("elsewhere.jpg"), jpeg(1)).unwrap();
            std::os::unix::fs::symlink(dir.path().join("elsewhere.jpg"), &path).unwrap();
            assert_eq!(frames.next(seconds(0)), None, "a link");
        }
    }
}
