//! The preset for HLAE, which starts the game with a recorder inside and exits at once.

mod cfg;
mod drive;
mod take;
mod ticks;

pub use cfg::{argv, cfgs, encoders, hook, problem};
pub use drive::render;
pub use ticks::Ticks;
