//! The operating system: time, randomness, processes, network, durable files. Each has a fake where tests need one.
//! Knows nothing about the product; nothing outside this folder reads the clock or the random source.

pub mod address;
pub mod archive;
pub mod certificates;
pub mod clock;
pub mod disk_usage;
pub mod doorbell;
pub mod files;
#[cfg(windows)]
pub mod firewall;
pub mod host;
pub mod http;
pub mod identity;
pub mod local_http;
#[cfg(any(windows, test))]
pub mod log_file;
pub mod log_queue;
#[cfg(any(windows, test))]
pub mod logon_task;
pub mod loopback;
pub mod process;
pub mod programs;
pub mod random;
mod resolver;
pub mod rights;
pub mod room;
pub mod s3;
pub mod sandbox;
pub mod scratch;
#[cfg(windows)]
pub mod service;
pub mod stop;
pub mod systemd;
pub mod url;
pub mod user;
