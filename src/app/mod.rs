//! The use cases: one function each, one transaction each. HTTP and `admin` call the same ones.
//!
//! Knows nothing of rouille or of how answers look.

pub mod accounts;
pub mod auth;
pub mod clips;
pub mod demos;
pub mod dinks;
pub mod jobs;
pub mod keys;
pub mod leases;
pub mod nodes;

use std::path::Path;
use std::sync::Arc;

use crate::domain::error::Result;
use crate::os::clock::Clock;
use crate::os::doorbell::Doorbell;
use crate::os::random::Random;

/// How this appliance is to behave.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Milliseconds a lease lives without a heartbeat.
    pub lease_ms: u64,
    /// CIDRs that may be fetched although the rule refuses them, as text for the nodes.
    pub fetch_allow: Vec<String>,
}

/// The appliance: everything a use case needs.
pub struct App {
    /// How it is to behave.
    pub settings: Settings,
    /// Rings when a job is queued, cancelled or put back, and when a lease ends: waiting claims look again.
    pub news: Doorbell,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

impl App {
    /// Opens the data directory as the server: takes its lock (a second server is refused in words), creates or
    /// migrates the store, gives live leases a fresh grace period.
    pub fn serve(
        _data_dir: &Path,
        _settings: Settings,
        _clock: Arc<dyn Clock>,
        _random: Arc<dyn Random>,
    ) -> Result<Arc<App>> {
        todo!()
    }

    /// Opens the data directory beside a running server, as `admin` does: no lock, no migration; creates it if need be.
    pub fn beside(_data_dir: &Path, _clock: Arc<dyn Clock>, _random: Arc<dyn Random>) -> Result<Arc<App>> {
        todo!()
    }
}
