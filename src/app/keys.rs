//! API keys: minted, listed, revoked. A key is shown once; the store has its hash.

use super::App;
use super::accounts::{NewKeys, named};
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::id::KeyId;
use crate::domain::key::{KeyClass, KeyHash, KeyInfo, Secret};
use crate::store::{self, Tx};

/// A key for each class that lacks a live one; an account that lacks none is told of `rotate`.
pub fn mint(app: &App, name: &str) -> Result<(Account, NewKeys)> {
    let now = app.clock.now_ms();
    let secrets = draw(app, &KeyClass::ALL)?;
    let name = name.to_owned();
    let (account, minted) = app.store.write(move |tx| {
        let account = named(tx, &name)?;
        let live: Vec<KeyClass> = store::keys::of_account(tx, account.id)?
            .into_iter()
            .filter(|key| key.revoked_at_ms.is_none())
            .map(|key| key.class)
            .collect();
        let lacking: Vec<_> = secrets.into_iter().filter(|(class, _)| !live.contains(class)).collect();
        if lacking.is_empty() {
            return Err(Error::conflict(
                "keys_exist",
                format!(
                    "{name} has a live key of each class. To replace one, use admin keys rotate {name} --class \
                     metered|reserved."
                ),
            ));
        }
        store_new(tx, &account, &lacking, now)?;
        Ok((account, lacking))
    })?;
    Ok((account, shown(minted)))
}

/// An account's keys, revoked ones too, the oldest first.
pub fn list(app: &App, name: &str) -> Result<Vec<KeyInfo>> {
    app.store.read(|db| store::keys::of_account(db, named(db, name)?.id))
}

/// Revokes a key for good: its next request is refused. A key that is revoked already stays so.
pub fn revoke(app: &App, key: KeyId) -> Result<KeyInfo> {
    let now = app.clock.now_ms();
    app.store.write(move |tx| {
        store::keys::revoke(tx, key, now)?
            .ok_or_else(|| Error::not_found(format!("There is no key {key}. See admin keys list NAME.")))
    })
}

/// Draws new keys.
pub(super) fn draw(app: &App, classes: &[KeyClass]) -> Result<Vec<(KeyClass, Secret)>> {
    classes.iter().map(|class| Ok((*class, app.secret()?))).collect()
}

/// Stores new keys' hashes.
pub(super) fn store_new(tx: &mut Tx<'_>, account: &Account, secrets: &[(KeyClass, Secret)], now_ms: i64) -> Result<()> {
    for (class, secret) in secrets {
        store::keys::insert(tx, &KeyHash::of(secret), account.id, *class, now_ms)?;
    }
    Ok(())
}

/// New keys as they are shown.
pub(super) fn shown(secrets: Vec<(KeyClass, Secret)>) -> NewKeys {
    let of = |wanted| secrets.iter().find(|(class, _)| *class == wanted).map(|(_, secret)| secret.clone());
    NewKeys { metered: of(KeyClass::Metered), reserved: of(KeyClass::Reserved) }
}
