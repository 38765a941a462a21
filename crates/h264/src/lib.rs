//! An H.264 encoder for pictures that mostly stand still, in safe Rust.
//!
//! High profile, CABAC, one reference frame. Key frames are encoded finely and the frames between them coarsely: what
//! stands still keeps the quality of the key frame, and what moves costs little. The caller says what changed; the
//! rest of a frame is skipped without being looked at.

mod bits;
mod cabac;
mod choose;
mod contexts;
mod deblock;
mod encoder;
mod frame;
mod headers;
mod interface;
mod intra;
mod motion;
mod place;
mod residual;
mod search;
mod syntax;
#[cfg(test)]
mod tests;
mod transform;

pub use encoder::Encoder;
pub use interface::{Error, Packet, Picture, Rect, Settings};
