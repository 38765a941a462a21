//! State shared by all workers of a node: configuration, connections to the server, directories.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ipnet::IpNet;
use log::warn;

use crate::domain::epoch::LeaseName;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::Renderer;
use crate::domain::key::Secret;
use crate::domain::offer::Offer;
use crate::node::api::Server;
use crate::node::cache::DemoCache;
use crate::node::game::desk::Desk;
use crate::node::join::server_client;
use crate::node::maps::Maps;
use crate::node::outbox::Outbox;
use crate::node::patience::Patience;
use crate::node::radars::Radars;
use crate::node::renderers::Renderers;
use crate::os::clock::Clock;
use crate::os::random::{Random, SystemRandom};
use crate::os::room::Room;
use crate::os::{files, programs};

/// Initial backoff in milliseconds before a node retries an unreachable server; doubled each time…
pub const NODE_RETRY_FIRST_MS: u64 = 250;
/// …up to this.
pub const NODE_RETRY_MOST_MS: u64 = 5_000;

/// Configuration of an agent.
#[derive(Clone)]
pub struct AgentConfig {
    /// The server's URL.
    pub server: String,
    /// The only CA to trust, as PEM; `None` for the platform's.
    pub ca_pem: Option<String>,
    /// The node's own key.
    pub node_key: Secret,
    /// Directory for cache and work files, used by one agent at a time.
    pub state_dir: PathBuf,
    /// The node's name in logs.
    pub name: String,
    /// Number of concurrent jobs.
    pub slots: u32,
    /// What to render with.
    pub renderers: Renderers,
    /// Networks that demos may be fetched from, in addition to those that the server allows.
    pub extra_fetch_allow: Vec<IpNet>,
    /// Exit after this many jobs; `None`: never.
    pub max_jobs: Option<u64>,
    /// Exit after this time without a job; `None`: never.
    pub idle_exit: Option<Duration>,
    /// The executable for `PROGRAM render --job job.json`: normally this one.
    pub program: PathBuf,
    /// Size limit of the demo cache in bytes.
    pub cache_bytes: u64,
    /// The disk of `state_dir`.
    pub room: Arc<Room>,
    /// Time limits of a renderer.
    pub patience: Patience,
    pub clock: Arc<dyn Clock>,
}

/// State shared by all workers of a node.
pub struct Context {
    pub name: String,
    pub server: Server,
    /// Separate connections to the same server, closed when the node stops.
    pub claims: Server,
    /// Finished clips.
    pub outbox: Outbox,
    pub cache: DemoCache,
    pub maps: Maps,
    pub radars: Radars,
    pub room: Arc<Room>,
    pub extra_fetch_allow: Vec<IpNet>,
    pub program: PathBuf,
    pub patience: Patience,
    pub clock: Arc<dyn Clock>,
    pub slots: u32,
    pub renderers: Renderers,
    /// The game, if the node is set up for it.
    pub game: Option<Desk>,
    /// Only one worker waits for a job at a time, so a node with many slots holds a single pending claim.
    pub asking: Mutex<()>,
    work: PathBuf,
    /// Held while the node runs: two agents in one directory would delete each other's files.
    _lock: File,
}

impl Context {
    pub fn prepare(config: &AgentConfig) -> Result<Self> {
        let dir = &config.state_dir;
        let unusable = |error: &dyn std::fmt::Display| {
            let message = format!("The node's directory {} cannot be used.", dir.display());
            Error::internal(message, error)
        };
        if files::claim_private_dir(dir).map_err(|error| unusable(&error))? {
            warn!(
                "The node's directory {0} holds its key and is accessible to others. Make it private: chmod 700 {0}",
                dir.display()
            );
        }
        let lock = lock(dir.join("lock")).map_err(|error| match error {
            TryLockError::WouldBlock => {
                let message = format!("Another node is using {}. Give this one its own --state-dir.", dir.display());
                Error::new(Kind::Conflict, ErrorCode::NodeRunning, message)
            }
            TryLockError::Error(error) => unusable(&error),
        })?;
        let work = dir.join("work");
        // A node that was killed may have left renderers running, each in the directory of its attempt.
        for entry in std::fs::read_dir(&work).into_iter().flatten().flatten() {
            programs::kill_in(&entry.path());
        }
        files::empty_dir(&work).map_err(|error| unusable(&error))?;
        let game = config
            .renderers
            .game
            .clone()
            .map(|setup| Desk::open(setup, dir.join("game"), config.clock.clone(), config.patience.retry));
        let game = game.transpose()?;
        let instance = format!("{:032x}", SystemRandom.bits()?);
        let server = || {
            let client = server_client(config.ca_pem.clone())?;
            Ok::<_, Error>(Server::new(client, &config.server, config.node_key.clone(), instance.clone()))
        };
        Ok(Self {
            name: config.name.clone(),
            server: server()?,
            claims: server()?,
            outbox: Outbox::open(dir.join("outbox"), &config.node_key, config.clock.now_ms())
                .map_err(|error| unusable(&error))?,
            maps: Maps::open(dir.join("maps")).map_err(|error| unusable(&error))?,
            radars: Radars::open(dir.join("radars")).map_err(|error| unusable(&error))?,
            cache: DemoCache::new(&dir.join("cache"), config.cache_bytes).map_err(|error| unusable(&error))?,
            room: Arc::clone(&config.room),
            extra_fetch_allow: config.extra_fetch_allow.clone(),
            program: config.program.clone(),
            patience: config.patience,
            clock: config.clock.clone(),
            slots: config.slots,
            renderers: config.renderers.clone(),
            game,
            asking: Mutex::new(()),
            work,
            _lock: lock,
        })
    }

    /// A lease's work directory: a short path that is never reused.
    pub fn work_dir(&self, lease: LeaseName) -> PathBuf {
        self.work.join(lease.to_string())
    }

    /// The work directory of a try of the game.
    pub fn canary_dir(&self) -> PathBuf {
        self.work.join("canary")
    }

    /// What the node asks for now.
    pub fn offer(&self) -> Offer {
        let builtin = self.renderers.builtin.then_some(Renderer::Builtin);
        let (takes_game, game) = self.game.as_ref().map(Desk::offer).unzip();
        let renderers = builtin.into_iter().chain((takes_game == Some(true)).then_some(Renderer::Game)).collect();
        Offer { slots: self.slots, renderers, resolutions: self.renderers.resolutions.clone(), game }
    }

    /// The first backoff delay.
    pub fn retry_first(&self) -> Duration {
        Duration::from_millis(NODE_RETRY_FIRST_MS)
    }

    /// The next backoff delay: doubled up to a limit, with jitter.
    pub fn retry_next(&self, wait: Duration) -> Duration {
        let most = Duration::from_millis(NODE_RETRY_MOST_MS);
        // Without randomness there is no jitter, which is no reason to fail.
        let draw = SystemRandom.bits().unwrap_or(0) % 1_000;
        (wait * 2).min(most).mul_f64(0.75 + draw as f64 / 2_000.0)
    }
}

fn lock(path: PathBuf) -> Result<File, TryLockError> {
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}
