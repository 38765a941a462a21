//! Accounts: created inactive, activated and deactivated by the operator.

pub mod auth;
pub mod dinks;
pub mod keys;
pub mod overview;
pub mod shard_map;

use crate::app::App;
use crate::app::audit::{self, AuditLog};
use crate::domain::account::{Account, AccountStatus, check_name};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::Caller;
use crate::domain::key::{KeyClass, Secret};
use crate::domain::operator::Operator;
use crate::domain::wording::counted;
use crate::store::{self, Db, Tx};

/// New keys, which are shown only once.
pub struct NewKeys {
    /// Present where one was made.
    pub metered: Option<Secret>,
    /// Present where one was made.
    pub reserved: Option<Secret>,
}

/// The content of `GET /api/account`.
pub struct Summary {
    /// The account itself.
    pub account: Account,
    /// Reserved jobs that nodes are working on.
    pub dinks_in_use: u32,
    /// Queued jobs.
    pub queued: u64,
    /// Jobs that nodes are working on.
    pub rendering: u64,
}

/// Creates an inactive account, with both keys unless `with_keys` says otherwise. Names are unique.
pub fn create(app: &App, operator: &Operator, name: &str, with_keys: bool) -> Result<(Account, NewKeys)> {
    check_name(name)?;
    let public_id = app.random_uuid()?;
    let classes: &[KeyClass] = if with_keys { &KeyClass::ALL } else { &[] };
    let secrets = keys::draw(app, classes)?;
    let (name, minted) = (name.to_owned(), secrets.clone());
    let account = audit::change(app, operator, move |tx, log| {
        check_free(tx, &name)?;
        let account = store::accounts::insert(tx, public_id, &name, log.now_ms)?;
        log.note(tx, "account.create", &name, "")?;
        keys::issue(tx, log, &account, &minted, "keys.mint")?;
        Ok(account)
    })?;
    Ok((account, keys::shown(secrets)))
}

/// All accounts, oldest first.
pub fn list(app: &App) -> Result<Vec<Account>> {
    app.store.read(store::accounts::all)
}

/// The names of accounts in order, at most `limit`: to choose from.
pub fn names(app: &App, limit: u32) -> Result<Vec<String>> {
    app.store.read(|db| store::accounts::names_from(db, "", limit))
}

/// One account with its job counts.
pub fn show(app: &App, name: &str) -> Result<Summary> {
    app.store.read(|db| summarize(db, named(db, name)?))
}

/// Activates the named account or, without a name, the only inactive one. Error codes: `several_waiting` (the message
/// lists them) and `nobody_waiting`. A no-op for an active account.
pub fn activate(app: &App, operator: &Operator, name: Option<&str>) -> Result<Account> {
    let name = name.map(str::to_owned);
    audit::change(app, operator, move |tx, log| {
        let account = match &name {
            Some(name) => named(tx, name)?,
            None => only_inactive(store::accounts::all(tx)?)?,
        };
        set_status(tx, log, account, AccountStatus::Active, "account.activate")
    })
}

/// Deactivates an account: its requests are rejected from now on. Queued jobs stay queued, running jobs finish, clips
/// stay.
pub fn deactivate(app: &App, operator: &Operator, name: &str) -> Result<Account> {
    let name = name.to_owned();
    audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        set_status(tx, log, account, AccountStatus::Deactivated, "account.deactivate")
    })
}

/// Renames an account. Names are unique; its keys, jobs and bills stay its own.
pub fn rename(app: &App, operator: &Operator, name: &str, new_name: &str) -> Result<Account> {
    check_name(new_name)?;
    let (name, new_name) = (name.to_owned(), new_name.to_owned());
    audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        if name == new_name {
            return Ok(account);
        }
        check_free(tx, &new_name)?;
        store::accounts::rename(tx, account.id, &new_name)?;
        log.note(tx, "account.rename", &new_name, &format!("was {name}"))?;
        Ok(Account { name: new_name, ..account })
    })
}

/// Sets the bytes of demos that an account may store; `None`: the server's default. Applies to the next upload.
pub fn set_demo_bytes(app: &App, operator: &Operator, name: &str, bytes: Option<u64>) -> Result<()> {
    let name = name.to_owned();
    audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        let in_words = |bytes: Option<u64>| bytes.map_or("default".to_owned(), |bytes| counted(bytes, "byte"));
        let before = store::accounts::demo_bytes(tx, account.id)?;
        store::accounts::set_demo_bytes(tx, account.id, bytes)?;
        log.note(tx, "account.quota", &name, &format!("demos: {} to {}", in_words(before), in_words(bytes)))
    })
}

/// Sets an account's status. A change is recorded in the audit log.
fn set_status(
    tx: &mut Tx<'_>,
    log: &AuditLog,
    account: Account,
    status: AccountStatus,
    action: &'static str,
) -> Result<Account> {
    if account.status != status {
        store::accounts::set_status(tx, account.id, status)?;
        log.note(tx, action, &account.name, "")?;
    }
    Ok(Account { status, ..account })
}

/// The caller's own account.
pub fn summary(app: &App, caller: &Caller) -> Result<Summary> {
    app.store.read(|db| summarize(db, caller.account.clone()))
}

/// The account with this name, or a not-found error.
pub(in crate::app) fn named(db: &Db, name: &str) -> Result<Account> {
    store::accounts::by_name(db, name)?
        .ok_or_else(|| Error::not_found(format!("There is no account named {name}. See `admin account list`.")))
}

fn check_free(db: &Db, name: &str) -> Result<()> {
    if store::accounts::by_name(db, name)?.is_some() {
        return Err(Error::conflict(ErrorCode::NameTaken, format!("There is already an account named {name}.")));
    }
    Ok(())
}

fn summarize(db: &Db, account: Account) -> Result<Summary> {
    let counts = store::jobs::counts(db, account.id)?;
    Ok(Summary { account, dinks_in_use: counts.reserved, queued: counts.queued, rendering: counts.rendering })
}

fn only_inactive(accounts: Vec<Account>) -> Result<Account> {
    let mut waiting: Vec<Account> =
        accounts.into_iter().filter(|account| account.status == AccountStatus::Inactive).collect();
    match (waiting.pop(), waiting.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(Error::new(Kind::NotFound, ErrorCode::NobodyWaiting, "No account is waiting for activation.")),
        (Some(last), _) => {
            let names: Vec<&str> = waiting.iter().chain([&last]).map(|account| account.name.as_str()).collect();
            let message = format!("Several accounts are waiting for activation; name one of: {}.", names.join(", "));
            Err(Error::conflict(ErrorCode::SeveralWaiting, message))
        }
    }
}
