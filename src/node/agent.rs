//! The agent itself: as many workers as the node has slots, each of which claims a job, does it, and claims again.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ipnet::IpNet;
use log::{debug, info, warn};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::key::Secret;
use crate::domain::limits;
use crate::os::clock::Clock;
use crate::os::random::{Random, SystemRandom};
use crate::os::room::Room;
use crate::os::stop::StopFlag;
use crate::os::{files, sandbox};

use crate::node::api::{Server, Trouble};
use crate::node::cache::DemoCache;
use crate::node::child::Patience;
use crate::node::join::server_client;
use crate::node::work;

/// How often the end of all workers is looked for.
const TICK: Duration = Duration::from_millis(200);

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
    /// The disk of `state_dir`.
    pub room: Arc<Room>,
    /// How long a renderer is waited for.
    pub patience: Patience,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Works until it is told to stop, or has done `max_jobs`, or has been idle for `idle_exit`. A server that is away is
/// waited for, for ever; a server that does not know the node's key is an error.
pub fn run(config: AgentConfig, stop: &StopFlag) -> Result<()> {
    let node = Node::prepare(&config)?;
    let turns = Turns::new(&config);
    // Work and claims end by this flag: it is raised by whoever stops the node, or by the first worker that fails.
    let leave = StopFlag::new();
    info!("{}: rendering for {}, clips at a time: {}.", node.name, config.server, config.slots);
    sandbox::warn_if_weak();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..config.slots).map(|_| scope.spawn(|| work_on(&node, &turns, &leave))).collect();
        while !workers.iter().all(|worker| worker.is_finished()) {
            if leave.stopped() || stop.wait(TICK) {
                leave.stop();
                node.claims.hang_up();
                break;
            }
        }
        // Before the work is given back: what the server has is for others from now on.
        if let Err(trouble) = node.server.leave() {
            debug!("{}: the server was not told of the stop: {trouble:?}", node.name);
        }
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(Error::internal("A worker of the node crashed.", "panic")))
        })
    })
}

/// What all workers of a node share.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) server: Server,
    /// The same server, over connections of their own: they are hung up when the node stops.
    claims: Server,
    pub(super) cache: DemoCache,
    pub(super) room: Arc<Room>,
    pub(super) extra_fetch_allow: Vec<IpNet>,
    pub(super) program: PathBuf,
    pub(super) patience: Patience,
    pub(super) clock: Arc<dyn Clock>,
    slots: u32,
    /// One worker at a time asks for a job, the next one when it has got one: a node with many slots waits with one call.
    asking: Mutex<()>,
    work: PathBuf,
    /// Held as long as the node works: two agents in one directory would sweep each other's files.
    _lock: File,
}

impl Node {
    fn prepare(config: &AgentConfig) -> Result<Self> {
        let dir = &config.state_dir;
        let unusable = |error: &dyn std::fmt::Display| {
            let message = format!("The node's directory {} cannot be used.", dir.display());
            Error::internal(message, error)
        };
        if files::claim_private_dir(dir).map_err(|error| unusable(&error))? {
            warn!(
                "The node's directory {0} holds its key and is open to other users. Close it: chmod 700 {0}",
                dir.display()
            );
        }
        let lock = lock(dir.join("lock")).map_err(|error| match error {
            TryLockError::WouldBlock => {
                let message = format!("Another node works in {}. Give this one its own --state-dir.", dir.display());
                Error::new(Kind::Conflict, "node_running", message)
            }
            TryLockError::Error(error) => unusable(&error),
        })?;
        let work = dir.join("work");
        files::empty_dir(&work).map_err(|error| unusable(&error))?;
        let instance = format!("{:032x}", SystemRandom.bits()?);
        let server = || {
            let client = server_client(config.ca_pem.clone())?;
            Ok::<_, Error>(Server::new(client, &config.server, config.node_key.clone(), instance.clone()))
        };
        Ok(Self {
            name: config.name.clone(),
            server: server()?,
            claims: server()?,
            cache: DemoCache::new(&dir.join("cache"), config.cache_bytes).map_err(|error| unusable(&error))?,
            room: Arc::clone(&config.room),
            extra_fetch_allow: config.extra_fetch_allow.clone(),
            program: config.program.clone(),
            patience: config.patience,
            clock: config.clock.clone(),
            slots: config.slots,
            asking: Mutex::new(()),
            work,
            _lock: lock,
        })
    }

    /// The work directory of a lease: short, and never the same twice.
    pub(super) fn work_dir(&self, lease: i64) -> PathBuf {
        self.work.join(lease.to_string())
    }

    /// How long to wait before a call is tried again for the first time.
    pub(super) fn retry_first(&self) -> Duration {
        Duration::from_millis(limits::NODE_RETRY_FIRST_MS)
    }

    /// How long to wait the time after: twice as long, up to a limit, and never quite the same on all nodes.
    pub(super) fn retry_next(&self, wait: Duration) -> Duration {
        let most = Duration::from_millis(limits::NODE_RETRY_MOST_MS);
        // Without randomness nodes come back all at once, which is no reason to fail.
        let draw = SystemRandom.bits().unwrap_or(0) % 1_000;
        (wait * 2).min(most).mul_f64(0.75 + draw as f64 / 2_000.0)
    }
}

fn lock(path: PathBuf) -> Result<File, TryLockError> {
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Counts the jobs that may still be taken, and the time without one.
struct Turns {
    clock: Arc<dyn Clock>,
    idle_exit: Option<Duration>,
    state: Mutex<TurnState>,
}

struct TurnState {
    left: Option<u64>,
    at_work: u32,
    idle_since: Duration,
}

impl Turns {
    fn new(config: &AgentConfig) -> Self {
        let state = TurnState { left: config.max_jobs, at_work: 0, idle_since: config.clock.monotonic() };
        Self { clock: config.clock.clone(), idle_exit: config.idle_exit, state: Mutex::new(state) }
    }

    /// Takes a turn at a job, with how long to wait for one; `None`: there are no more.
    fn take(&self) -> Option<Duration> {
        let mut state = self.lock();
        let most = Duration::from_secs(limits::CLAIM_WAIT_SECONDS);
        let wait = match self.idle_exit {
            Some(limit) if state.at_work == 0 => {
                let left = limit.saturating_sub(self.clock.monotonic().saturating_sub(state.idle_since));
                (!left.is_zero()).then(|| left.clamp(Duration::from_secs(1), most))?
            }
            _ => most,
        };
        if let Some(left) = &mut state.left {
            *left = left.checked_sub(1)?;
        }
        Some(wait)
    }

    /// Gives a turn back that came to nothing.
    fn give_back(&self) {
        if let Some(left) = &mut self.lock().left {
            *left += 1;
        }
    }

    /// A job begins: the node is busy until [`Self::end`].
    fn begin(&self) {
        self.lock().at_work += 1;
    }

    /// A job has ended.
    fn end(&self) {
        let mut state = self.lock();
        state.at_work -= 1;
        state.idle_since = self.clock.monotonic();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, TurnState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One slot: claims, works, and claims again.
fn work_on(node: &Node, turns: &Turns, leave: &StopFlag) -> Result<()> {
    let mut wait = node.retry_first();
    while !leave.stopped() {
        let asking = node.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if leave.stopped() {
            return Ok(());
        }
        let Some(patience) = turns.take() else { return Ok(()) };
        let asked_at = node.clock.monotonic();
        let claimed = node.claims.claim(patience, node.slots);
        if matches!(claimed, Ok(Some(_))) {
            turns.begin();
        }
        drop(asking);
        match claimed {
            Ok(Some(claim)) => {
                wait = node.retry_first();
                work::perform(node, &claim, leave);
                turns.end();
                continue;
            }
            // A server that is stopping does not let claims wait.
            Ok(None) if node.clock.monotonic().saturating_sub(asked_at) < wait => {
                leave.wait(wait);
                wait = node.retry_next(wait);
            }
            Ok(None) => wait = node.retry_first(),
            Err(Trouble::Unknown) => {
                leave.stop();
                let message = "The server does not know this node's key any more. Join again with a new token.";
                return Err(Error::new(Kind::Unauthorized, "node_unknown", message));
            }
            Err(_) if leave.stopped() => return Ok(()),
            Err(trouble) => {
                if wait == node.retry_first() {
                    warn!("{}: no work, trying until there is: {}", node.name, in_words(&trouble));
                }
                leave.wait(wait);
                wait = node.retry_next(wait);
            }
        }
        turns.give_back();
    }
    Ok(())
}

fn in_words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Away(error) | Trouble::Refused(error) => error.to_string(),
        Trouble::Lost | Trouble::Unknown => "the server has no such route; is it another program?".to_owned(),
    }
}
