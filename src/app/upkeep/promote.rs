//! Makes a copied store the one that goes on.

use crate::app::jobs::lifecycle;
use crate::app::{App, audit};
use crate::domain::error::{Error, Result};
use crate::domain::lease::LeaseEnd;
use crate::domain::operator::Operator;
use crate::domain::wording::counted;
use crate::store::{self, Tx};

/// Makes the data directory's store the one that goes on, however it came there: nothing that another server has given
/// out since the copy was made is taken for this one's. Refused while a server runs here. How many jobs, that nodes held
/// when the copy was made, were put back into the queue.
pub fn promote(app: &App, operator: &Operator) -> Result<usize> {
    let folder = &app.store.folder;
    let _lock = folder.lock().map_err(|error| match error.code {
        "data_dir_in_use" => {
            let message = format!("A server works on {}: stop it, then promote.", folder.path().display());
            Error { message, ..error }
        }
        _ => error,
    })?;
    let subject = folder.path().display().to_string();
    let jobs = audit::change(app, operator, move |tx, log| {
        let jobs = renew(tx, log.now_ms)?;
        log.note(tx, "promote", &subject, &format!("{} put back", counted(jobs, "job")))?;
        Ok(jobs)
    })?;
    // After the commit: without its mark the store is refused as long as the file is there.
    app.store.forget_served()?;
    Ok(jobs)
}

/// What makes a store go on in place of another: numbers of leases jump, join tokens are void, and no node holds a job.
/// How many jobs were put back into the queue.
pub(in crate::app) fn renew(tx: &mut Tx<'_>, now_ms: i64) -> Result<usize> {
    store::served::begin_anew(tx)?;
    let held = store::leases::live(tx)?;
    for lease in &held {
        // Nothing to settle: no server runs, and its next start sweeps the files.
        let _unsettled = lifecycle::set_back(tx, *lease, LeaseEnd::server_replaced(), None, now_ms)?;
    }
    Ok(held.len())
}
