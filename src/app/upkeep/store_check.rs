//! Integrity check of the store, once after start, in the background. Otherwise a damaged page might go unnoticed for
//! months, until the backups contain it too.

use std::sync::OnceLock;

use crate::app::App;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::store::integrity::{self, Look};

pub use crate::store::integrity::Stopped;

/// The damage found, if any.
#[derive(Default)]
pub struct Found(OnceLock<String>);

/// Checks every page at low priority; damage is then reported by [`check`]. False if the check was interrupted.
pub fn look(app: &App, stopped: &Stopped) -> Result<bool> {
    match integrity::look(&app.store.folder, &app.clock, stopped)? {
        Look::Sound => Ok(true),
        Look::Unfinished => Ok(false),
        Look::Damaged(words) => {
            log::error!("{}", integrity::damaged(&words));
            // Only one check runs, so this is set once.
            let _ = app.damage.0.set(words);
            Ok(true)
        }
    }
}

/// Fails if the store was found to be damaged.
pub fn check(app: &App) -> Result<()> {
    match app.damage.0.get() {
        None => Ok(()),
        Some(words) => {
            Err(Error::new(Kind::Unavailable, ErrorCode::StoreDamaged, integrity::damaged("").message).because(words))
        }
    }
}
