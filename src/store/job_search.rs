//! Job search across all accounts, for the operator. Rows are read by [`crate::store::jobs`].
//!
//! A search walks an index backwards, newest first, and filters what it finds. Unless each row that it walks is a result,
//! it examines a limited number of rows at a time.

use rusqlite::{Row, ToSql, named_params};
use uuid::Uuid;

use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::domain::id::{AccountId, JobId, KeyId, NodeId};
use crate::domain::job::{JobStatus, SteamId};
use crate::domain::sha256::Sha256;
use crate::store::engine::db::Db;

/// Rows that a search examines at a time where they lie one after another…
pub const SEARCHED_ROWS: u32 = 20_000;
/// …and where an index leads to each: about as long.
pub const SEARCHED_ENTRIES: u32 = 4_000;

/// Search criteria; `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Only jobs of this account.
    pub account: Option<AccountId>,
    /// Only those submitted with this key.
    pub key: Option<KeyId>,
    /// Only those that this node holds or held.
    pub node: Option<NodeId>,
    /// Only those with one of these statuses; all if it is empty.
    pub statuses: Vec<JobStatus>,
    /// Only those that follow this player.
    pub player: Option<SteamId>,
    /// Only those of the demo at exactly this URL.
    pub demo_url: Option<String>,
    /// Only those of this uploaded demo.
    pub demo: Option<Sha256>,
    /// Only those whose last failure has this code.
    pub code: Option<FailureCode>,
    /// Only those submitted at or after this time. Unix time in milliseconds.
    pub created_from_ms: Option<i64>,
    /// Only those submitted before this time. Unix time in milliseconds.
    pub created_to_ms: Option<i64>,
}

/// What a search has found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The matching jobs, newest first; a node's jobs by when it last received them.
    pub jobs: Vec<JobId>,
    /// Where to continue: rows before this position, if there may be more.
    pub next: Option<i64>,
    /// Creation time of the last row examined, if the search stopped there for now. Unix time in milliseconds.
    pub searched_to_ms: Option<i64>,
}

/// The conditions of a search.
macro_rules! filters {
    () => {
        "
        AND (:account IS NULL OR jobs.account = :account)
        AND (:key IS NULL OR jobs.key = :key)
        AND (:statuses IS NULL OR instr(:statuses, jobs.status) > 0)
        AND (:player IS NULL OR jobs.steam64_id = :player)
        AND (:demo_url IS NULL OR jobs.demo_url = :demo_url)
        AND (:demo IS NULL
            OR (substr(jobs.demo_url, -75, 11) = '/api/demos/' AND lower(substr(jobs.demo_url, -64)) = :demo))
        AND (:code IS NULL OR jobs.failure_code = :code)
        AND (:created_from IS NULL OR jobs.created_at_ms >= :created_from)
        AND (:created_to IS NULL OR jobs.created_at_ms < :created_to)
"
    };
}

/// Walks the jobs backwards by the row's number.
const ALL: &str = concat!(
    "
    SELECT jobs.id AS position, jobs.id AS job
    FROM jobs
    WHERE jobs.id < :before AND jobs.id >= :from",
    filters!(),
    "    ORDER BY jobs.id DESC
    LIMIT :limit"
);

/// Walks the jobs backwards by the row's number.
const ALL_BOUND: &str = "
    SELECT id FROM jobs WHERE id < :before AND id >= :from ORDER BY id DESC LIMIT 1 OFFSET :searched
";

/// Served by `jobs_account`, walked backwards.
const OF_ACCOUNT: &str = concat!(
    "
    SELECT jobs.id AS position, jobs.id AS job
    FROM jobs
    WHERE jobs.account = :of AND jobs.id < :before AND jobs.id >= :from",
    filters!(),
    "    ORDER BY jobs.id DESC
    LIMIT :limit"
);

/// Served by `jobs_account` alone, walked backwards.
const OF_ACCOUNT_BOUND: &str = "
    SELECT id FROM jobs WHERE account = :of AND id < :before AND id >= :from ORDER BY id DESC LIMIT 1 OFFSET :searched
";

/// Served by `jobs_without_clip`, walked backwards.
const WITHOUT_CLIP: &str = concat!(
    "
    SELECT jobs.id AS position, jobs.id AS job
    FROM jobs
    WHERE jobs.status = :of AND jobs.status IN ('failed', 'cancelled') AND jobs.id < :before AND jobs.id >= :from",
    filters!(),
    "    ORDER BY jobs.id DESC
    LIMIT :limit"
);

/// Served by `jobs_without_clip` alone, walked backwards.
const WITHOUT_CLIP_BOUND: &str = "
    SELECT id
    FROM jobs
    WHERE status = :of AND status IN ('failed', 'cancelled') AND id < :before AND id >= :from
    ORDER BY id DESC
    LIMIT 1 OFFSET :searched
";

/// Served by `jobs_unfinished`, and sorted: there are few.
const UNFINISHED: &str = concat!(
    "
    SELECT jobs.id AS position, jobs.id AS job
    FROM jobs
    WHERE jobs.status = :of AND (jobs.status = 'queued' OR jobs.status = 'rendering')
        AND jobs.id < :before AND jobs.id >= :from",
    filters!(),
    "    ORDER BY jobs.id DESC
    LIMIT :limit"
);

/// Served by `jobs_unfinished` alone, and sorted.
const UNFINISHED_BOUND: &str = "
    SELECT id
    FROM jobs
    WHERE status = :of AND (status = 'queued' OR status = 'rendering') AND id < :before AND id >= :from
    ORDER BY id DESC
    LIMIT 1 OFFSET :searched
";

/// Walks `leases_node` backwards; if the node had a job several times, only the last one counts, found with `leases_job`.
const OF_NODE: &str = concat!(
    "
    SELECT leases.id AS position, leases.job
    FROM leases
    CROSS JOIN jobs ON jobs.id = leases.job
    WHERE leases.node = :of AND leases.id < :before AND leases.id >= :from
        AND NOT EXISTS (
            SELECT 1 FROM leases later
            WHERE later.job = leases.job AND later.id > leases.id AND later.node = :of
        )",
    filters!(),
    "    ORDER BY leases.id DESC
    LIMIT :limit"
);

/// Served by `leases_node` alone, walked backwards.
const OF_NODE_BOUND: &str = "
    SELECT id FROM leases WHERE node = :of AND id < :before AND id >= :from ORDER BY id DESC LIMIT 1 OFFSET :searched
";

/// An index to walk: the statement, the one that finds where to stop, and what is walked.
struct Walk {
    rows: &'static str,
    bound: &'static str,
    of: Option<Box<dyn ToSql>>,
    /// How many rows it examines at a time.
    searched: u32,
    /// Whether rows that it walks may not match.
    filters: bool,
}

/// The walks for a search: one, or one for each status.
fn walks(search: &Search) -> Vec<Walk> {
    let walk = |rows, bound, of, filters| Walk { rows, bound, of, filters, searched: SEARCHED_ENTRIES };
    let narrow = search.key.is_some()
        || search.player.is_some()
        || search.demo_url.is_some()
        || search.demo.is_some()
        || search.code.is_some();
    let (by_status, by_account) = (!search.statuses.is_empty(), search.account.is_some());
    if let Some(node) = search.node {
        let filters = narrow || by_status || by_account || search.created_to_ms.is_some();
        return vec![walk(OF_NODE, OF_NODE_BOUND, Some(Box::new(node.0)), filters)];
    }
    if by_status && !search.statuses.contains(&JobStatus::Done) {
        let of = |status: &JobStatus| -> Option<Box<dyn ToSql>> { Some(Box::new(status.as_str())) };
        let by_status = |status: &JobStatus| match status.is_unfinished() {
            true => walk(UNFINISHED, UNFINISHED_BOUND, of(status), narrow || by_account),
            false => walk(WITHOUT_CLIP, WITHOUT_CLIP_BOUND, of(status), narrow || by_account),
        };
        return search.statuses.iter().map(by_status).collect();
    }
    match search.account {
        Some(account) => {
            vec![walk(OF_ACCOUNT, OF_ACCOUNT_BOUND, Some(Box::new(account.0)), narrow || by_status)]
        }
        None => vec![Walk { searched: SEARCHED_ROWS, ..walk(ALL, ALL_BOUND, None, narrow || by_status) }],
    }
}

/// The matching jobs before a position, at most `limit`.
pub fn find(db: &Db, search: &Search, before: Option<i64>, limit: u32) -> Result<Found> {
    let is_by_lease = search.node.is_some();
    let from = match search.created_from_ms {
        Some(from_ms) => first_since(db, if is_by_lease { LEASE_FROM } else { JOB_FROM }, from_ms)?,
        None => 0,
    };
    let to = match search.created_to_ms {
        Some(to_ms) if !is_by_lease => first_since(db, JOB_FROM, to_ms)?,
        _ => i64::MAX,
    };
    let before = before.unwrap_or(i64::MAX).min(to);
    let (mut found, mut stopped): (Vec<(i64, JobId)>, Option<i64>) = (Vec::new(), None);
    for walk in walks(search) {
        let range = Range { from, before };
        let bound = if walk.filters { bound(db, &walk, range)? } else { None };
        stopped = stopped.max(bound);
        let range = Range { from: bound.unwrap_or(from), before };
        found.extend(rows(db, &walk, search, range, limit.saturating_add(1))?);
    }
    found.sort_unstable_by_key(|(position, _)| std::cmp::Reverse(*position));
    // What one walk found where another has not been yet is found again by the next search.
    found.retain(|(position, _)| stopped.is_none_or(|stopped| *position >= stopped));
    let is_full = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().map(|(position, _)| *position);
    let searched_to_ms = match stopped.filter(|_| !is_full) {
        Some(stopped) => created_at(db, if is_by_lease { LEASE_FROM } else { JOB_FROM }, stopped)?,
        None => None,
    };
    let next = if is_full { last } else { stopped };
    Ok(Found { jobs: found.into_iter().map(|(_, job)| job).collect(), next, searched_to_ms })
}

/// Positions to walk.
#[derive(Clone, Copy)]
struct Range {
    from: i64,
    before: i64,
}

/// The position of the last row to examine; `None` if the range has so few rows that all are examined.
fn bound(db: &Db, walk: &Walk, range: Range) -> Result<Option<i64>> {
    let mut params: Vec<(&str, &dyn ToSql)> =
        vec![(":before", &range.before), (":from", &range.from), (":searched", &walk.searched)];
    params.extend(walk.of.as_ref().map(|of| (":of", of.as_ref())));
    let unexamined: Option<i64> = db.row(walk.bound, &params[..], |row| row.get(0))?;
    Ok(unexamined.map(|position| position + 1))
}

fn rows(db: &Db, walk: &Walk, search: &Search, range: Range, limit: u32) -> Result<Vec<(i64, JobId)>> {
    let statuses: Vec<&str> = search.statuses.iter().map(|status| status.as_str()).collect();
    let statuses = (!statuses.is_empty()).then(|| statuses.join(","));
    let mut params: Vec<(&str, &dyn ToSql)> = vec![(":before", &range.before), (":from", &range.from)];
    params.extend(walk.of.as_ref().map(|of| (":of", of.as_ref())));
    let (account, key) = (search.account.map(|account| account.0), search.key.map(|key| key.0));
    let (player, code) = (search.player.map(SteamId::get), search.code.map(FailureCode::as_str));
    let demo = search.demo.map(|sha256| sha256.to_string());
    params.extend::<[(&str, &dyn ToSql); 10]>([
        (":account", &account),
        (":key", &key),
        (":statuses", &statuses),
        (":player", &player),
        (":demo_url", &search.demo_url),
        (":demo", &demo),
        (":code", &code),
        (":created_from", &search.created_from_ms),
        (":created_to", &search.created_to_ms),
        (":limit", &limit),
    ]);
    db.rows(walk.rows, &params[..], |row: &Row<'_>| Ok((row.get("position")?, JobId(row.get("job")?))))
}

/// Served by the row's number.
const JOB_FROM: &str = "
    SELECT id, created_at_ms AS at_ms FROM jobs WHERE id >= :id ORDER BY id LIMIT 1
";

/// Served by the row's number. A lease begins after its job was submitted.
const LEASE_FROM: &str = "
    SELECT id, started_at_ms AS at_ms FROM leases WHERE id >= :id ORDER BY id LIMIT 1
";

/// The number of the first row of a time, by bisection: times grow with the rows' numbers.
fn first_since(db: &Db, at: &str, from_ms: i64) -> Result<i64> {
    let (mut low, mut high) = (0, i64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        let row: Option<(i64, i64)> =
            db.row(at, named_params! { ":id": middle }, |row| Ok((row.get("id")?, row.get("at_ms")?)))?;
        match row {
            Some((id, at_ms)) if at_ms < from_ms => low = id + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The time of the first row from a number on.
fn created_at(db: &Db, at: &str, id: i64) -> Result<Option<i64>> {
    db.row(at, named_params! { ":id": id }, |row| row.get("at_ms"))
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
