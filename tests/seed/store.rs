//! The store being filled: created by the library, then written with plain SQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dinkem_appliance::app::{App, Settings};
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::store::STORE;
use rusqlite::{Connection, Params};

use crate::rng::Rng;

/// Rows in one transaction.
const BATCH: usize = 50_000;
/// Kibibytes of pages that SQLite keeps in memory.
const CACHE_KIB: u32 = 512 * 1024;
/// Rows up to which foreign keys are checked at the end.
const CHECKED_ROWS: usize = 1_000_000;
/// Different statements.
const STATEMENTS: usize = 64;

/// Bytes of a plain name.
const PLAIN_BYTES: usize = 40;

/// A minute in milliseconds.
pub const MINUTE: i64 = 60_000;
/// An hour in milliseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// A day in milliseconds.
pub const DAY: i64 = 24 * HOUR;

/// The store, and what all of its parts need.
pub struct Seed {
    pub dir: PathBuf,
    pub rng: Rng,
    /// Unix time in milliseconds.
    pub now: i64,
    /// Whether names that try to break pages are left out.
    plain: bool,
    db: Connection,
    pending: usize,
    rows: usize,
}

impl Seed {
    /// Creates the data directory as a server does, and opens its store.
    pub fn create(dir: &Path, plain: bool) -> Self {
        let clock = Arc::new(SystemClock::new());
        let app = App::serve(dir, Settings::default(), clock.clone(), Arc::new(SystemRandom)).unwrap();
        let now = clock.now_ms();
        let store = app.data_dir().join(STORE);
        drop(app);
        let db = Connection::open(store).unwrap();
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        let fast =
            format!("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -{CACHE_KIB}; BEGIN");
        db.execute_batch(&fast).unwrap();
        let accounts: i64 = db.query_row("SELECT COUNT(*) FROM accounts", [], |row| row.get(0)).unwrap();
        assert_eq!(accounts, 0, "{} already holds an appliance", dir.display());
        Self { dir: dir.to_owned(), rng: Rng::new(16), now, plain, db, pending: 0, rows: 0 }
    }

    /// Those of these texts that are wanted.
    pub fn wanted(&self, of: &[&'static str]) -> Vec<&'static str> {
        let is_plain = |text: &&str| !text.contains(['<', '{', '=', '"']) && text.len() <= PLAIN_BYTES;
        of.iter().copied().filter(|text| !self.plain || is_plain(text)).collect()
    }

    /// Inserts one row.
    pub fn insert(&mut self, sql: &str, values: impl Params) {
        self.db.prepare_cached(sql).unwrap().execute(values).unwrap_or_else(|error| panic!("{error}: {sql}"));
        self.pending += 1;
        self.rows += 1;
        if self.pending == BATCH {
            self.pending = 0;
            self.db.execute_batch("COMMIT; BEGIN").unwrap();
        }
    }

    /// Commits the rest, and lets a server start on it once, so that every check of a start has passed.
    pub fn finish(self) {
        self.db.execute_batch("COMMIT").unwrap();
        if self.rows <= CHECKED_ROWS {
            let mut check = self.db.prepare("PRAGMA foreign_key_check").unwrap();
            let broken: Vec<String> = check.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            assert!(broken.is_empty(), "{broken:?}");
        }
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        drop(self.db);
        let app =
            App::serve(&self.dir, Settings::default(), Arc::new(SystemClock::new()), Arc::new(SystemRandom)).unwrap();
        app.note_rows().unwrap();
    }
}
