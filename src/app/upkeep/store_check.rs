//! Whether the store is whole: looked at once after the start, in the background. A damaged page is otherwise noticed by
//! whoever needs it, perhaps months later, when the backups have it too.

use std::sync::OnceLock;

use crate::app::App;
use crate::domain::error::{Error, Kind, Result};
use crate::store::integrity::{self, DAMAGED, Look};

pub use crate::store::integrity::Stopped;

/// What was found, if there was anything.
#[derive(Default)]
pub struct Found(OnceLock<String>);

/// Looks at every page, gently; what is wrong is told from then on by [`check`]. False where some was not looked at.
pub fn look(app: &App, stopped: &Stopped) -> Result<bool> {
    match integrity::look(&app.store.folder, &app.clock, stopped)? {
        Look::Sound => Ok(true),
        Look::Unfinished => Ok(false),
        Look::Damaged(words) => {
            log::error!("{}", integrity::damaged(&words));
            // Nobody else looks.
            let _ = app.damage.0.set(words);
            Ok(true)
        }
    }
}

/// An error where the store was found to be damaged.
pub fn check(app: &App) -> Result<()> {
    match app.damage.0.get() {
        None => Ok(()),
        Some(words) => Err(Error::new(Kind::Unavailable, DAMAGED, integrity::damaged("").message).because(words)),
    }
}
