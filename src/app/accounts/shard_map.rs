//! The map that leads an account's keys to its appliance when several stand behind one load balancer.

use crate::app::App;
use crate::domain::error::{Error, Result};
use crate::domain::shard::{SHARD_KEYS, Shard};
use crate::store;

/// The map's text, see [`Shard::map`]: every key that is not revoked, old keys that still overlap included. Keys of
/// accounts that are not active are in it, so that they work as soon as their account does.
pub fn text(app: &App, shard: &Shard) -> Result<String> {
    let now = app.clock.now_ms();
    let keys = app.store.read(|db| store::keys::live(db, now, SHARD_KEYS + 1))?;
    if keys.len() > SHARD_KEYS as usize {
        let why = format!("more than {SHARD_KEYS} keys are live; revoke those that nobody uses");
        return Err(Error::internal("The shard's map cannot be written.", why));
    }
    Ok(shard.map(&keys))
}
