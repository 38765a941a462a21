//! What the tests share: appliances, the real binary as processes, a hand on the wire between them, an HTTP client that
//! can be odd, small servers of files.

pub mod appliance;
#[cfg(target_os = "linux")]
pub mod bad_demos;
pub mod cli;
pub mod cli_server;
pub mod client;
pub mod clip;
pub mod csv;
pub mod dice;
pub mod disk;
pub mod files;
pub mod listener;
pub mod mp4;
#[cfg(target_os = "linux")]
pub mod node_bench;
#[cfg(target_os = "linux")]
pub mod node_server;
pub mod office;
pub mod openapi;
pub mod packers;
pub mod process;
pub mod proxy;
pub mod quick;
#[cfg(unix)]
pub mod script;
pub mod tools;
pub mod video;
pub mod wait;
pub mod work;

use dinkem_appliance::domain::operator::Operator;

/// The operator of the tests.
pub fn operator() -> Operator {
    Operator::named("test")
}
