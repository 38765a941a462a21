//! The background checkpoint: keeps the write-ahead log short without making a commit wait for it.

use std::path::Path;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::connection::{self, Role};
use crate::domain::error::{Error, Result};
use crate::os::clock::pause;

/// Rest between two checkpoints.
const REST: Duration = Duration::from_millis(10);

/// Asks for checkpoints. The thread ends when this is dropped.
pub struct Checkpointer {
    wanted: Sender<()>,
}

impl Checkpointer {
    /// Starts the thread; it sleeps until asked.
    pub fn start(path: &Path) -> Result<Self> {
        let db = connection::open(path, Role::Checkpointer)?;
        let (wanted, asked): (Sender<()>, Receiver<()>) = bounded(1);
        std::thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || {
                while asked.recv().is_ok() {
                    if let Err(error) = db.checkpoint() {
                        log::warn!("a checkpoint of the store failed: {error}");
                    }
                    pause(REST);
                }
            })
            .map_err(|error| Error::internal("The store's checkpoint thread could not be started.", error))?;
        Ok(Self { wanted })
    }

    /// Asks for one; one that is already asked for will do.
    pub fn ask(&self) {
        let _already = self.wanted.try_send(());
    }
}
