//! Quota reservations of in-flight demo uploads, so that concurrent uploads cannot each use the same remaining quota.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::os::room::ROOM_STEP_BYTES;
use crate::store;

/// Bytes reserved by in-flight uploads, by account.
#[derive(Default)]
pub struct Incoming(Mutex<HashMap<AccountId, u64>>);

impl Incoming {
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes reserved by the account's in-flight uploads.
    pub fn of(&self, account: AccountId) -> u64 {
        self.lock().get(&account).copied().unwrap_or_default()
    }
}

/// Bytes of demos that an account may store: its own quota, else the server's.
pub fn quota(app: &App, account: AccountId) -> Result<u64> {
    let own = app.store.read(|db| store::accounts::demo_bytes(db, account))?;
    Ok(own.unwrap_or(app.settings.quotas.demo_bytes))
}

/// One upload's reservation, released when dropped.
pub struct Share<'a> {
    app: &'a App,
    account: AccountId,
    granted: u64,
}

impl<'a> Share<'a> {
    /// An empty reservation.
    pub fn new(app: &'a App, account: AccountId) -> Self {
        Self { app, account, granted: 0 }
    }

    /// Reserves at least `bytes`, in steps where the quota allows. False if the quota is exceeded.
    pub fn cover(&mut self, bytes: u64) -> Result<bool> {
        if bytes <= self.granted {
            return Ok(true);
        }
        let step = self.granted.saturating_add(ROOM_STEP_BYTES).max(bytes);
        Ok(self.grant(step)? || self.grant(bytes)?)
    }

    /// Reserves exactly `bytes`.
    pub fn grant(&mut self, bytes: u64) -> Result<bool> {
        let quota = quota(self.app, self.account)?;
        let mut incoming = self.app.incoming.lock();
        // Read under the lock: a share is released only after its row is stored.
        let used = self.app.store.read(|db| store::demos::account_bytes(db, self.account))?;
        let coming = incoming.entry(self.account).or_default();
        let after = (*coming - self.granted).saturating_add(bytes);
        let fits = used.saturating_add(after) <= quota;
        if fits {
            *coming = after;
            self.granted = bytes;
        } else if *coming == 0 {
            incoming.remove(&self.account);
        }
        Ok(fits)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut incoming = self.app.incoming.lock();
        if let Some(coming) = incoming.get_mut(&self.account) {
            *coming -= self.granted;
            if *coming == 0 {
                incoming.remove(&self.account);
            }
        }
    }
}
