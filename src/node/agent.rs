//! The agent itself: as many workers as the node has slots, each of which claims a job, does it, and claims again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::domain::error::Result;
use crate::domain::key::Secret;
use crate::os::clock::Clock;
use crate::os::stop::StopFlag;

use super::renderer::Patience;

/// What an agent needs to know.
#[derive(Clone)]
pub struct AgentConfig {
    /// The server's URL.
    pub server: String,
    /// PEM of the authority to trust, alone; `None`: those that the platform trusts.
    pub ca_pem: Option<String>,
    /// The node's own key.
    pub node_key: Secret,
    /// Where cache and work files go; one agent at a time works in it.
    pub state_dir: PathBuf,
    /// The node's name, for logs.
    pub name: String,
    /// Jobs at once.
    pub slots: u32,
    /// Networks that demos may be fetched from besides those that the server allows.
    pub extra_fetch_allow: Vec<IpNet>,
    /// Ends after so many jobs; `None`: never.
    pub max_jobs: Option<u64>,
    /// Ends after so long without a job; `None`: never.
    pub idle_exit: Option<Duration>,
    /// The executable that is run as `PROGRAM render --job job.json`: this one.
    pub program: PathBuf,
    /// Bytes of demos kept in the cache.
    pub cache_bytes: u64,
    /// How long a renderer is waited for.
    pub patience: Patience,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Works until it is told to stop, or has done `max_jobs`, or has been idle for `idle_exit`. A server that is away is
/// waited for, for ever; a server that no longer knows the node's key is an error.
pub fn run(config: AgentConfig, stop: &StopFlag) -> Result<()> {
    let _ = (config, stop);
    todo!()
}
