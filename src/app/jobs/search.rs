//! Search for jobs of all accounts page by page, and for whatever the operator types into the search box.

use std::fmt;

use uuid::Uuid;

use crate::app::accounts::keys;
use crate::app::jobs::any_job::{AnyJob, complete};
use crate::app::short_id::{CANDIDATES, Named, SEARCHED};
use crate::app::{App, accounts, nodes};
use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::domain::id::KeyId;
use crate::domain::job::{JobStatus, SteamId};
use crate::domain::sha256::Sha256;
use crate::store::job_search::Search;
use crate::store::{self, Db};

/// Results of the search box.
pub const HITS: u32 = 10;
/// Characters of a text that is searched for.
pub const SEARCH_CHARS: usize = 200;

/// Which jobs to list; what is `None` or empty matches everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// An account's name.
    pub account: Option<String>,
    /// The key that submitted the job.
    pub key: Option<KeyId>,
    /// Name or id of a node that holds or held the job.
    pub node: Option<String>,
    /// The job has one of these statuses.
    pub statuses: Vec<JobStatus>,
    /// The job follows this player.
    pub player: Option<SteamId>,
    /// The demo's exact URL or, for an uploaded one, its SHA-256 in hexadecimal.
    pub demo: Option<String>,
    /// The job failed with this code.
    pub code: Option<FailureCode>,
    /// Submitted at or after this time. Unix time in milliseconds.
    pub created_from_ms: Option<i64>,
    /// Submitted before this time. Unix time in milliseconds.
    pub created_to_ms: Option<i64>,
}

/// Where the next page begins. Valid for the same filter only; its text is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(i64);

impl Cursor {
    /// The reverse of its `Display`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit()) && !text.is_empty();
        is_hex.then(|| i64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// A page of jobs.
pub struct JobPage {
    /// Newest first; with a node, those that it received last come first.
    pub jobs: Vec<AnyJob>,
    /// Where to continue, if there may be more.
    pub next: Option<Cursor>,
    /// If the page is short because enough jobs were examined for one page: when the last of them was submitted. Unix
    /// time in milliseconds.
    pub searched_to_ms: Option<i64>,
}

/// The matching jobs, at most `limit`. A page may be short, even empty, and still have a next one.
pub fn page(app: &App, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<JobPage> {
    let before = after.map(|cursor| cursor.0);
    let (jobs, next, searched_to_ms) = app.store.read(|db| {
        let Some(search) = search(db, filter)? else { return Ok((Vec::new(), None, None)) };
        let found = store::job_search::find(db, &search, before, limit)?;
        let jobs = found.jobs.into_iter().map(|id| store::jobs::by_id(db, id)).collect::<Result<_>>()?;
        Ok((jobs, found.next, found.searched_to_ms))
    })?;
    Ok(JobPage { jobs: complete(app, jobs)?, next: next.map(Cursor), searched_to_ms })
}

/// Resolves names to row ids; `None` if nothing can match because the key belongs to another account.
fn search(db: &Db, filter: &Filter) -> Result<Option<Search>> {
    let key = filter.key.map(|key| keys::by_id(db, key)).transpose()?;
    let named = filter.account.as_deref().map(|name| accounts::named(db, name)).transpose()?;
    let node = filter.node.as_deref().map(|name| nodes::named(db, name)).transpose()?;
    let (owner, named) = (key.as_ref().map(|key| key.account), named.map(|account| account.id));
    if owner.is_some() && named.is_some() && owner != named {
        return Ok(None);
    }
    let mut statuses = filter.statuses.clone();
    if filter.code.is_some() {
        // Jobs that are tried again keep the code of the last attempt, but have not failed.
        if !statuses.is_empty() && !statuses.contains(&JobStatus::Failed) {
            return Ok(None);
        }
        statuses = vec![JobStatus::Failed];
    }
    let demo = filter.demo.as_deref().map(str::trim);
    let sha256 = demo.and_then(Sha256::parse_any_case);
    Ok(Some(Search {
        account: owner.or(named),
        key: filter.key,
        node: node.map(|node| node.id),
        statuses: JobStatus::ALL.into_iter().filter(|status| statuses.contains(status)).collect(),
        player: filter.player,
        demo_url: demo.filter(|_| sha256.is_none()).map(str::to_owned),
        demo: sha256,
        code: filter.code,
        created_from_ms: filter.created_from_ms,
        created_to_ms: filter.created_to_ms,
    }))
}

/// What a text in the search box refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A job.
    Job {
        /// Its id.
        id: Uuid,
        /// Its account's name.
        account: String,
        /// Its status.
        status: JobStatus,
    },
    /// A player, by whose Steam ID jobs can be filtered; there may be none.
    Player(SteamId),
    /// An account, by its name.
    Account(String),
    /// A node, by its name.
    Node(String),
}

/// What a text may mean: a job's id or the last 8 digits of it, a player's Steam ID, the beginning of an account's or a
/// node's name in any case. At most [`HITS`].
pub fn find(app: &App, text: &str) -> Result<Vec<Hit>> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > SEARCH_CHARS {
        return Ok(Vec::new());
    }
    app.store.read(|db| {
        let mut hits = Vec::new();
        let ids = match Named::parse(text) {
            Some(Named::Id(id)) => vec![id],
            Some(Named::Ending(ending)) => store::job_search::by_ending(db, ending, SEARCHED, CANDIDATES)?,
            None => Vec::new(),
        };
        for id in ids {
            let Some(row) = store::job_search::by_public_id(db, id)? else { continue };
            let job = store::jobs::by_id(db, row)?;
            hits.push(Hit::Job { id, account: store::accounts::by_id(db, job.account)?.name, status: job.status });
        }
        hits.extend(SteamId::parse(text, "player").ok().map(Hit::Player));
        hits.extend(store::accounts::names_from(db, text, HITS)?.into_iter().map(Hit::Account));
        hits.extend(store::nodes::names_from(db, text, HITS)?.into_iter().map(Hit::Node));
        hits.truncate(HITS as usize);
        Ok(hits)
    })
}
