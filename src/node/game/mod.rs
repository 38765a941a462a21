//! Jobs for the real game: what is checked before it starts, when this node takes such jobs at all, and the try after
//! each update.

mod canary;
pub mod desk;
mod preflight;
mod recording;

pub use canary::{attempt as try_game, keep as keep_canary};
pub use recording::{GameJob, Recording, record};
