//! Clips in a bucket of an S3-compatible store.

#[cfg(target_os = "linux")]
mod browser;
mod client;
#[cfg(target_os = "linux")]
mod demos;
#[cfg(target_os = "linux")]
mod kills;
mod upkeep;
#[cfg(target_os = "linux")]
mod whole_jobs;
