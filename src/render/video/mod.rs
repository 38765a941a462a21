//! Video files: encoding, MP4 muxing, and probing.
//!
//! Knows nothing about demos and the content of the picture.

mod boxes;
mod encode;
mod i420;
mod inspect;
mod jpeg;
mod layout;
mod mux;
mod picture;
mod poster;
mod probe;
mod track;

pub use encode::{Encoder, Packet, key_interval};
pub use i420::I420;
pub use inspect::{Expected, inspect};
pub use jpeg::{is_frame, jpeg_size};
pub use mux::Mp4Writer;
pub use poster::{QUIET, poster_args};
pub use probe::{VideoReport, check, check_read, probe};
