//! dinkem-appliance: Counter-Strike 2 demos in, video clips out, on a studio's own render nodes.
//!
//! The folders have ranks, low to high: [`domain`]; [`os`]; [`store`], [`wire`], [`render`], [`config`];
//! [`app`]; [`http`], [`scheduler`], [`node`]; [`appliance`]; [`cli`]. A folder uses only folders of a lower rank, and
//! `tests/it/tidy.rs` enforces this. ARCHITECTURE.md walks one job through them.

pub mod app;
pub mod appliance;
pub mod cli;
pub mod config;
#[warn(missing_docs)]
pub mod domain;
pub mod http;
pub mod node;
#[warn(missing_docs)]
pub mod os;
pub mod render;
pub mod scheduler;
pub mod store;
#[warn(missing_docs)]
pub mod wire;
