//! Uploaded demos of all accounts, page by page, for the operator.

use std::collections::HashMap;
use std::fmt;

use crate::app::{App, accounts};
use crate::domain::demo::DemoInfo;
use crate::domain::error::Result;
use crate::domain::id::AccountId;
use crate::domain::list::cut;
use crate::domain::sha256::Sha256;
use crate::store;
use crate::store::demos::Place;

/// An uploaded demo as the operator sees it.
pub struct AnyDemo {
    /// The name of the account that uploaded it.
    pub account: String,
    /// The demo, and how many jobs need it.
    pub info: DemoInfo,
    /// How many players are in it, if it has been indexed.
    pub players: Option<u64>,
    /// Why it cannot be read.
    pub failure: Option<String>,
}

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(Place);

impl Cursor {
    /// The reverse of its `Display`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let (at_ms, account, sha256) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self((at_ms.parse().ok()?, AccountId(account.parse().ok()?), Sha256::parse_any_case(sha256)?)))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at_ms, account, sha256) = &self.0;
        write!(f, "{at_ms}-{account}-{sha256}")
    }
}

/// A page of demos.
pub struct DemoPage {
    /// Newest first.
    pub demos: Vec<AnyDemo>,
    /// Where to continue, if there are more.
    pub next: Option<Cursor>,
}

/// The uploads of one or all accounts, newest first, at most `limit`.
pub fn page(app: &App, account: Option<&str>, after: Option<Cursor>, limit: u32) -> Result<DemoPage> {
    app.store.read(|db| {
        let account = account.map(|name| accounts::named(db, name)).transpose()?.map(|account| account.id);
        let mut found = store::demos::latest(db, account, after.map(|cursor| cursor.0), limit.saturating_add(1))?;
        let more = cut(&mut found, limit);
        let place = |last: &store::demos::Latest| (last.demo.uploaded_at_ms, last.account, last.demo.sha256);
        let next = found.last().filter(|_| more).map(|last| Cursor(place(last)));
        let mut names: HashMap<AccountId, String> = HashMap::new();
        let mut demos = Vec::with_capacity(found.len());
        for found in found {
            let store::demos::Latest { account, demo, players, failure } = found;
            let unfinished_jobs = store::demos::unfinished_jobs(db, account, &demo.sha256.to_string())?;
            let name = match names.get(&account) {
                Some(name) => name.clone(),
                None => names.entry(account).or_insert(store::accounts::by_id(db, account)?.name).clone(),
            };
            demos.push(AnyDemo { account: name, info: DemoInfo { demo, unfinished_jobs }, players, failure });
        }
        Ok(DemoPage { demos, next })
    })
}
