//! Puts a copied store into service.

use crate::app::jobs::lifecycle;
use crate::app::{App, audit};
use crate::domain::epoch::{Epoch, LostWindow};
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::lease::LeaseEnd;
use crate::domain::operator::Operator;
use crate::domain::wording::counted;
use crate::os::rights;
use crate::store::{self, DataDir, Tx};
use crate::wire::time::rfc3339;

/// Windows that doctor shows.
const WINDOWS: usize = 10;

/// A store that took the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// Its new epoch.
    pub epoch: Epoch,
    /// Jobs that were returned to the queue.
    pub jobs: usize,
    /// The time in which the other may have accepted jobs that this one lacks.
    pub lost: LostWindow,
}

impl Renewed {
    /// What happened, for the audit log.
    pub fn details(&self) -> String {
        format!(
            "{} returned to the queue, epoch {}, jobs accepted between {} and {} may be lost",
            counted(self.jobs, "job"),
            self.epoch,
            rfc3339(self.lost.from_ms),
            rfc3339(self.lost.until_ms)
        )
    }
}

/// Makes the directory and its store accessible to the owner alone: other programs restore them with other permissions,
/// with which the store is not opened.
pub fn make_private(folder: &DataDir) -> Result<()> {
    for path in [folder.path().to_owned(), folder.store(), folder.log(), folder.index()] {
        let Ok(file) = std::fs::symlink_metadata(&path) else { continue };
        if !file.is_symlink() && rights::is_open_to_others(&file) {
            rights::close_to_others(&path, &file).map_err(|error| {
                Error::internal(format!("Could not change the permissions of {}.", path.display()), error)
            })?;
        }
    }
    Ok(())
}

/// Puts the data directory's store into service after it was copied: leases and tokens issued elsewhere since then are
/// not valid here. Refused while a server runs.
pub fn promote(app: &App, operator: &Operator) -> Result<Renewed> {
    let folder = &app.store.folder;
    let _lock = folder.lock().map_err(|error| match error.code {
        ErrorCode::DataDirInUse => {
            let message = format!("A server is using {}. Stop it, then promote.", folder.path().display());
            Error { message, ..error }
        }
        _ => error,
    })?;
    let subject = folder.path().display().to_string();
    let epoch = Epoch::from_bits(app.random.bits()?);
    let renewed = audit::change(app, operator, move |tx, log| {
        let renewed = renew(tx, epoch, log.now_ms)?;
        log.note(tx, "promote", &subject, &renewed.details())?;
        Ok(renewed)
    })?;
    // After the commit: until then, the file keeps the store refused.
    app.store.write_epoch_file(epoch)?;
    Ok(renewed)
}

/// The windows in which jobs may have been lost, the newest first: at most the last ten.
pub fn lost_windows(app: &App) -> Vec<LostWindow> {
    let mut windows: Vec<_> = app.epochs.windows().collect();
    windows.reverse();
    windows.truncate(WINDOWS);
    windows
}

/// Lets a store take the place of another: lease numbers skip ahead, a new epoch begins, join tokens are revoked, and
/// leased jobs return to the queue.
pub(in crate::app) fn renew(tx: &mut Tx<'_>, epoch: Epoch, now_ms: i64) -> Result<Renewed> {
    let lost = store::epochs::replace(tx, epoch, now_ms)?;
    let held = store::leases::live(tx)?;
    for lease in &held {
        // Nothing to settle: no server is running, and the next start sweeps the files.
        let _unsettled = lifecycle::set_back(tx, *lease, LeaseEnd::server_replaced(), None, now_ms)?;
    }
    Ok(Renewed { epoch, jobs: held.len(), lost })
}
