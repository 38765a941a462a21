//! Signing in to the dashboard: a code that works once becomes a key, which ends after a while or when it is revoked.
//!
//! Anyone who can run `admin` on the server can get a code: write access to the data directory makes an operator.

use crate::app::{App, audit};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::key::{KeyHash, Secret};
use crate::domain::list::LIST_ROWS;
use crate::domain::operator::{OPERATOR_CODE_SECONDS, OPERATOR_USED_SECONDS, Operator, OperatorKey};
use crate::store;
use crate::store::operators::Code;

/// Makes a code that signs in once. `read_only`: it does not allow changes.
pub fn make_code(app: &App, operator: &Operator, read_only: bool) -> Result<Secret> {
    let code = Secret::new(format!("{:032x}", app.random.bits()?));
    let hash = KeyHash::of(&code);
    let expires_at_ms = app.clock.now_ms() + (OPERATOR_CODE_SECONDS * 1_000).cast_signed();
    let row = Code { actor: operator.name().to_owned(), read_only, expires_at_ms };
    audit::change(app, operator, move |tx, log| {
        store::operators::insert_code(tx, &hash, &row, log.now_ms)?;
        log.note(tx, "dashboard.link", "", if read_only { "read-only" } else { "" })
    })?;
    Ok(code)
}

/// Trades a code for a key. `address`: where the request came from.
pub fn sign_in(app: &App, code: &str, address: &str) -> Result<(Secret, OperatorKey)> {
    let key = Secret::new(format!("{:032x}{:032x}", app.random.bits()?, app.random.bits()?));
    let (code, hash) = (KeyHash::of(&Secret::new(code)), KeyHash::of(&key));
    let (now, address) = (app.clock.now_ms(), address.to_owned());
    let signed_in = app.store.write(move |tx| {
        let Some(code) = store::operators::use_code(tx, &code, now)? else { return Ok(None) };
        let operator = Operator::named(code.actor).from_address(address);
        let id = store::operators::insert_key(tx, &hash, &operator, code.read_only, now)?;
        let details = if code.read_only { "read-only" } else { "" };
        store::audit::insert(tx, now, &operator, "dashboard.sign_in", &id.to_string(), details)?;
        let read_only = code.read_only;
        Ok(Some(OperatorKey { id, operator, read_only, created_at_ms: now, used_at_ms: now, ended_at_ms: None }))
    })?;
    signed_in.map(|signed_in| (key, signed_in)).ok_or_else(code_refused)
}

/// A code that was used up to confirm a change.
pub struct Confirmation {
    hash: KeyHash,
    code: Code,
}

/// Uses up a fresh code to confirm one change. It proves that the operator can still run `admin` on the server.
pub fn confirm(app: &App, code: &str) -> Result<Confirmation> {
    let hash = KeyHash::of(&Secret::new(code));
    let now = app.clock.now_ms();
    let found = app.store.write(move |tx| store::operators::use_code(tx, &hash, now))?;
    let code = found.filter(|code| !code.read_only).ok_or_else(code_refused)?;
    Ok(Confirmation { hash, code })
}

/// The change was refused: its code works again, until it expires.
pub fn give_back(app: &App, used: Confirmation) -> Result<()> {
    let now = app.clock.now_ms();
    app.store.write(move |tx| store::operators::insert_code(tx, &used.hash, &used.code, now))
}

fn code_refused() -> Error {
    let message = "This link has already been used or has expired. Get a new one: dinkem-appliance admin dashboard";
    Error::new(Kind::Forbidden, ErrorCode::SignInRefused, message)
}

/// The valid key that a request presents, and whose use it records. `is_watching`: the request was not made by a
/// person, but by a page that keeps itself up to date; only a read-only key stays alive by that.
pub fn authenticate(app: &App, presented: &str, is_watching: bool) -> Result<OperatorKey> {
    let hash = KeyHash::of(&Secret::new(presented));
    let now = app.clock.now_ms();
    let key = app.store.read(|db| store::operators::by_hash(db, &hash))?.filter(|key| key.is_live(now));
    let key = key.ok_or_else(|| {
        let message = "You are signed out. Get a new link: dinkem-appliance admin dashboard";
        Error::new(Kind::Unauthorized, ErrorCode::SignedOut, message)
    })?;
    let is_use = !is_watching || key.read_only;
    if is_use && now - key.used_at_ms >= (OPERATOR_USED_SECONDS * 1_000).cast_signed() {
        let id = key.id;
        if let Err(error) = app.store.write(move |tx| store::operators::used(tx, id, now)) {
            // With a full disk the dashboard goes on.
            log::warn!("the use of a dashboard key could not be recorded: {error}");
        }
    }
    Ok(key)
}

/// The latest keys, newest first.
pub fn list(app: &App) -> Result<Vec<OperatorKey>> {
    app.store.read(|db| store::operators::all(db, LIST_ROWS))
}

/// Signs out.
pub fn sign_out(app: &App, key: &OperatorKey) -> Result<()> {
    end(app, &key.operator, key.id, "dashboard.sign_out").map(drop)
}

/// Revokes a key: its next request is refused. Fails if there is none with this number that has not ended.
pub fn revoke(app: &App, operator: &Operator, id: i64) -> Result<()> {
    if end(app, operator, id, "dashboard.revoke")? {
        return Ok(());
    }
    let message = format!("No dashboard key {id} is in use. See `admin dashboard --list`.");
    Err(Error::not_found(message))
}

fn end(app: &App, operator: &Operator, id: i64, action: &'static str) -> Result<bool> {
    audit::change(app, operator, move |tx, log| {
        let has_ended = store::operators::end(tx, id, log.now_ms)?;
        if has_ended {
            log.note(tx, action, &id.to_string(), "")?;
        }
        Ok(has_ended)
    })
}
