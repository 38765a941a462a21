//! What the tests share: the real binary as processes, a hand on the wire between them, small servers of files.

#[cfg(target_os = "linux")]
pub mod bad_demos;
pub mod cli;
pub mod cli_server;
#[cfg(target_os = "linux")]
pub mod clip;
pub mod listener;
#[cfg(target_os = "linux")]
pub mod node_bench;
#[cfg(target_os = "linux")]
pub mod node_server;
pub mod wait;
