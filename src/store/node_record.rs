//! What became of a node's last jobs, and whether others complete such jobs.

use rusqlite::named_params;

use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::domain::id::{AccountId, JobId, LeaseId, NodeId};
use crate::domain::job::Renderer;
use crate::domain::node_record::{End, LOOKED_AT, Past};
use crate::store::engine::columns;
use crate::store::engine::db::Db;
use crate::store::leases::LeaseState;

/// Failures of one job that are looked at.
const FAILURES_OF_A_JOB: u32 = 16;
/// Leases among which a completed one is looked for.
const SEARCHED: u32 = 10_000;

/// Walks `leases_node` backwards; then the jobs' row numbers and `leases_job`.
const LATEST: &str = "
    SELECT leases.id, leases.job, leases.state, leases.avoid, leases.started_at_ms, leases.failure_code,
        leases.failure_message, jobs.account, jobs.renderer,
        EXISTS (
            SELECT 1 FROM leases AS other WHERE other.job = leases.job AND other.state = 'done' AND other.node <> :node
        ) AS done_elsewhere
    FROM leases
    CROSS JOIN jobs ON jobs.id = leases.job
    WHERE leases.node = :node AND leases.id > (SELECT judged_after FROM nodes WHERE id = :node)
        AND leases.ended_at_ms IS NOT NULL
    ORDER BY leases.id DESC
    LIMIT :limit
";

/// The last leases of a node that have ended and count, latest first.
pub fn latest(db: &Db, node: NodeId) -> Result<Vec<Past>> {
    db.rows(LATEST, named_params! { ":node": node.0, ":limit": LOOKED_AT }, |row| {
        let code = columns::optional_word(row, "failure_code", FailureCode::parse)?;
        let message: Option<String> = row.get("failure_message")?;
        let end = match columns::word(row, "state", LeaseState::parse)? {
            LeaseState::Done => End::Done,
            LeaseState::Failed => End::failed(code, row.get("avoid")?),
            LeaseState::Live | LeaseState::Lost | LeaseState::Cancelled => End::Neither,
        };
        Ok(Past {
            lease: LeaseId(row.get("id")?),
            job: JobId(row.get("job")?),
            account: AccountId(row.get("account")?),
            renderer: columns::word(row, "renderer", Renderer::parse)?,
            started_at_ms: row.get("started_at_ms")?,
            end,
            done_elsewhere: row.get("done_elsewhere")?,
            why: message.unwrap_or_default(),
        })
    })
}

/// Walks row numbers; then the jobs' row numbers.
const DONE_ELSEWHERE: &str = "
    SELECT EXISTS (
        SELECT 1
        FROM (SELECT job, node, state FROM leases WHERE id > :since ORDER BY id LIMIT :searched) AS later
        CROSS JOIN jobs ON jobs.id = later.job
        WHERE later.state = 'done' AND later.node <> :node AND jobs.renderer = :renderer
    )
";

/// Whether another node has completed a job with this renderer that was started after this lease.
pub fn done_elsewhere(db: &Db, node: NodeId, renderer: Renderer, since: LeaseId) -> Result<bool> {
    db.always(
        DONE_ELSEWHERE,
        named_params! {
            ":node": node.0,
            ":renderer": renderer.as_str(),
            ":since": since.0,
            ":searched": SEARCHED,
        },
        |row| row.get(0),
    )
}

/// Served by `leases_job`. Not DISTINCT, which would build a table for each completed job.
const FAILED_ON: &str = "
    SELECT node
    FROM leases
    WHERE job = :job AND state = 'failed'
    LIMIT :limit
";

/// The nodes on which a job failed.
pub fn failed_on(db: &Db, job: JobId) -> Result<Vec<NodeId>> {
    let params = named_params! { ":job": job.0, ":limit": FAILURES_OF_A_JOB };
    let mut nodes = db.rows(FAILED_ON, params, |row| row.get(0).map(NodeId))?;
    nodes.sort_unstable();
    nodes.dedup();
    Ok(nodes)
}
