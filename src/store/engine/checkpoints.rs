//! The background checkpoint: keeps the write-ahead log short without making a commit wait for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::domain::error::{Error, Result};
use crate::os::clock::pause;
use crate::store::data_dir::log_of;
use crate::store::engine::connection::{self, Role};

/// Size of the write-ahead log (WAL) that indicates a problem: 64 MiB. Under load it has 16 MiB.
pub const LOG_ALARM_BYTES: u64 = 64 << 20;

/// Pause between two checkpoints.
const REST: Duration = Duration::from_millis(10);

/// Requests checkpoints. The thread ends when this is dropped.
pub struct Checkpointer {
    wanted: Sender<()>,
}

impl Checkpointer {
    /// Starts the thread, which sleeps until a checkpoint is requested.
    pub fn start(path: &Path) -> Result<Self> {
        let db = connection::open(path, Role::Checkpointer)?;
        let mut alarm = Alarm { log: log_of(path), is_told: false };
        let (wanted, asked): (Sender<()>, Receiver<()>) = bounded(1);
        std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || {
                while asked.recv().is_ok() {
                    if let Err(error) = db.checkpoint() {
                        log::warn!("a checkpoint of the store failed: {error}");
                    }
                    alarm.look();
                    pause(REST);
                }
            })
            .map_err(|error| Error::internal("The store's checkpoint thread could not be started.", error))?;
        Ok(Self { wanted })
    }

    /// Requests a checkpoint, unless one is already pending.
    pub fn ask(&self) {
        let _already = self.wanted.try_send(());
    }
}

/// Warns once when the write-ahead log is larger than any load explains. It shrinks only when the store is closed, or
/// by `admin doctor --fix`.
struct Alarm {
    log: PathBuf,
    is_told: bool,
}

impl Alarm {
    fn look(&mut self) {
        let bytes = fs::metadata(&self.log).map_or(0, |log| log.len());
        let is_too_long = bytes > LOG_ALARM_BYTES;
        if is_too_long && !self.is_told {
            log::warn!(
                "the store's write-ahead log has grown to {} MiB: a program keeps reading the store, or the disk is \
                 slow. Stop whatever has store.db open, then run `admin doctor --fix`.",
                bytes >> 20
            );
        }
        self.is_told = is_too_long;
    }
}
