//! Writes encoded frames as an MP4 with its index first (faststart), so that playback can start during download.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use muxide::api::{Muxer, MuxerBuilder, MuxerError, VideoCodec};

use super::encode::Packet;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;

/// An MP4 being written. The clip stays in memory until finished: at most some tens of megabytes.
pub struct Mp4Writer {
    muxer: Muxer<BufWriter<File>>,
    fps: u32,
    frames: u64,
}

impl Mp4Writer {
    /// Creates the file.
    pub fn create(path: &Path, width: u32, height: u32, fps: u32) -> Result<Self> {
        let file = File::create(path).map_err(failed)?;
        let muxer = MuxerBuilder::new(BufWriter::with_capacity(1 << 18, file))
            .video(VideoCodec::H264, width, height, f64::from(fps))
            .with_fast_start(true)
            .build()
            .map_err(failed)?;
        Ok(Self { muxer, fps, frames: 0 })
    }

    /// Adds the next frame. The first must be a key frame.
    pub fn add(&mut self, packet: &Packet) -> Result<()> {
        let seconds = self.frames as f64 / f64::from(self.fps);
        self.muxer.write_video(seconds, &packet.bytes, packet.key).map_err(failed)?;
        self.frames += 1;
        Ok(())
    }

    /// Frames added so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Writes the whole file.
    pub fn finish(mut self) -> Result<()> {
        self.muxer.finish_in_place().map_err(failed)?;
        // Flush explicitly: on drop, errors such as a full disk would be lost.
        let file = self.muxer.into_writer().into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)
    }
}

fn failed(error: impl Into<MuxerError>) -> Error {
    let error = error.into();
    let message = "Could not write the video.";
    match error {
        MuxerError::Io(_) => Error::of_failure(Kind::Internal, FailureCode::NodeFailed, message).because(error),
        _ => Error::internal(message, error),
    }
}
