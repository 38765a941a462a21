//! The real game, driven through other programs under the command contract: presets for HLAE and CS Demo Manager, and
//! the proof that the picture shows the right player.
//!
//! Knows nothing about servers, accounts and leases. A preset runs in a child process of the node
//! (`dinkem-appliance render --job job.json` with [`GameSetup`] in the job), so that one kind of watchdog and one kind of
//! end serves all renderers.

pub mod install;
mod launch;
mod leftovers;
pub mod pov;
mod setup;
mod vdf;
pub mod versions;

pub use launch::Launch;
pub use leftovers::sweep;
pub use setup::GameSetup;
pub use versions::{Builds, builds};
