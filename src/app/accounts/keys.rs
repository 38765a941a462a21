//! API keys: mint, list, rotate, revoke, identify. A key is shown once; only its hash is stored.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::app::accounts::{NewKeys, named};
use crate::app::audit::{self, AuditLog};
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::KeyId;
use crate::domain::key::{KeyClass, KeyHash, KeyInfo, Secret, parse_bearer};
use crate::domain::operator::Operator;
use crate::domain::wording::quoted;
use crate::store::COMMIT_BATCH;
use crate::store::{self, Db, Tx};

/// Creates a key for each class without a live one. If no class lacks one, the error points to `rotate`.
pub fn mint(app: &App, operator: &Operator, name: &str) -> Result<(Account, NewKeys)> {
    let secrets = draw(app, &KeyClass::ALL)?;
    let name = name.to_owned();
    let (account, minted) = audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        let live: Vec<KeyClass> = live(tx, &account, log.now_ms)?.into_iter().map(|key| key.class).collect();
        let lacking: Vec<_> = secrets.into_iter().filter(|(class, _)| !live.contains(class)).collect();
        if lacking.is_empty() {
            return Err(Error::conflict(
                ErrorCode::KeysExist,
                format!(
                    "{name} has a live key of each class. To replace one: `admin keys rotate {} --class \
                     metered`, or `--class reserved`.",
                    quoted(&name)
                ),
            ));
        }
        issue(tx, log, &account, &lacking, "keys.mint")?;
        Ok((account, lacking))
    })?;
    Ok((account, shown(minted)))
}

/// Replaces the account's live key of a class. The old key stays valid for `overlap`, which may be zero.
pub fn rotate(
    app: &App,
    operator: &Operator,
    name: &str,
    class: KeyClass,
    overlap: Duration,
) -> Result<(Account, NewKeys)> {
    let secrets = draw(app, &[class])?;
    let (name, minted) = (name.to_owned(), secrets.clone());
    let account = audit::change(app, operator, move |tx, log| {
        let account = named(tx, &name)?;
        let mut old = live(tx, &account, log.now_ms)?;
        old.retain(|key| key.class == class);
        if old.is_empty() {
            return Err(Error::conflict(
                ErrorCode::NoLiveKey,
                format!(
                    "{name} has no live {} key to rotate. Create one: `admin keys mint {}`.",
                    class.as_str(),
                    quoted(&name)
                ),
            ));
        }
        for key in old {
            store::keys::end(tx, key.id, log.now_ms + overlap.as_millis() as i64)?;
        }
        issue(tx, log, &account, &minted, "keys.rotate")?;
        Ok(account)
    })?;
    Ok((account, shown(secrets)))
}

/// An account's keys, including revoked ones, oldest first.
pub fn list(app: &App, name: &str) -> Result<Vec<KeyInfo>> {
    app.store.read(|db| store::keys::of_account(db, named(db, name)?.id))
}

/// Revokes a key permanently, even one about to expire: its next request is refused. A no-op for an expired key.
pub fn revoke(app: &App, operator: &Operator, key: KeyId) -> Result<KeyInfo> {
    audit::change(app, operator, move |tx, log| {
        let known = by_id(tx, key)?;
        if known.is_live(log.now_ms) {
            store::keys::end(tx, key, log.now_ms)?;
            let account = store::accounts::by_id(tx, known.account)?;
            log.note(tx, "keys.revoke", &account.name, &in_words(key, known.class, &known.fingerprint))?;
        }
        by_id(tx, key)
    })
}

/// Identifies the owner of a leaked key, live or not. `presented` is never echoed.
pub fn identify(app: &App, presented: &str) -> Result<(Account, KeyInfo)> {
    let secret = parse_bearer(&format!("Bearer {}", presented.trim())).ok_or_else(|| {
        Error::invalid(
            "key",
            "This is not an API key. A key is a UUID of 36 characters, including hyphens, on a line of its own.",
        )
    })?;
    let found = app.store.read(|db| match store::keys::by_hash(db, &KeyHash::of(&secret))? {
        Some(key) => Ok(Some((store::accounts::by_id(db, key.account)?, key))),
        None => Ok(None),
    })?;
    found.ok_or_else(|| Error::not_found("This key does not belong to this appliance and never has."))
}

/// The key with this number, or a not-found error.
pub(in crate::app) fn by_id(db: &Db, key: KeyId) -> Result<KeyInfo> {
    store::keys::by_id(db, key)?
        .ok_or_else(|| Error::not_found(format!("There is no key {key}. See `admin keys list NAME`.")))
}

fn live(db: &Db, account: &Account, now_ms: i64) -> Result<Vec<KeyInfo>> {
    let mut keys = store::keys::of_account(db, account.id)?;
    keys.retain(|key| key.is_live(now_ms));
    Ok(keys)
}

/// Generates new keys.
pub(in crate::app) fn draw(app: &App, classes: &[KeyClass]) -> Result<Vec<(KeyClass, Secret)>> {
    classes.iter().map(|class| Ok((*class, app.secret()?))).collect()
}

/// Stores the hashes of new keys and records each in the audit log.
pub(in crate::app) fn issue(
    tx: &mut Tx<'_>,
    log: &AuditLog,
    account: &Account,
    secrets: &[(KeyClass, Secret)],
    action: &'static str,
) -> Result<()> {
    for (class, secret) in secrets {
        let hash = KeyHash::of(secret);
        let key = store::keys::insert(tx, &hash, account.id, *class, log.now_ms)?;
        log.note(tx, action, &account.name, &in_words(key, *class, &hash.fingerprint()))?;
    }
    Ok(())
}

fn in_words(key: KeyId, class: KeyClass, fingerprint: &str) -> String {
    format!("key {key}, {}, fingerprint {fingerprint}", class.as_str())
}

/// New keys by class, to be shown once.
pub(in crate::app) fn shown(secrets: Vec<(KeyClass, Secret)>) -> NewKeys {
    let of = |wanted| secrets.iter().find(|(class, _)| *class == wanted).map(|(_, secret)| secret.clone());
    NewKeys { metered: of(KeyClass::Metered), reserved: of(KeyClass::Reserved) }
}

/// Last use of each key, buffered so that no request waits for the write.
#[derive(Default)]
pub(in crate::app) struct Uses(Mutex<HashMap<KeyId, i64>>);

impl Uses {
    /// Records that a key was accepted.
    pub fn note(&self, key: KeyId, now_ms: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, now_ms);
    }
}

/// Stores the buffered last uses, in small transactions.
pub fn write_uses(app: &App) -> Result<()> {
    let noted = mem::take(&mut *app.uses.0.lock().unwrap_or_else(PoisonError::into_inner));
    let noted: Vec<(KeyId, i64)> = noted.into_iter().collect();
    for some in noted.chunks(COMMIT_BATCH) {
        let some = some.to_vec();
        app.store.write(move |tx| some.into_iter().try_for_each(|(key, at_ms)| store::keys::used(tx, key, at_ms)))?;
    }
    Ok(())
}
