//! What the store's rows say, read beside the server. The open connection also keeps SQLite from emptying its log when
//! the server ends, so a crash leaves the store as a power cut would.

use std::path::Path;

use dinkem_appliance::domain::id::NodeId;
use dinkem_appliance::domain::job::{JobStatus, Renderer};
use dinkem_appliance::domain::key::KeyClass;
use dinkem_appliance::domain::offer::Needs;
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

/// A row of a job, as far as the invariants need it.
pub struct JobRow {
    pub id: Uuid,
    pub account: i64,
    pub class: KeyClass,
    pub needs: Needs,
    pub status: JobStatus,
    pub finished_at_ms: Option<i64>,
}

/// A live lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    pub lease: i64,
    pub job: i64,
    pub node: i64,
}

/// A reader of the store.
pub struct Rows(Connection);

impl Rows {
    pub fn open(store: &Path) -> Self {
        let db = Connection::open(store).unwrap();
        db.pragma_update(None, "query_only", true).unwrap();
        db.set_prepared_statement_cache_capacity(32);
        Self(db)
    }

    /// Changes when another connection has committed.
    pub fn version(&self) -> i64 {
        self.0.prepare_cached("PRAGMA data_version").unwrap().query_row([], |row| row.get(0)).unwrap()
    }

    fn all<T>(&self, sql: &str, job: i64, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let mut statement = self.0.prepare_cached(sql).unwrap();
        let rows = statement.query_map(params![job], read).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    /// All live leases, oldest first.
    pub fn live(&self) -> Vec<Live> {
        let sql = "SELECT id, job, node FROM leases WHERE ended_at_ms IS NULL AND ?1 = 0 ORDER BY id";
        self.all(sql, 0, |row| Ok(Live { lease: row.get(0)?, job: row.get(1)?, node: row.get(2)? }))
    }

    /// The rows of jobs after this one.
    pub fn jobs_after(&self, job: i64) -> Vec<i64> {
        self.all("SELECT id FROM jobs WHERE id > ?1 ORDER BY id", job, |row| row.get(0))
    }

    pub fn job(&self, job: i64) -> Option<JobRow> {
        let sql = "SELECT public_id, account, class, renderer, resolution, demo_build, status, finished_at_ms
            FROM jobs WHERE id = ?1";
        let read = |row: &Row<'_>| {
            let word = |at: usize| row.get::<_, String>(at);
            Ok(JobRow {
                id: Uuid::from_bytes(row.get(0)?),
                account: row.get(1)?,
                class: KeyClass::parse(&word(2)?).unwrap(),
                needs: Needs {
                    renderer: Renderer::parse(&word(3)?).unwrap(),
                    resolution: row.get(4)?,
                    demo_build: row.get(5)?,
                },
                status: JobStatus::parse(&word(6)?).unwrap(),
                finished_at_ms: row.get(7)?,
            })
        };
        self.all(sql, job, read).pop()
    }

    /// Rows of a job in the ledger.
    pub fn bills(&self, job: i64) -> usize {
        self.all("SELECT job FROM ledger WHERE job = ?1", job, |_| Ok(())).len()
    }

    /// A job's clip: its lease and bytes.
    pub fn clip(&self, job: i64) -> Option<(i64, u64)> {
        self.all("SELECT lease, bytes FROM clips WHERE job = ?1", job, |row| Ok((row.get(0)?, row.get(1)?))).pop()
    }

    /// The events of a job in the outbox: name and time.
    pub fn events(&self, job: i64) -> Vec<(String, i64)> {
        let sql = "SELECT event, at_ms FROM outbox WHERE job = ?1 ORDER BY id";
        self.all(sql, job, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The nodes that a job avoids.
    pub fn avoids(&self, job: i64) -> Vec<NodeId> {
        let sql = "SELECT DISTINCT node FROM leases WHERE job = ?1 AND avoid = 1 ORDER BY node";
        self.all(sql, job, |row| row.get(0).map(NodeId))
    }

    /// Row and status of every job.
    pub fn statuses(&self) -> Vec<(i64, String)> {
        self.all("SELECT id, status FROM jobs WHERE id > ?1 ORDER BY id", 0, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// All jobs in the ledger.
    pub fn billed(&self) -> Vec<i64> {
        self.all("SELECT job FROM ledger WHERE job > ?1 ORDER BY job", 0, |row| row.get(0))
    }

    /// All jobs that ended without being billed.
    pub fn unbilled(&self) -> Vec<i64> {
        self.all("SELECT job FROM unbilled WHERE job > ?1 ORDER BY job", 0, |row| row.get(0))
    }

    /// Job, lease and bytes of every clip.
    pub fn clips(&self) -> Vec<(i64, i64, u64)> {
        let sql = "SELECT job, lease, bytes FROM clips WHERE job > ?1";
        self.all(sql, 0, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }
}
