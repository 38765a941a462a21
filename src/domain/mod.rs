//! The domain: accounts, keys, jobs, leases, nodes, clips, the ledger, money, and their rules.
//!
//! Independent of SQL, HTTP, JSON, clocks and files: all functions are pure.

pub mod account;
pub mod camera;
pub mod clip;
pub mod delivery;
pub mod demo;
pub mod epoch;
pub mod error;
pub mod error_code;
pub mod failure;
pub mod frame;
pub mod game_build;
pub mod history;
pub mod http_url;
pub mod id;
pub mod idempotency;
pub mod job;
pub mod job_info;
pub mod join_token;
pub mod key;
pub mod lease;
pub mod ledger;
pub mod list;
pub mod money;
pub mod month;
pub mod node;
pub mod node_record;
pub mod node_speed;
pub mod offer;
pub mod operator;
pub mod player;
pub mod protocol;
pub mod quota;
pub mod rates;
pub mod retention;
#[cfg(test)]
mod samples;
pub mod schedule;
pub mod sha256;
pub mod shard;
pub mod statement;
pub mod text;
pub mod usage;
pub mod webhook;
pub mod wording;

pub use error::{Error, Kind, Result};
