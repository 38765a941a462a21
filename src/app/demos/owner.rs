//! Uploaded demos for their account and the operator: list, delete.

use crate::app::audit::{self, AuditLog};
use crate::app::demos::{bucket, files};
use crate::app::{App, accounts};
use crate::domain::demo::{DemoInfo, UploadedDemo};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::AccountId;
use crate::domain::job::Caller;
use crate::domain::list::{LIST_ROWS, cut};
use crate::domain::operator::Operator;
use crate::domain::sha256::Sha256;
use crate::store::{self, Db, Tx};

pub use crate::store::demos::After;

/// A page of demos.
pub struct DemoPage {
    /// Newest first.
    pub demos: Vec<DemoInfo>,
    /// Where the next page begins, if there is one.
    pub next: Option<After>,
}

/// The account's uploads, newest first.
pub fn list(app: &App, caller: &Caller, limit: u32, after: Option<After>) -> Result<DemoPage> {
    let account = caller.account.id;
    app.store.read(|db| {
        let mut demos = page(db, account, after, limit.saturating_add(1))?;
        let more = cut(&mut demos, limit);
        let next = demos.last().filter(|_| more).map(|last| (last.demo.uploaded_at_ms, last.demo.sha256));
        Ok(DemoPage { demos, next })
    })
}

/// The uploads of one or all accounts, with the account's name; newest first within each account.
pub fn list_all(app: &App, account: Option<&str>) -> Result<Vec<(String, DemoInfo)>> {
    let accounts = match account {
        Some(name) => vec![accounts::show(app, name)?.account],
        None => accounts::list(app)?,
    };
    let mut found = Vec::new();
    for account in accounts {
        let left = LIST_ROWS.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        let demos = app.store.read(|db| page(db, account.id, None, left))?;
        found.extend(demos.into_iter().map(|demo| (account.name.clone(), demo)));
    }
    Ok(found)
}

/// Deletes one of the account's uploads and frees its quota. The file is deleted with the last account's upload.
pub fn delete(app: &App, caller: &Caller, sha256: Sha256) -> Result<()> {
    let account = caller.account.id;
    remove(app, sha256, || app.store.write(move |tx| forget(tx, account, &sha256)))
}

/// Deletes an account's upload on behalf of the operator.
pub fn delete_of(app: &App, operator: &Operator, account: &str, sha256: Sha256) -> Result<()> {
    let account = accounts::show(app, account)?.account;
    remove(app, sha256, || {
        audit::change(app, operator, move |tx, log: &AuditLog| {
            let is_last = forget(tx, account.id, &sha256)?;
            log.note(tx, "demo.delete", &sha256.to_string(), &format!("account {}", account.name))?;
            Ok(is_last)
        })
    })
}

/// Deletes an account's upload because of a retention rule; false if it is gone already, or a job needs it by now.
pub(in crate::app) fn delete_unused(app: &App, account: AccountId, sha256: Sha256) -> Result<bool> {
    match remove(app, sha256, || app.store.write(move |tx| forget(tx, account, &sha256))) {
        Ok(()) => Ok(true),
        Err(error) if error.kind == Kind::NotFound || error.code == ErrorCode::DemoInUse => Ok(false),
        Err(error) => Err(error),
    }
}

fn page(db: &Db, account: AccountId, after: Option<After>, limit: u32) -> Result<Vec<DemoInfo>> {
    let demos = store::demos::page(db, account, after, limit)?.into_iter();
    let with_jobs = |demo: UploadedDemo| {
        let unfinished_jobs = store::demos::unfinished_jobs(db, account, &demo.sha256.to_string())?;
        Ok(DemoInfo { demo, unfinished_jobs })
    };
    demos.map(with_jobs).collect()
}

/// Runs the transaction that deletes an upload, and removes the file if it was the last. Holds the demo lock, because
/// the same content may be uploaded concurrently.
fn remove(app: &App, sha256: Sha256, forget: impl FnOnce() -> Result<bool>) -> Result<()> {
    let _lock = app.store.folder.lock_demos()?;
    if forget()? {
        // If this fails, the file is orphaned: the sweep removes it and doctor reports it.
        files::remove_unwanted(app, &sha256)?;
        bucket::doom(app, &sha256);
    }
    Ok(())
}

/// Deletes the row; true if no other account has the demo.
fn forget(tx: &mut Tx<'_>, account: AccountId, sha256: &Sha256) -> Result<bool> {
    if store::demos::bytes(tx, account, sha256)?.is_none() {
        return Err(unknown());
    }
    let jobs = store::demos::unfinished_jobs(tx, account, &sha256.to_string())?;
    if jobs > 0 {
        let message = match jobs {
            1 => "1 unfinished job needs this demo. Wait for it, or cancel it.".to_owned(),
            _ => format!("{jobs} unfinished jobs need this demo. Wait for them, or cancel them."),
        };
        return Err(Error::conflict(ErrorCode::DemoInUse, message));
    }
    store::demos::delete(tx, account, sha256)?;
    let is_last = !store::demos::has_any(tx, sha256)?;
    if is_last {
        store::demo_indexes::forget(tx, sha256)?;
    }
    Ok(is_last)
}

/// The error for a demo that the account has not uploaded.
pub fn unknown() -> Error {
    Error::not_found("There is no such demo.")
}
