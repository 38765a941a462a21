//! Join tokens: create, list, revoke.

use crate::app::{App, audit};
use crate::domain::error::{Error, Result};
use crate::domain::join_token::{JoinToken, Terms};
use crate::domain::key::{KeyHash, Secret};
use crate::domain::operator::Operator;
use crate::domain::wording::counted;
use crate::store;

/// Creates a token on these terms. The caller adds the server's URL and CA to its secret, which is shown only once.
pub fn create(app: &App, operator: &Operator, terms: Terms) -> Result<(JoinToken, Secret)> {
    terms.check()?;
    let secret = app.secret()?;
    let hash = KeyHash::of(&secret);
    let token = audit::change(app, operator, move |tx, log| {
        let token = store::join_tokens::insert(tx, &hash, &terms, log.now_ms)?;
        log.note(tx, "nodes.token", &hash.fingerprint(), &in_words(&token))?;
        Ok(token)
    })?;
    Ok((token, secret))
}

/// What the audit says about a token: only what differs from the usual one.
fn in_words(token: &JoinToken) -> String {
    let mut words = Vec::new();
    if token.uses > 1 {
        words.push(format!("for {}", counted(token.uses, "machine")));
    }
    if !token.name_prefix.is_empty() {
        words.push(format!("names begin with {}", token.name_prefix));
    }
    if token.ephemeral {
        words.push("ephemeral".to_owned());
    }
    words.join(", ")
}

/// The tokens that have not expired, newest first.
pub fn list(app: &App) -> Result<Vec<JoinToken>> {
    let now = app.clock.now_ms();
    app.store.read(|db| store::join_tokens::all(db, now))
}

/// Revokes a token: no machine joins with it any more, and none comes back. Its nodes stay.
pub fn revoke(app: &App, operator: &Operator, id: i64) -> Result<()> {
    let revoked = audit::change(app, operator, move |tx, log| {
        let revoked = store::join_tokens::revoke(tx, id, log.now_ms)?;
        if revoked {
            log.note(tx, "nodes.token_revoke", &id.to_string(), "")?;
        }
        Ok(revoked)
    })?;
    if revoked {
        return Ok(());
    }
    Err(Error::not_found(format!("There is no valid join token {id}. See `admin nodes token --list`.")))
}
