//! Demo in, MP4 out, with no game and no GPU: find the round and the player, draw a tactical replay, encode it.
//!
//! Knows nothing of servers and accounts. Demos come from strangers: whatever calls this does it in a child process
//! ([`command`]), and everything here answers bad input with an error.

pub mod clip;
pub mod command;
pub mod demo;
pub mod draw;
pub mod forge;
pub mod reel;
pub mod scene;
pub mod video;
