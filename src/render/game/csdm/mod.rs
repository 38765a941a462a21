//! The preset for CS Demo Manager, whose command line starts the game, watches it, and encodes the video.

mod config;
mod drive;
mod messages;
mod plugin;
mod settings;
mod tool;

pub use config::{System, config};
pub use drive::render;
pub use settings::user_settings;
pub use tool::{check_game_info, program, version_problem};
