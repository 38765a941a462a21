//! Encodes frames as H.264 High profile.
//!
//! The settings were chosen by measurement: fixed quantizer, one reference frame, minimal motion search. The picture
//! is flat and mostly static, so this costs hardly any visible detail and is the fastest mode. Without `nasm` at
//! build time the encoder runs at half speed.

use openh264::encoder::{
    BitRate, Complexity, Encoder as OpenH264, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile, QpRange,
    RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::{OpenH264API, Timestamp};

use super::i420::I420;
use crate::domain::error::{Error, Result};

/// Seconds between key frames.
const KEY_SECONDS: u32 = 4;
/// Fixed quantizer: SSIM 0.994 on this picture.
const QUANTIZER: u8 = 22;
/// Only used by the encoder to choose its level; with a fixed quantizer it has no effect on the rate.
const BITS_PER_SECOND: u32 = 12_000_000;

/// One encoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Annex B NAL units.
    pub bytes: Vec<u8>,
    /// Whether this is a key frame.
    pub key: bool,
}

/// Frames between key frames at this frame rate.
pub fn key_interval(fps: u32) -> u64 {
    u64::from(fps * KEY_SECONDS)
}

/// Encodes a sequence of frames; the first is a key frame.
pub struct Encoder {
    inner: OpenH264,
    fps: u32,
    frames: u64,
}

impl Encoder {
    /// Creates an encoder for frames of one size at this frame rate.
    pub fn new(fps: u32) -> Result<Self> {
        let config = EncoderConfig::new()
            .profile(Profile::High)
            .usage_type(UsageType::CameraVideoRealTime)
            .bitrate(BitRate::from_bps(BITS_PER_SECOND))
            .max_frame_rate(FrameRate::from_hz(fps as f32))
            .intra_frame_period(IntraFramePeriod::from_num_frames(fps * KEY_SECONDS))
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            .scene_change_detect(false)
            .adaptive_quantization(false)
            .skip_frames(false)
            .num_threads(1)
            .rate_control_mode(RateControlMode::Bufferbased)
            .qp(QpRange::new(QUANTIZER, QUANTIZER))
            .complexity(Complexity::Low)
            // It leaves specks until the next key frame.
            .background_detection(false)
            .vui(VuiConfig::bt709());
        let inner = OpenH264::with_api_config(OpenH264API::from_source(), config).map_err(failed)?;
        Ok(Self { inner, fps, frames: 0 })
    }

    /// Encodes the next frame.
    pub fn encode(&mut self, frame: &I420) -> Result<Packet> {
        let milliseconds = self.frames * 1_000 / u64::from(self.fps.max(1));
        let stream = self.inner.encode_at(frame, Timestamp::from_millis(milliseconds)).map_err(failed)?;
        let key = matches!(stream.frame_type(), FrameType::IDR);
        let bytes = stream.to_vec();
        if bytes.is_empty() {
            return Err(failed("it skipped a frame"));
        }
        self.frames += 1;
        Ok(Packet { bytes, key })
    }
}

fn failed(detail: impl std::fmt::Display) -> Error {
    Error::internal("The video encoder failed.", detail)
}
