//! Video files: encode frames, write them into an MP4, and read off an MP4 what it is.
//!
//! Knows nothing of demos and of what is on the picture.

mod boxes;
mod encode;
mod i420;
mod layout;
mod mux;
mod probe;
mod track;

pub use encode::{Effort, Encoder, Packet, key_interval};
pub use i420::I420;
pub use mux::Movie;
pub use probe::{VideoReport, check, probe};
