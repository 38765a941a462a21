//! Puts a copied store into service.

use crate::app::jobs::lifecycle;
use crate::app::{App, audit};
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::lease::LeaseEnd;
use crate::domain::operator::Operator;
use crate::domain::wording::counted;
use crate::store::{self, Tx};

/// Puts the data directory's store into service after it was copied: leases and tokens issued elsewhere since then are
/// not valid here. Refused while a server runs. Returns how many jobs were returned to the queue.
pub fn promote(app: &App, operator: &Operator) -> Result<usize> {
    let folder = &app.store.folder;
    let _lock = folder.lock().map_err(|error| match error.code {
        ErrorCode::DataDirInUse => {
            let message = format!("A server is using {}. Stop it, then promote.", folder.path().display());
            Error { message, ..error }
        }
        _ => error,
    })?;
    let subject = folder.path().display().to_string();
    let jobs = audit::change(app, operator, move |tx, log| {
        let jobs = renew(tx, log.now_ms)?;
        log.note(tx, "promote", &subject, &format!("{} returned to the queue", counted(jobs, "job")))?;
        Ok(jobs)
    })?;
    // After the commit: until the store is marked, the file keeps it refused.
    app.store.forget_served()?;
    Ok(jobs)
}

/// Lets a store replace another: lease numbers skip ahead, join tokens are revoked, and leased jobs return to the
/// queue. Returns how many.
pub(in crate::app) fn renew(tx: &mut Tx<'_>, now_ms: i64) -> Result<usize> {
    store::served::prepare_to_replace(tx)?;
    let held = store::leases::live(tx)?;
    for lease in &held {
        // Nothing to settle: no server is running, and the next start sweeps the files.
        let _unsettled = lifecycle::set_back(tx, *lease, LeaseEnd::server_replaced(), None, now_ms)?;
    }
    Ok(held.len())
}
