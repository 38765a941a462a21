//! Demo in, MP4 out, without the game or a GPU: finds the round and player, draws a tactical replay, and encodes it.
//!
//! Knows nothing about servers and accounts. Demos are untrusted: callers run this in a child process ([`command`]),
//! and all bad input results in an error.

pub mod clip;
pub mod command;
pub mod demo;
pub mod draw;
pub mod forge;
pub mod game;
mod ground_file;
pub mod map_grounds;
pub mod pipeline;
pub mod preview;
pub mod radars;
pub mod scene;
pub mod video;
