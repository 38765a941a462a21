//! Frames to H.264, High profile.
//!
//! The settings are measured, not guessed: a fixed quantizer, one reference, little search. The picture is flat and
//! mostly still, so that costs hardly a visible detail and is the fastest that the encoder can do. Where `nasm` was not
//! there at build time the encoder is half as fast.

use openh264::encoder::{
    BitRate, Complexity, Encoder as OpenH264, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile, QpRange,
    RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::{OpenH264API, Timestamp};

use super::i420::I420;
use crate::domain::error::{Error, Result};

/// Seconds between two frames that a player can seek to.
const KEY_SECONDS: u32 = 2;
/// Fixed quantizer: SSIM .994 on this picture.
const QUANTIZER: u8 = 22;
/// Only a promise to the encoder, which chooses its level by it; with a fixed quantizer it steers nothing.
const BITS_PER_SECOND: u32 = 12_000_000;

/// How much work the encoder puts into a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// What clips are made with.
    Fast,
    /// The encoder's own idea of quality: slower, and no better on this picture. Benches compare with it.
    Thorough,
}

/// One encoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The frame as Annex B NAL units.
    pub bytes: Vec<u8>,
    /// Whether playing can begin here.
    pub key: bool,
}

/// Frames from one key frame to the next, at so many frames a second.
pub fn key_interval(fps: u32) -> u64 {
    u64::from(fps * KEY_SECONDS)
}

/// Encodes one run of frames; the first is a key frame.
pub struct Encoder {
    inner: OpenH264,
    fps: u32,
    frames: u64,
}

impl Encoder {
    /// For frames of one size at `fps` a second.
    pub fn new(fps: u32, effort: Effort) -> Result<Self> {
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
            .vui(VuiConfig::bt709());
        let config = match effort {
            Effort::Fast => config
                .rate_control_mode(RateControlMode::Bufferbased)
                .qp(QpRange::new(QUANTIZER, QUANTIZER))
                .complexity(Complexity::Low)
                .background_detection(true),
            Effort::Thorough => config
                .rate_control_mode(RateControlMode::Quality)
                .qp(QpRange::new(QUANTIZER - 4, QUANTIZER))
                .complexity(Complexity::Medium)
                .background_detection(false),
        };
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
            return Err(failed("it left a frame out"));
        }
        self.frames += 1;
        Ok(Packet { bytes, key })
    }
}

fn failed(detail: impl std::fmt::Display) -> Error {
    Error::internal("The video encoder failed.", detail)
}
