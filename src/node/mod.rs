//! The render-node agent: claim → fetch → render → upload → complete, over HTTP as any machine does, whether it runs
//! on its own or inside the server's process.
//!
//! Knows nothing of SQL or accounts. Nothing from a demo is parsed in here: a child process does that.

pub mod agent;
mod api;
mod cache;
pub mod check;
pub mod child;
mod context;
mod fetch;
mod heartbeat;
pub mod join;
mod lease;
mod meter;
mod unpack;
mod upload;
mod work;
