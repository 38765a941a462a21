//! The pool of reading connections: opened when first needed, [`limits::READERS`] at most.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::domain::error::Result;
use crate::domain::limits;
use crate::store::engine::connection::{self, Role};
use crate::store::engine::db::Db;

/// Lends connections out.
pub struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Db>,
    lent: usize,
    /// Users that wait for one.
    waiting: usize,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        Self { path, pool: Mutex::default(), returned: Condvar::new() }
    }

    /// Reads with a connection of its own, waiting for one if all are lent.
    pub fn with<T>(&self, look: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        let mut loan = Loan { readers: self, db: self.borrow() };
        let db = match loan.db.take() {
            Some(db) => db,
            None => connection::open(&self.path, Role::Reader)?,
        };
        look(loan.db.insert(db))
    }

    /// An idle connection, or leave to open one (`None`).
    fn borrow(&self) -> Option<Db> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        while pool.idle.is_empty() && pool.lent >= limits::READERS {
            pool.waiting += 1;
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
            pool.waiting -= 1;
        }
        pool.lent += 1;
        pool.idle.pop()
    }
}

/// Gives the connection back, whatever happens to its user.
struct Loan<'a> {
    readers: &'a Readers,
    db: Option<Db>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut pool = self.readers.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.lent -= 1;
        pool.idle.extend(self.db.take());
        // Telling nobody would be a call to the system for each read.
        if pool.waiting > 0 {
            self.readers.returned.notify_one();
        }
    }
}
