//! Video files: encode frames, write them into an MP4, and read off an MP4 what it is.
//!
//! Knows nothing of demos and of what is on the picture.

mod boxes;
mod probe;

pub use probe::{VideoReport, check, probe};
