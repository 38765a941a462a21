//! Known bugs, planted to see that the simulation finds them. Each alters one call of the server through SQL beside it,
//! so that nothing of them is in the program.

use std::path::Path;

use rusqlite::{Connection, params};

use super::story::Invariant;
use super::world::Kind;

/// A known bug of schedulers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// A claim looks for a job and takes it in two steps, so a claim in between may take the same one.
    ClaimInTwoSteps,
    /// A lease that has ended still completes its job.
    CompletionWithoutFence,
    /// A cancelled job does not give its node's slot back.
    SlotNotGivenBack,
    /// The usage row is written before the clip is published.
    BilledBeforePublished,
    /// Metered jobs are first come, first served between accounts, so a flood of one starves the others.
    FloodStarves,
}

impl Planted {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ClaimInTwoSteps,
        Self::CompletionWithoutFence,
        Self::SlotNotGivenBack,
        Self::BilledBeforePublished,
        Self::FloodStarves,
    ];

    /// What it breaks.
    pub fn breaks(self) -> Invariant {
        match self {
            Self::ClaimInTwoSteps | Self::CompletionWithoutFence => Invariant::OneLease,
            Self::SlotNotGivenBack => Invariant::CountersAgree,
            Self::BilledBeforePublished => Invariant::BilledOnce,
            Self::FloodStarves => Invariant::NobodyStarves,
        }
    }

    /// Steps of a seed in which it may be found.
    pub fn steps(self) -> u64 {
        if self == Self::FloodStarves { 8_000 } else { 1_000 }
    }

    /// The first seeds in which it may be found.
    pub fn seeds(self, count: u64) -> impl Iterator<Item = u64> {
        (1..).filter(move |seed| self != Self::FloodStarves || Kind::of(*seed) == Kind::Flood).take(count as usize)
    }
}

/// Simulated milliseconds in which two claims overlap.
const OVERLAP: u64 = 2_000;

/// Without those that failed on the node and could be taken by another.
const OLDEST: &str = "
    SELECT jobs.id, jobs.class FROM jobs
    JOIN accounts ON accounts.id = jobs.account
    JOIN nodes ON nodes.id = ?1
    WHERE jobs.status = 'queued' AND accounts.status = 'active'
        AND instr(',' || nodes.renderers || ',', ',' || jobs.renderer || ',') > 0
        AND (jobs.class = 'reserved'
            OR NOT EXISTS (SELECT 1 FROM leases WHERE job = jobs.id AND avoid = 1 AND node = ?1)
            OR NOT EXISTS (
                SELECT 1 FROM nodes AS other
                WHERE other.id <> ?1 AND other.removed_at_ms IS NULL AND other.stopped_at_ms IS NULL
                    AND other.draining = 0 AND COALESCE(other.benched_until_ms, 0) <= ?2
                    AND abs(?2 - other.seen_at_ms) < 90000
                    AND instr(',' || other.renderers || ',', ',' || jobs.renderer || ',') > 0
                    AND NOT EXISTS (SELECT 1 FROM leases WHERE job = jobs.id AND avoid = 1 AND node = other.id)))
    ORDER BY jobs.class DESC, jobs.id LIMIT 1
";

/// The connection that plants the bugs.
pub struct Plant {
    pub bug: Option<Planted>,
    db: Connection,
    /// The last job given: its row, its node, and when.
    given: Option<(i64, i64, u64)>,
}

impl Plant {
    pub fn new(store: &Path, bug: Option<Planted>) -> Self {
        let db = Connection::open(store).unwrap();
        db.pragma_update(None, "synchronous", "OFF").unwrap();
        if bug == Some(Planted::ClaimInTwoSteps) {
            // A store that claims like this has no such safety net.
            db.execute_batch("DROP INDEX leases_live_job").unwrap();
        }
        Self { bug, db, given: None }
    }

    pub fn is(&self, bug: Planted) -> bool {
        self.bug == Some(bug)
    }

    fn run(&self, sql: &str, values: impl rusqlite::Params) -> usize {
        self.db.prepare_cached(sql).unwrap().execute(values).unwrap()
    }

    /// A job was given to a node.
    pub fn note_given(&mut self, job: i64, node: i64, now: u64) {
        self.given = Some((job, node, now));
    }

    /// The job that this node's claim found in its first step, before another claim took it.
    pub fn found_too(&mut self, node: i64, now: u64) -> Option<i64> {
        let (job, other, _) = self.given.filter(|(_, other, at)| *other != node && now - at < OVERLAP)?;
        let sql = "SELECT COUNT(*) FROM leases WHERE job = ?1 AND node = ?2 AND ended_at_ms IS NULL";
        let leases: i64 = self.db.prepare_cached(sql).unwrap().query_row([job, other], |row| row.get(0)).unwrap();
        (leases == 1 && self.has_room(node)).then_some(job)
    }

    fn has_room(&self, node: i64) -> bool {
        let sql = "SELECT slots > (SELECT COUNT(*) FROM leases WHERE node = ?1 AND ended_at_ms IS NULL)
                AND draining = 0 AND removed_at_ms IS NULL AND stopped_at_ms IS NULL AND benched_until_ms IS NULL
            FROM nodes WHERE id = ?1";
        self.db.prepare_cached(sql).unwrap().query_row([node], |row| row.get(0)).unwrap()
    }

    /// The oldest metered job that the node may take, unless a reserved one waits.
    pub fn oldest(&self, node: i64, now_ms: i64) -> Option<i64> {
        let mut statement = self.db.prepare_cached(OLDEST).unwrap();
        let mut rows = statement.query(params![node, now_ms]).unwrap();
        let row = rows.next().unwrap()?;
        let (job, class): (i64, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        (class == "metered" && self.has_room(node)).then_some(job)
    }

    /// Leases a job to a node without looking whether it is still queued. Returns the lease's number.
    pub fn take(&self, job: i64, node: i64, now_ms: i64) -> i64 {
        self.run(
            "INSERT INTO leases (job, node, state, started_at_ms) VALUES (?1, ?2, 'live', ?3)",
            params![job, node, now_ms],
        );
        let lease = self.db.last_insert_rowid();
        let sql = "UPDATE jobs SET status = 'rendering', started_at_ms = COALESCE(started_at_ms, ?2) WHERE id = ?1";
        self.run(sql, params![job, now_ms]);
        self.run("UPDATE queue_changes SET number = number + 1", []);
        lease
    }

    /// Completes the job of any lease.
    pub fn complete(&self, lease: i64, now_ms: i64) {
        let sql = "UPDATE jobs
            SET status = 'done', finished_at_ms = ?2, failure_code = NULL, failure_message = NULL, failure_retry = NULL
            WHERE id = (SELECT job FROM leases WHERE id = ?1) AND status <> 'done'";
        if self.run(sql, params![lease, now_ms]) == 1 {
            self.bill(lease, now_ms);
        }
        self.run("UPDATE queue_changes SET number = number + 1", []);
    }

    /// Bills the job of a lease unless it is billed.
    pub fn bill(&self, lease: i64, now_ms: i64) {
        let sql = "INSERT OR IGNORE INTO ledger (job, account, class, renderer, footage_ms, fps, resolution, at_ms)
            SELECT id, account, class, renderer, 1, fps, resolution, ?2 FROM jobs
            WHERE id = (SELECT job FROM leases WHERE id = ?1)";
        self.run(sql, params![lease, now_ms]);
    }

    /// Keeps the slot of a cancelled job's last lease, if the cancellation ended it.
    pub fn keep_slot(&self, job: i64) {
        let sql = "UPDATE leases SET state = 'live', ended_at_ms = NULL
            WHERE id = (SELECT MAX(id) FROM leases WHERE job = ?1) AND state = 'cancelled'";
        self.run(sql, [job]);
    }
}
