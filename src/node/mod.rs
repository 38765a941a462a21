//! The render-node agent: claim → fetch → render → upload → complete. It talks to the server over HTTP even when it
//! runs inside the server's process.
//!
//! It knows nothing about SQL or accounts, and never parses a demo itself: a child process does that.

pub mod agent;
mod api;
mod cache;
pub mod check;
pub mod child;
mod context;
mod direct;
mod fetch;
mod frames;
mod game;
mod heartbeat;
mod inspection;
pub mod join;
mod lease;
mod maps;
mod meter;
mod outbox;
mod outlast;
pub mod patience;
mod radars;
pub mod renderers;
mod said;
mod unpack;
mod upload;
mod work;

pub use cache::NODE_CACHE_BYTES;
