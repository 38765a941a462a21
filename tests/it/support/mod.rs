//! Shared test helpers: in-process servers, the real binary as processes, an HTTP client that can send malformed
//! requests, file servers, a proxy.

pub mod appliance;
#[cfg(unix)]
pub mod axe;
#[cfg(target_os = "linux")]
pub mod bad_demos;
#[cfg(unix)]
pub mod chromium;
pub mod cli;
pub mod cli_server;
pub mod client;
pub mod clip;
pub mod compression;
pub mod copies;
pub mod csv;
pub mod dashboard;
pub mod demo_trial;
pub mod demo_trials;
pub mod epochs;
pub mod fake_api;
pub mod fake_disk;
pub mod file_server;
pub mod hash;
pub mod hostile_match;
pub mod listener;
pub mod mp4;
pub mod mutation;
#[cfg(target_os = "linux")]
pub mod node_harness;
#[cfg(target_os = "linux")]
pub mod node_server;
pub mod openapi;
#[cfg(unix)]
pub mod playwright;
pub mod process;
pub mod proxy;
pub mod quick;
pub mod receiver;
pub mod rng;
pub mod s3;
#[cfg(unix)]
pub mod script;
pub mod seed;
#[cfg(target_os = "linux")]
pub mod slurm;
pub mod spec;
pub mod test_app;
pub mod tools;
pub mod video;
pub mod wait;
pub mod worker;
pub mod zip;

use dinkem_appliance::domain::operator::Operator;

/// The operator of the tests.
pub fn operator() -> Operator {
    Operator::named("test")
}
