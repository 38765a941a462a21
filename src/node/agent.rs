//! The agent: one worker per slot, each claiming and processing jobs in a loop.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use log::{debug, info, warn};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::offer::Offer;
use crate::os::clock::Clock;
use crate::os::sandbox;
use crate::os::stop::StopFlag;
use crate::wire::node_requests::CLAIM_WAIT_SECONDS;

use crate::node::api::Trouble;
use crate::node::context::Context;
use crate::node::game::desk::Desk;
use crate::node::game::try_game;
use crate::node::work;

pub use crate::node::context::AgentConfig;

/// The longest wait of a claim while the game is in use.
const WAIT_WITHOUT_GAME: Duration = Duration::from_secs(3);
/// The shortest wait of a claim until the game is tried again.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// Poll interval for the end of all workers.
const TICK: Duration = Duration::from_millis(200);

/// Works until stopped, after `max_jobs` jobs, or after being idle for `idle_exit`. Retries an unreachable server
/// indefinitely; a server that does not know the node's key is an error.
pub fn run(config: AgentConfig, stop: &StopFlag) -> Result<()> {
    let node = Context::prepare(&config)?;
    let turns = Turns::new(&config);
    // Stops work and claims. Set when the node is stopped, or by the first worker that fails.
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
        // Before leases are returned: from then on the server may give the jobs to other nodes.
        if let Err(trouble) = node.server.leave() {
            debug!("{}: could not notify the server of the shutdown: {trouble:?}", node.name);
        }
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(Error::internal("A worker of the node crashed.", "panic")))
        })
    })
}

/// Counts the remaining jobs and tracks idle time.
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

    /// Reserves a job, with the maximum time to wait for one; `None` at the limit.
    fn take(&self) -> Option<Duration> {
        let mut state = self.lock();
        let most = Duration::from_secs(CLAIM_WAIT_SECONDS);
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

    /// Releases a reservation without a job.
    fn give_back(&self) {
        if let Some(left) = &mut self.lock().left {
            *left += 1;
        }
    }

    /// Marks the node as busy until [`Self::end`].
    fn begin(&self) {
        self.lock().at_work += 1;
    }

    /// Marks a job as ended.
    fn end(&self) {
        let mut state = self.lock();
        state.at_work -= 1;
        state.idle_since = self.clock.monotonic();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, TurnState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One slot: claims and processes jobs in a loop.
fn work_on(node: &Context, turns: &Turns, leave: &StopFlag) -> Result<()> {
    let mut wait = node.retry_first();
    while !leave.stopped() {
        // What an earlier run of the node has finished comes first.
        let Some(parcel) = node.outbox.next() else { break };
        turns.begin();
        work::resume(node, &parcel, leave);
        turns.end();
    }
    while !leave.stopped() {
        let asking = node.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if leave.stopped() {
            return Ok(());
        }
        let mut due_in = None;
        if let Some(desk) = &node.game {
            desk.look(false);
            due_in = desk.due_in();
            if due_in.is_some_and(|left| left.is_zero()) {
                // Not before the server knows why there is nothing to do here.
                try_the_game(node, desk, leave);
                continue;
            }
        }
        let Some(patience) = turns.take() else { return Ok(()) };
        let patience = due_in.map_or(patience, |left| patience.min(left).max(SHORTEST_WAIT));
        // A claim that does not ask for the game must end soon after the game is free again.
        let is_in_use = node.game.as_ref().is_some_and(Desk::is_in_use);
        let patience = if is_in_use { patience.min(WAIT_WITHOUT_GAME) } else { patience };
        let asked_at = node.clock.monotonic();
        let claimed = node.claims.claim(patience, &node.offer());
        let mut game = None;
        if let Ok(Some(claim)) = &claimed {
            turns.begin();
            // Before the next claim, which must not ask for another job for the game.
            game = node.game.as_ref().filter(|_| work::is_for_the_game(claim)).and_then(Desk::take);
        }
        drop(asking);
        match claimed {
            Ok(Some(claim)) => {
                wait = node.retry_first();
                work::perform(node, &claim, leave);
                drop(game);
                turns.end();
                continue;
            }
            // A server that is shutting down answers claims immediately.
            Ok(None) if node.clock.monotonic().saturating_sub(asked_at) < wait => {
                leave.wait(wait);
                wait = node.retry_next(wait);
            }
            Ok(None) => wait = node.retry_first(),
            Err(Trouble::Unknown) => {
                leave.stop();
                let message = "The server does not know this node's key any more. Join again with a new token.";
                return Err(Error::new(Kind::Unauthorized, ErrorCode::NodeUnknown, message));
            }
            Err(_) if leave.stopped() => return Ok(()),
            Err(trouble) => {
                if wait == node.retry_first() {
                    warn!("{}: cannot get work, retrying: {}", node.name, in_words(&trouble));
                }
                leave.wait(wait);
                wait = node.retry_next(wait);
            }
        }
        turns.give_back();
    }
    Ok(())
}

/// Tries the game after an update, while the server knows that it takes no jobs.
fn try_the_game(node: &Context, desk: &Desk, leave: &StopFlag) {
    let Some(_turn) = desk.take() else { return };
    let nothing = Offer { renderers: Vec::new(), ..node.offer() };
    if let Err(trouble) = node.claims.claim(Duration::ZERO, &nothing) {
        debug!("{}: could not tell the server that the game is being tried: {}", node.name, in_words(&trouble));
    }
    try_game(node, desk, leave);
}

fn in_words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Away(error) | Trouble::Refused(error) => error.to_string(),
        Trouble::Lost | Trouble::Unknown => "the server does not have this route; is it a dinkem appliance?".to_owned(),
    }
}
