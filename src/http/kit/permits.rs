//! Concurrency limits: how many uploads each caller may have at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;

/// Who an upload belongs to. Limits are per uploader, so that none can use up another's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Uploader {
    /// All unauthenticated callers together.
    Anyone,
    Account(String),
    Node(String),
}

/// Limits the concurrent uploads of each caller, regardless of its address.
pub struct Shares {
    clients: usize,
    nodes: usize,
    taken: Mutex<HashMap<Uploader, usize>>,
}

/// One of a caller's concurrent uploads, released on drop.
pub struct Share<'a> {
    shares: &'a Shares,
    whose: Uploader,
}

impl Shares {
    /// Allows this many concurrent uploads per client and per node, at least one each.
    pub fn new(clients: usize, nodes: usize) -> Self {
        Self { clients: clients.max(1), nodes: nodes.max(1), taken: Mutex::default() }
    }

    /// Reserves an upload, or returns an error that tells the caller to retry.
    pub fn take(&self, whose: Uploader) -> Result<Share<'_>> {
        let most = if matches!(whose, Uploader::Node(_)) { self.nodes } else { self.clients };
        let mut taken = self.lock();
        let own = taken.entry(whose.clone()).or_default();
        if *own < most {
            *own += 1;
            return Ok(Share { shares: self, whose });
        }
        Err(match whose {
            Uploader::Account(_) => {
                let message =
                    format!("The account has {own} uploads in progress, which is its limit. Wait for one to end.");
                Error::new(Kind::TooMany, ErrorCode::TooManyUploads, message)
            }
            Uploader::Anyone | Uploader::Node(_) => too_busy(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uploader, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut taken = self.shares.lock();
        if let Some(own) = taken.get_mut(&self.whose) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.whose);
            }
        }
    }
}

/// Tells a client to try again.
pub fn too_busy() -> Error {
    Error::new(Kind::Unavailable, ErrorCode::TooBusy, "Too many requests of this kind at once; try again shortly.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_limits_are_per_caller_and_released_on_drop() {
        let account = |name: &str| Uploader::Account(name.into());
        let shares = Shares::new(2, 1);
        let code = |whose| shares.take(whose).err().map(|error| (error.kind, error.code));
        let held: Vec<_> = [account("a"), account("a"), Uploader::Node("a".into()), Uploader::Anyone, Uploader::Anyone]
            .map(|whose| shares.take(whose).unwrap())
            .into();
        assert_eq!(code(account("a")), Some((Kind::TooMany, ErrorCode::TooManyUploads)));
        assert_eq!(code(Uploader::Node("a".into())), Some((Kind::Unavailable, ErrorCode::TooBusy)));
        assert_eq!(code(Uploader::Anyone), Some((Kind::Unavailable, ErrorCode::TooBusy)));
        assert_eq!((code(account("b")), code(Uploader::Node("b".into()))), (None, None));
        drop(held);
        assert_eq!((code(account("a")), code(Uploader::Node("a".into()))), (None, None));
        assert!(shares.lock().is_empty());
    }
}
