//! The real game, driven through other programs under the command contract: presets for HLAE and CS Demo Manager, and
//! the proof that the picture shows the right player.
//!
//! Knows nothing about servers, accounts and leases. A preset runs in a child process of the node
//! (`dinkem-appliance render --job job.json` with [`GameSetup`] in the job), so that one kind of watchdog and one kind of
//! end serves all renderers.
//!
//! A preset may start the game only once per machine at a time. It ends the game and removes everything that the tools
//! leave behind, however it ends itself; [`sweep`] does the same for a preset that was killed.

mod check;
mod csdm;
mod ending;
mod files;
mod hlae;
pub mod install;
mod launch;
mod leftovers;
mod mux;
mod patience;
pub mod pov;
mod report;
mod run;
mod script;
mod session;
pub mod setup;
mod stage;
mod state_integration;
mod tail;
mod values;
mod vdf;
pub mod versions;
mod windows;

pub use check::problems;
pub use csdm::{System, config as csdm_config};
pub use ending::Fault;
pub use files::{Files, csgo};
pub use hlae::{Ticks, argv as hlae_argv, cfgs as hlae_cfgs, encoders as hlae_encoders, hook as hlae_hook};
pub use launch::Launch;
pub use leftovers::{game_info_is_writable, sweep};
pub use patience::Patience;
pub use run::{run, run_with};
pub use script::pov_script;
pub use setup::GameSetup;
pub use state_integration::StateIntegration;
pub use versions::{Builds, builds};
