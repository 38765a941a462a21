//! Encodes frames as H.264 High profile.
//!
//! The quantizers were chosen by measurement. Key frames are fine and the frames between them coarse: the picture
//! mostly stands still and keeps the quality of its key frame, and what moves hides what the coarser steps lose.

use h264::Settings;

use super::i420::I420;
use crate::domain::error::{Error, Result};

pub use h264::Packet;

/// Seconds between key frames.
const KEY_SECONDS: u32 = 4;
/// Quantizer of key frames.
const KEY_QUANTIZER: u8 = 16;
/// Quantizer of the frames between them. From 31 on faint lines are washed out until the next key frame.
const QUANTIZER: u8 = 30;

/// Frames between key frames at this frame rate.
pub fn key_interval(fps: u32) -> u32 {
    fps * KEY_SECONDS
}

/// Encodes a sequence of frames; the first is a key frame.
pub struct Encoder {
    inner: h264::Encoder,
}

impl Encoder {
    /// Creates an encoder for frames of this size, in pixels, at this frame rate.
    pub fn new(width: u32, height: u32, fps: u32) -> Result<Self> {
        let (width, height) = (width as usize, height as usize);
        let settings = Settings {
            width,
            height,
            fps,
            key_interval: key_interval(fps),
            key_quantizer: KEY_QUANTIZER,
            quantizer: QUANTIZER,
        };
        Ok(Self { inner: h264::Encoder::new(settings).map_err(failed)? })
    }

    /// Encodes the next frame, of which only what changed is looked at.
    pub fn encode(&mut self, frame: &I420) -> Result<Packet> {
        self.inner.encode(&frame.picture(), frame.changes()).map_err(failed)
    }
}

fn failed(detail: h264::Error) -> Error {
    Error::internal("The video encoder failed.", detail)
}
