//! Rows of leases, one per attempt. The expiry times of live leases are kept in memory only.

use rusqlite::{Row, named_params};

use crate::domain::error::Result;
use crate::domain::failure::{Failure, FailureCode};
use crate::domain::id::{JobId, LeaseId, NodeId};
use crate::domain::node_speed::Worked;
use crate::domain::schedule::entry::Stopped;
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

/// Maximum number of live leases across all nodes.
const LIVE_LEASES: u32 = 100_000;

/// State of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// The node may work on the job.
    Live,
    /// Its video is the job's clip.
    Done,
    /// The attempt failed.
    Failed,
    /// It expired.
    Lost,
    /// The job was cancelled.
    Cancelled,
}

impl LeaseState {
    const ALL: [Self; 5] = [Self::Live, Self::Done, Self::Failed, Self::Lost, Self::Cancelled];

    /// The name used in the store and in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

const INSERT: &str = "
    INSERT INTO leases (job, node, state, started_at_ms)
    VALUES (:job, :node, 'live', :now)
";

/// Leases a job to a node.
pub fn insert(tx: &mut Tx<'_>, job: JobId, node: NodeId, now_ms: i64) -> Result<LeaseId> {
    tx.insert(INSERT, named_params! { ":job": job.0, ":node": node.0, ":now": now_ms }).map(LeaseId)
}

/// Served by the row's number.
const FIND: &str = "
    SELECT job, state
    FROM leases
    WHERE id = :lease AND node = :node
";

/// Job and state of the lease with this number, if it belongs to this node.
pub fn find(db: &Db, lease: LeaseId, node: NodeId) -> Result<Option<(JobId, LeaseState)>> {
    db.row(FIND, named_params! { ":lease": lease.0, ":node": node.0 }, |row| {
        Ok((JobId(row.get("job")?), columns::word(row, "state", LeaseState::parse)?))
    })
}

/// Served by the row's number.
const HELD: &str = "
    SELECT job, started_at_ms
    FROM leases
    WHERE id = :lease AND node = :node AND ended_at_ms IS NULL
";

/// Served by the row's number. After [`HELD`], because RETURNING would build a table for its row.
const END: &str = "
    UPDATE leases
    SET state = :state, avoid = :avoid, ended_at_ms = :now,
        failure_code = :code, failure_message = :message, log = :log
    WHERE id = :lease
";

/// How a lease ends.
pub struct Ending<'a> {
    /// Its new state.
    pub state: LeaseState,
    /// Whether the job should avoid the node from now on.
    pub avoid: bool,
    /// Why the attempt failed.
    pub failure: Option<&'a Failure>,
    /// The end of what its renderer said.
    pub log: Option<&'a str>,
}

impl Ending<'_> {
    /// Its video is the job's clip.
    pub const DONE: Self = Self { state: LeaseState::Done, avoid: false, failure: None, log: None };
}

/// Ends a live lease of this node; false if it is not live or belongs to another node.
pub fn end(tx: &mut Tx<'_>, lease: LeaseId, node: NodeId, ending: &Ending<'_>, now_ms: i64) -> Result<bool> {
    let held = tx.row(HELD, named_params! { ":lease": lease.0, ":node": node.0 }, |row| {
        Ok((JobId(row.get("job")?), row.get("started_at_ms")?))
    })?;
    let Some((job, started_at_ms)) = held else { return Ok(false) };
    tx.execute(
        END,
        named_params! {
            ":state": ending.state.as_str(),
            ":avoid": ending.avoid,
            ":now": now_ms,
            ":code": ending.failure.map(|failure| failure.code.as_str()),
            ":message": ending.failure.map(|failure| &failure.message),
            ":log": ending.log,
            ":lease": lease.0,
        },
    )?;
    tx.stop(job, stopped(started_at_ms, now_ms, ending.state == LeaseState::Done));
    Ok(true)
}

/// Served by `leases_live_job`.
const CANCEL: &str = "
    UPDATE leases
    SET state = 'cancelled', ended_at_ms = :now
    WHERE job = :job AND ended_at_ms IS NULL
    RETURNING id, started_at_ms
";

/// Ends a job's live lease because the job was cancelled. Returns its number, if there was one.
pub fn cancel(tx: &mut Tx<'_>, job: JobId, now_ms: i64) -> Result<Option<LeaseId>> {
    let params = named_params! { ":job": job.0, ":now": now_ms };
    let lease = tx.row(CANCEL, params, |row| Ok((LeaseId(row.get("id")?), row.get("started_at_ms")?)))?;
    Ok(lease.map(|(lease, started_at_ms)| {
        tx.stop(job, stopped(started_at_ms, now_ms, false));
        lease
    }))
}

/// A clock that was set back makes no negative times.
fn stopped(started_at_ms: i64, now_ms: i64, is_done: bool) -> Stopped {
    Stopped { took_ms: (now_ms - started_at_ms).max(0).cast_unsigned(), is_done }
}

/// A live lease's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveLease {
    /// Its number.
    pub id: LeaseId,
    /// Its job.
    pub job: JobId,
    /// The node that holds it.
    pub node: NodeId,
}

/// All live leases: at most as many as nodes have slots. Served by `leases_live_node`.
const LIVE: &str = "
    SELECT id, job, node
    FROM leases
    WHERE ended_at_ms IS NULL
    ORDER BY node, id
    LIMIT :limit
";

/// All live leases.
pub fn live(db: &Db) -> Result<Vec<LiveLease>> {
    db.rows(LIVE, named_params! { ":limit": LIVE_LEASES }, read_live)
}

/// Served by `leases_live_node`.
const LIVE_OF_NODE: &str = "
    SELECT id, job, node
    FROM leases
    WHERE node = :node AND ended_at_ms IS NULL
    ORDER BY id
    LIMIT :limit
";

/// The live leases of one node.
pub fn live_of_node(db: &Db, node: NodeId) -> Result<Vec<LiveLease>> {
    db.rows(LIVE_OF_NODE, named_params! { ":node": node.0, ":limit": LIVE_LEASES }, read_live)
}

fn read_live(row: &Row<'_>) -> rusqlite::Result<LiveLease> {
    Ok(LiveLease { id: LeaseId(row.get("id")?), job: JobId(row.get("job")?), node: NodeId(row.get("node")?) })
}

/// One attempt at a job, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The lease.
    pub lease: LeaseId,
    /// The node's name.
    pub node: String,
    /// Its state: how it ended, or that it is still live.
    pub state: LeaseState,
    /// Unix time in milliseconds.
    pub started_at_ms: i64,
    /// Unix time in milliseconds.
    pub ended_at_ms: Option<i64>,
    /// Why it failed: code and message.
    pub failure: Option<(FailureCode, String)>,
    /// The end of what its renderer said.
    pub log: Option<String>,
}

/// Served by `leases_job`, walked backwards.
const ATTEMPTS: &str = "
    SELECT leases.id, nodes.name, leases.state, leases.started_at_ms, leases.ended_at_ms,
        leases.failure_code, leases.failure_message, leases.log
    FROM leases
    JOIN nodes ON nodes.id = leases.node
    WHERE leases.job = :job
    ORDER BY leases.id DESC
    LIMIT :limit
";

/// The last attempts at a job, latest first.
pub fn attempts(db: &Db, job: JobId, limit: u32) -> Result<Vec<Attempt>> {
    db.rows(ATTEMPTS, named_params! { ":job": job.0, ":limit": limit }, |row| {
        let failure = match columns::optional_word(row, "failure_code", FailureCode::parse)? {
            Some(code) => Some((code, row.get("failure_message")?)),
            None => None,
        };
        Ok(Attempt {
            lease: LeaseId(row.get("id")?),
            node: row.get("name")?,
            state: columns::word(row, "state", LeaseState::parse)?,
            started_at_ms: row.get("started_at_ms")?,
            ended_at_ms: row.get("ended_at_ms")?,
            failure,
            log: row.get("log")?,
        })
    })
}

/// Served by `leases_job`, walked backwards.
const LAST_NODE: &str = "
    SELECT nodes.name
    FROM leases
    JOIN nodes ON nodes.id = leases.node
    WHERE leases.job = :job
    ORDER BY leases.id DESC
    LIMIT 1
";

/// The name of the node of a job's last attempt.
pub fn last_node(db: &Db, job: JobId) -> Result<Option<String>> {
    db.row(LAST_NODE, named_params! { ":job": job.0 }, |row| row.get(0))
}

/// Walks `leases_node` backwards; then the ledger's primary key, because a clip may have been deleted.
const COMPLETED: &str = "
    SELECT latest.ended_at_ms - latest.started_at_ms AS took_ms, ledger.footage_ms
    FROM (
        SELECT id, job, state, started_at_ms, ended_at_ms
        FROM leases
        WHERE node = :node
        ORDER BY id DESC
        LIMIT :searched
    ) AS latest
    CROSS JOIN ledger ON ledger.job = latest.job
    WHERE latest.state = 'done'
    ORDER BY latest.id DESC
    LIMIT :limit
";

/// The last jobs that a node completed, at most `limit` among its last `searched` leases.
pub fn completed(db: &Db, node: NodeId, searched: u32, limit: u32) -> Result<Vec<Worked>> {
    let params = named_params! { ":node": node.0, ":searched": searched, ":limit": limit };
    db.rows(COMPLETED, params, |row| Ok(Worked { took_ms: row.get("took_ms")?, footage_ms: row.get("footage_ms")? }))
}

/// Served by `leases_avoid`.
const AVOID_NONE: &str = "
    UPDATE leases SET avoid = 0 WHERE job = :job AND avoid = 1
";

/// Clears the list of nodes that the job avoids.
pub fn avoid_none(tx: &mut Tx<'_>, job: JobId) -> Result<()> {
    tx.execute(AVOID_NONE, named_params! { ":job": job.0 })?;
    Ok(())
}

/// Served by the row's number, and the unique index on a clip's lease.
const KEEPS_FILES: &str = "
    SELECT EXISTS (SELECT 1 FROM leases WHERE id = :lease AND ended_at_ms IS NULL)
        OR EXISTS (SELECT 1 FROM clips WHERE lease = :lease)
";

/// Whether the files of a lease are still needed: it is live, or its video was published.
pub fn keeps_files(db: &Db, lease: LeaseId) -> Result<bool> {
    db.always(KEEPS_FILES, named_params! { ":lease": lease.0 }, |row| row.get(0))
}
