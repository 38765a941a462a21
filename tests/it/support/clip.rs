//! Writes small valid videos.

use std::path::Path;

use muxide::api::{MuxerBuilder, VideoCodec};
use openh264::encoder::{Encoder, EncoderConfig};
use openh264::formats::YUVBuffer;

pub const FRAMES: u32 = 5;

/// Writes an MP4 as renderers do: H.264, index first, a few grey frames.
pub fn write_video(path: &Path, width: u32, height: u32, fps: u32) {
    write_frames(path, width, height, fps, FRAMES);
}

/// The same with so many frames.
pub fn write_frames(path: &Path, width: u32, height: u32, fps: u32, frames: u32) {
    let file = std::fs::File::create(path).unwrap();
    let muxer = MuxerBuilder::new(file).video(VideoCodec::H264, width, height, f64::from(fps)).with_fast_start(true);
    let mut muxer = muxer.build().unwrap();
    let mut encoder = Encoder::with_api_config(openh264::OpenH264API::from_source(), EncoderConfig::new()).unwrap();
    let (columns, lines) = (width as usize, height as usize);
    let grey = YUVBuffer::from_vec(vec![128; columns * lines * 3 / 2], columns, lines);
    for frame in 0..frames {
        let data = encoder.encode(&grey).unwrap().to_vec();
        muxer.write_video(f64::from(frame) / f64::from(fps), &data, frame == 0).unwrap();
    }
    muxer.finish().unwrap();
}
