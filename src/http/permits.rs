//! Permits: how many requests of a kind may hold a thread at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::error::{Error, Kind, Result};

/// A number of permits.
pub struct Permits {
    most: usize,
    taken: AtomicUsize,
}

/// One permit, given back when dropped.
pub struct Permit<'a>(&'a Permits);

impl Permits {
    /// So many at once.
    pub fn new(most: usize) -> Self {
        Self { most, taken: AtomicUsize::new(0) }
    }

    /// Takes one, or tells the client to come again.
    pub fn take(&self) -> Result<Permit<'_>> {
        if self.taken.fetch_add(1, Ordering::AcqRel) < self.most {
            return Ok(Permit(self));
        }
        self.taken.fetch_sub(1, Ordering::AcqRel);
        Err(Error::new(Kind::Unavailable, "too_busy", "Too many requests of this kind at once; try again shortly."))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_comes_back_when_it_is_dropped() {
        let permits = Permits::new(2);
        let first = permits.take().unwrap();
        let _second = permits.take().unwrap();
        assert_eq!(permits.take().err().map(|error| error.kind), Some(Kind::Unavailable));
        drop(first);
        assert!(permits.take().is_ok());
    }
}
