//! Repeats calls while the server is away.

use std::time::Duration;

use log::{Level, log};

use crate::domain::epoch::LeaseName;
use crate::node::api::Trouble;
use crate::node::context::{NODE_RETRY_FIRST_MS, NODE_RETRY_MOST_MS};
use crate::node::lease::{Ended, Hold};

/// Pause after the first failure of a call; it doubles with each further one.
pub const FIRST_WAIT: Duration = Duration::from_millis(NODE_RETRY_FIRST_MS);

/// Repeats a call until the server answers it, be it with a refusal, or the lease ends.
pub fn outlast<T>(
    lease: LeaseName,
    hold: &Hold<'_>,
    mut call: impl FnMut() -> Result<T, Trouble>,
) -> Result<Result<T, Trouble>, Ended> {
    let mut wait = FIRST_WAIT;
    loop {
        match call() {
            Err(Trouble::Away(error)) => {
                // Said once: an outage may last for days.
                let level = if wait == FIRST_WAIT { Level::Info } else { Level::Debug };
                log!(level, "Lease {lease}: trying again until the server answers: {error}");
                hold.pause(wait)?;
                wait = (wait * 2).min(Duration::from_millis(NODE_RETRY_MOST_MS));
            }
            answered => return Ok(answered),
        }
    }
}
