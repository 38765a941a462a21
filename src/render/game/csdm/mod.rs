//! The preset for CS Demo Manager, whose command line starts the game, watches it, and encodes the video.

mod config;
mod drive;
mod messages;
mod plugin;
mod settings;

pub use config::{System, config};
pub use drive::render;
