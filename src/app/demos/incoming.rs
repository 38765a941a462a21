//! Bytes of demos that are on their way: they count against their account's quota before they are there, so that
//! uploads at the same time cannot each take what is left of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::limits;
use crate::store;

/// Of each account, the bytes that its uploads were granted.
#[derive(Default)]
pub struct Incoming(Mutex<HashMap<AccountId, u64>>);

impl Incoming {
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the account's uploads that are going on.
    pub fn of(&self, account: AccountId) -> u64 {
        self.lock().get(&account).copied().unwrap_or_default()
    }
}

/// What one upload was granted of its account's quota; given back when dropped.
pub struct Share<'a> {
    app: &'a App,
    account: AccountId,
    granted: u64,
}

impl<'a> Share<'a> {
    /// Nothing yet.
    pub fn new(app: &'a App, account: AccountId) -> Self {
        Self { app, account, granted: 0 }
    }

    /// Has at least so many bytes granted: a step more than it has, or what is needed. False where the quota does not
    /// have them.
    pub fn cover(&mut self, bytes: u64) -> Result<bool> {
        if bytes <= self.granted {
            return Ok(true);
        }
        let step = self.granted.saturating_add(limits::ROOM_STEP_BYTES).max(bytes);
        Ok(self.grant(step)? || self.grant(bytes)?)
    }

    /// Has exactly so many bytes granted.
    pub fn grant(&mut self, bytes: u64) -> Result<bool> {
        let mut incoming = self.app.incoming.lock();
        // The rows are read under the lock: a share is given back only after its row is there.
        let used = self.app.store.read(|db| store::demos::account_bytes(db, self.account))?;
        let coming = incoming.entry(self.account).or_default();
        let after = (*coming - self.granted).saturating_add(bytes);
        let fits = used.saturating_add(after) <= self.app.settings.quotas.demo_bytes;
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
