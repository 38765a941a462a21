//! Whether this node takes jobs for the game: one at a time, and after each update of the game or its tools only once a
//! try (the canary) has succeeded.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use log::{info, warn};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::offer::GameState;
use crate::os::clock::Clock;
use crate::os::files;
use crate::render::game::{Builds, GameSetup, builds, sweep};
use crate::wire::time::rfc3339;

/// Seconds between two looks at the versions of the game and its tools.
const LOOK_SECONDS: u64 = 20;
/// Seconds between two tries at most: six hours.
const GAME_RETRY_MOST_SECONDS: u64 = 6 * 3_600;
/// The file about the last successful try.
const KNOWN: &str = "known.json";

/// The game on this machine.
pub struct Desk {
    setup: GameSetup,
    /// Where it keeps what it knows, and the canary's demo.
    dir: PathBuf,
    clock: Arc<dyn Clock>,
    /// Time until the first retry.
    retry: Duration,
    state: Mutex<State>,
    /// Held while the node runs: one game per machine.
    _machine: Option<File>,
}

struct State {
    builds: Builds,
    looked_at: Duration,
    readiness: Readiness,
    /// What is known about the last try, for people.
    canary: String,
    in_use: bool,
}

/// Whether jobs are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    /// Not before a try has succeeded.
    Untried {
        because: String,
        /// When to try, by the monotonic clock.
        at: Duration,
        /// How long to wait after the next failure.
        wait: Duration,
    },
}

/// What worked last.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    /// The versions, as [`Builds`] prints them.
    builds: String,
    /// For people.
    canary: String,
}

/// The game, in use until dropped.
pub struct Turn<'a>(&'a Desk);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().in_use = false;
    }
}

impl Desk {
    /// The game as `setup` describes it; `dir`: where the node keeps what it knows about it.
    pub fn open(setup: GameSetup, dir: PathBuf, clock: Arc<dyn Clock>, retry: Duration) -> Result<Self> {
        let unusable = |error| Error::internal(format!("The directory {} cannot be used.", dir.display()), error);
        files::create_private_dir(&dir).map_err(unusable)?;
        let machine = setup.game_dir.as_deref().map(lock_machine).transpose()?;
        if let Err(error) = sweep(&setup) {
            warn!("What an earlier recording left behind cannot be removed: {error}");
        }
        let known = std::fs::read(dir.join(KNOWN)).ok();
        let known: Option<Known> = known.and_then(|text| serde_json::from_slice(&text).ok());
        let (builds, now) = (builds(&setup), clock.monotonic());
        let readiness = match &known {
            Some(known) if known.builds != builds.to_string() => updated(&known.builds, &builds, now, retry),
            _ => Readiness::Ready,
        };
        if let (Some(dir), None) = (&setup.game_dir, builds.game) {
            warn!("The game's build cannot be read in {}: demos of other builds are not told apart.", dir.display());
        }
        let canary = known.map_or_else(|| "none yet".to_owned(), |known| known.canary);
        let state = State { builds, looked_at: now, readiness, canary, in_use: false };
        Ok(Self { setup, dir, clock, retry, state: Mutex::new(state), _machine: machine })
    }

    pub fn setup(&self) -> &GameSetup {
        &self.setup
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn game_build(&self) -> Option<u32> {
        self.lock().builds.game
    }

    /// What the node says about its game, and whether it asks for jobs for it.
    pub fn offer(&self) -> (bool, GameState) {
        let state = self.lock();
        let not_ready = match &state.readiness {
            Readiness::Ready => None,
            Readiness::Untried { because, .. } => Some(because.clone()),
        };
        let game = GameState {
            build: state.builds.game,
            tools: state.builds.tools_in_words(),
            canary: state.canary.clone(),
            not_ready,
        };
        (game.not_ready.is_none() && !state.in_use, game)
    }

    /// Looks at the versions again, at most every [`LOOK_SECONDS`] unless `now`: after an update, the game must be tried.
    pub fn look(&self, now: bool) {
        let at = self.clock.monotonic();
        if !now && at.saturating_sub(self.lock().looked_at) < Duration::from_secs(LOOK_SECONDS) {
            return;
        }
        let found = builds(&self.setup);
        let mut state = self.lock();
        state.looked_at = at;
        if state.builds != found {
            let before = state.builds.to_string();
            info!("The game or its tools changed from {before} to {found}.");
            state.readiness = updated(&before, &found, at, self.retry);
            state.builds = found;
        }
    }

    /// Time until the game must be tried; `None` if it is ready or in use.
    pub fn due_in(&self) -> Option<Duration> {
        let state = self.lock();
        match &state.readiness {
            Readiness::Untried { at, .. } if !state.in_use => Some(at.saturating_sub(self.clock.monotonic())),
            _ => None,
        }
    }

    /// Takes the game; `None` if it is in use.
    pub fn take(&self) -> Option<Turn<'_>> {
        let mut state = self.lock();
        (!std::mem::replace(&mut state.in_use, true)).then_some(Turn(self))
    }

    /// Whether a recording runs.
    pub fn is_in_use(&self) -> bool {
        self.lock().in_use
    }

    /// Whether the game takes jobs, as far as versions are concerned.
    pub fn is_ready(&self) -> bool {
        self.lock().readiness == Readiness::Ready
    }

    /// The game is not ready, for this reason: it is tried again after a while, longer each time.
    pub fn not_ready(&self, because: &str) {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let wait = match &state.readiness {
            Readiness::Untried { wait, .. } => *wait,
            Readiness::Ready => self.retry,
        };
        let next = (wait * 2).min(Duration::from_secs(GAME_RETRY_MOST_SECONDS));
        state.readiness = Readiness::Untried { because: because.to_owned(), at: now + wait, wait: next };
    }

    /// A try has failed.
    pub fn failed(&self, why: &str) {
        self.lock().canary = format!("failed on {}: {why}", rfc3339(self.clock.now_ms()));
        self.not_ready(&format!("The try of the game failed: {why}"));
    }

    /// The game works with the present versions: `how` says what has shown it.
    pub fn works(&self, how: &str) {
        let mut state = self.lock();
        state.readiness = Readiness::Ready;
        state.canary = format!("{how} on {}", rfc3339(self.clock.now_ms()));
        let known = Known { builds: state.builds.to_string(), canary: state.canary.clone() };
        drop(state);
        let text = serde_json::to_vec(&known).unwrap_or_default();
        if let Err(error) = files::write_durably(&self.dir.join(KNOWN), &text) {
            warn!("What is known about the game cannot be kept: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn updated(before: &str, found: &Builds, now: Duration, retry: Duration) -> Readiness {
    let because = format!("The game or its tools changed from {before} to {found}: they are being tried.");
    Readiness::Untried { because, at: now, wait: retry }
}

/// Locks the game in this directory for this process.
fn lock_machine(game_dir: &Path) -> Result<File> {
    let hash = Sha256::digest(game_dir.as_os_str().as_encoded_bytes());
    let name: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let path = tempfile::env::temp_dir().join(format!("dinkem-game-{name}.lock"));
    let cannot = |error| Error::internal(format!("The lock file {} cannot be used.", path.display()), error);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!(
                "Another node on this machine renders with the game in {}. Only one can use it at a time.",
                game_dir.display()
            );
            Err(Error::new(Kind::Conflict, ErrorCode::NodeRunning, message))
        }
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}
