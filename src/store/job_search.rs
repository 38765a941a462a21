//! Job search across all accounts, for the operator. Rows are read by [`crate::store::jobs`].

use rusqlite::{Row, named_params};
use uuid::Uuid;

use crate::domain::error::Result;
use crate::domain::id::{AccountId, JobId, KeyId, NodeId};
use crate::domain::job::JobStatus;
use crate::store::engine::db::Db;

/// Search criteria.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Only jobs of this account.
    pub account: Option<AccountId>,
    /// Only those submitted with this key, which belongs to `account`.
    pub key: Option<KeyId>,
    /// Only those that this node holds or held.
    pub node: Option<NodeId>,
    /// Only those with this status.
    pub status: Option<JobStatus>,
    /// Maximum number of results.
    pub limit: u32,
}

/// Walks all jobs backwards by the row's number.
const ALL: &str = "
    SELECT id
    FROM jobs
    WHERE id <= :newest AND (:status IS NULL OR status = :status)
    ORDER BY id DESC
    LIMIT :limit
";

/// Served by `jobs_account`, walked backwards.
const OF_ACCOUNT: &str = "
    SELECT id
    FROM jobs
    WHERE account = :account AND (:key IS NULL OR key = :key) AND (:status IS NULL OR status = :status)
    ORDER BY id DESC
    LIMIT :limit
";

/// Walks all leases backwards; if a job has several, only the last one counts, found with `leases_job`.
const OF_NODE: &str = "
    SELECT jobs.id
    FROM leases
    JOIN jobs ON jobs.id = leases.job
    WHERE leases.node = :node
        AND NOT EXISTS (
            SELECT 1 FROM leases later
            WHERE later.job = leases.job AND later.id > leases.id AND later.node = :node
        )
        AND (:account IS NULL OR jobs.account = :account)
        AND (:key IS NULL OR jobs.key = :key)
        AND (:status IS NULL OR jobs.status = :status)
    ORDER BY leases.id DESC
    LIMIT :limit
";

/// The matching jobs, newest first; a node's jobs are ordered by when it received them.
pub fn find(db: &Db, search: &Search) -> Result<Vec<JobId>> {
    let account = search.account.map(|account| account.0);
    let key = search.key.map(|key| key.0);
    let (status, limit) = (search.status.map(JobStatus::as_str), search.limit);
    let read = |row: &Row<'_>| row.get("id").map(JobId);
    match (search.node, account) {
        (Some(node), _) => {
            let params = named_params! {
                ":node": node.0, ":account": account, ":key": key, ":status": status, ":limit": limit,
            };
            db.rows(OF_NODE, params, read)
        }
        (None, Some(account)) => {
            let params = named_params! { ":account": account, ":key": key, ":status": status, ":limit": limit };
            db.rows(OF_ACCOUNT, params, read)
        }
        (None, None) => db.rows(ALL, named_params! { ":newest": i64::MAX, ":status": status, ":limit": limit }, read),
    }
}

/// Served by the unique index on the public id.
const BY_PUBLIC_ID: &str = "
    SELECT id FROM jobs WHERE public_id = :public_id
";

/// The row of this job, whichever account it belongs to.
pub fn by_public_id(db: &Db, public_id: Uuid) -> Result<Option<JobId>> {
    db.row(BY_PUBLIC_ID, named_params! { ":public_id": public_id.as_bytes() }, |row| row.get(0).map(JobId))
}

/// Searches only the newest jobs, because no index covers the end of an id.
const BY_ENDING: &str = "
    SELECT public_id
    FROM jobs
    WHERE id > (SELECT MAX(id) FROM jobs) - :newest AND substr(public_id, 13) = :ending
    ORDER BY id DESC
    LIMIT :limit
";

/// Ids with this ending among the `newest` jobs, newest first.
pub fn by_ending(db: &Db, ending: [u8; 4], newest: u32, limit: u32) -> Result<Vec<Uuid>> {
    let params = named_params! { ":newest": newest, ":ending": ending, ":limit": limit };
    db.rows(BY_ENDING, params, |row| row.get(0).map(Uuid::from_bytes))
}
