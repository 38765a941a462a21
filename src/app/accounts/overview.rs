//! Accounts as the operator looks them up: lists by page, and what belongs to one of them.

use uuid::Uuid;

use crate::app::App;
use crate::app::accounts::{Summary, summarize};
use crate::domain::account::{Account, AccountStatus};
use crate::domain::error::{Error, Result};
use crate::domain::id::AccountId;
use crate::domain::job::Job;
use crate::domain::list::{JobFilter, cut};
use crate::store;

/// Which accounts to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<AccountStatus>,
    /// Only with this part in their names; empty: all.
    pub part: String,
    /// Only after this name; empty: from the first.
    pub after: String,
}

/// An account in a list.
pub struct Line {
    /// The account and its unfinished jobs.
    pub summary: Summary,
    /// Bytes of the demos that it uploaded.
    pub demo_bytes: u64,
    /// When one of its keys was last used. Unix time in milliseconds.
    pub used_at_ms: Option<i64>,
}

/// A page of accounts.
pub struct Page {
    /// By name.
    pub lines: Vec<Line>,
    /// The name after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// The matching accounts, by name, at most `limit`.
pub fn page(app: &App, filter: &Filter, limit: u32) -> Result<Page> {
    app.store.read(|db| {
        let Filter { status, part, after } = filter;
        let mut accounts = store::accounts::matching(db, *status, part, after, limit.saturating_add(1))?;
        let more = cut(&mut accounts, limit);
        let next = accounts.last().filter(|_| more).map(|account| account.name.clone());
        let lines = accounts.into_iter().map(|account| {
            let demo_bytes = store::demos::account_bytes(db, account.id)?;
            let used_at_ms = store::keys::last_used(db, account.id)?;
            Ok(Line { summary: summarize(db, account)?, demo_bytes, used_at_ms })
        });
        Ok(Page { lines: lines.collect::<Result<_>>()?, next })
    })
}

/// The account with this UUID.
pub fn by_public_id(app: &App, id: Uuid) -> Result<Account> {
    let found = app.store.read(|db| store::accounts::by_public_id(db, id))?;
    found.ok_or_else(|| Error::not_found("There is no such account."))
}

/// How many bytes of demos an account may store.
pub struct DemoQuota {
    /// What they take now.
    pub used: u64,
    /// The account's own limit; `None`: the server's.
    pub own: Option<u64>,
    /// The limit in force.
    pub limit: u64,
}

/// An account's demos and their limit.
pub fn demo_quota(app: &App, account: &Account) -> Result<DemoQuota> {
    let (used, own) = app
        .store
        .read(|db| Ok((store::demos::account_bytes(db, account.id)?, store::accounts::demo_bytes(db, account.id)?)))?;
    Ok(DemoQuota { used, own, limit: own.unwrap_or(app.settings.quotas.demo_bytes) })
}

/// An account's latest jobs, newest first.
pub fn latest_jobs(app: &App, account: &Account, limit: u32) -> Result<Vec<Job>> {
    app.store.read(|db| store::jobs::page(db, account.id, &JobFilter::default(), None, limit))
}

/// The oldest account's creation: no usage is older. Unix time in milliseconds.
pub fn first_created_ms(app: &App) -> Result<Option<i64>> {
    let first = app.store.read(|db| store::accounts::page(db, AccountId(0), 1))?;
    Ok(first.first().map(|account| account.created_at_ms))
}
