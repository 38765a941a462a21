//! The pool of reading connections, opened on demand, at most [`READERS`].

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::domain::error::Result;
use crate::store::engine::connection::{self, Role};
use crate::store::engine::db::Db;

/// Maximum number of read connections.
const READERS: usize = 16;

/// The pool.
pub struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Db>,
    lent: usize,
    /// Threads waiting for a connection.
    waiting: usize,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        Self { path, pool: Mutex::default(), returned: Condvar::new() }
    }

    /// Runs a read on a pooled connection, waiting for one if all are in use.
    pub fn with<T>(&self, look: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        let mut loan = Loan { readers: self, db: self.borrow() };
        let db = match loan.db.take() {
            Some(db) => db,
            None => connection::open(&self.path, Role::Reader)?,
        };
        look(loan.db.insert(db))
    }

    /// An idle connection; `None` if the caller may open one.
    fn borrow(&self) -> Option<Db> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        while pool.idle.is_empty() && pool.lent >= READERS {
            pool.waiting += 1;
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
            pool.waiting -= 1;
        }
        pool.lent += 1;
        pool.idle.pop()
    }
}

/// Returns the connection to the pool on drop, even if its user panics.
struct Loan<'a> {
    readers: &'a Readers,
    db: Option<Db>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut pool = self.readers.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.lent -= 1;
        pool.idle.extend(self.db.take());
        // Notifying without a waiter would cost a system call per read.
        if pool.waiting > 0 {
            self.readers.returned.notify_one();
        }
    }
}
