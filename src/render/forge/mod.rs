//! Demo generator: forges valid demos of fictional matches, for the sample and for tests.
//!
//! A match is described ([`description`]) and played ([`play`]) into a byte-identical demo each time. Schema, tables,
//! and events are defined here: nothing is copied from a genuine demo, and nothing outside the repository is needed.

mod bits;
mod bomb;
mod cast;
mod classes;
mod container;
pub mod description;
mod director;
mod events;
mod fieldpath;
mod harbour;
mod quick;
mod recorder;
mod sample;
mod schema;
mod sweep;
mod tables;
mod throws;
mod walk;
mod world;

pub use director::play;
pub use quick::{quick, quick_match, quick_round};
pub use recorder::TICK_RATE;
pub use sample::{SAMPLE_PLAYER, SAMPLE_ROUND, sample, sample_match};
