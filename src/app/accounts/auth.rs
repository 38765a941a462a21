//! Authentication of callers, exactly as the contract's page "Authentication" specifies.

use crate::app::App;
use crate::domain::account::AccountStatus;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::Caller;
use crate::domain::key::{KeyClass, KeyHash, parse_bearer};
use crate::domain::node::{CLOCK_SKEW_SECONDS, Node};
use crate::store;

/// Seconds between two updates of when a node was last seen.
const NODE_SEEN_SECONDS: u64 = 15;

/// `headers`: every `Authorization` header of the request; more than one is malformed. Returns the contract's 401s,
/// and its 403 for a reserved key whose account has no dinks. Reads the store on every call, so that changes made with
/// `admin` take effect immediately.
pub fn authenticate(app: &App, headers: &[&str]) -> Result<Caller> {
    let hash = presented(headers)?;
    let now = app.clock.now_ms();
    let Some((account, key, class)) = app.store.read(|db| store::keys::owner(db, &hash, now))? else {
        return Err(refused());
    };
    if account.status != AccountStatus::Active {
        return Err(refused());
    }
    if class == KeyClass::Reserved && account.dinks == 0 {
        return Err(Error::new(Kind::Forbidden, ErrorCode::NoReservedCapacity, "No reserved capacity provisioned"));
    }
    app.uses.note(key, now);
    Ok(Caller { account, key, class })
}

/// Authenticates a node's key, and records from time to time when the node was last seen.
pub fn authenticate_node(app: &App, headers: &[&str]) -> Result<Node> {
    let hash = presented(headers)?;
    let mut node = app.store.read(|db| store::nodes::by_key(db, &hash))?.ok_or_else(refused)?;
    let now = app.clock.now_ms();
    let silent_ms = now - node.seen_at_ms;
    // A time far in the future comes from a wrong clock. Keeping it would make the node look live until then.
    let is_ahead = silent_ms < -(CLOCK_SKEW_SECONDS * 1_000).cast_signed();
    if is_ahead || silent_ms >= (NODE_SEEN_SECONDS * 1_000).cast_signed() {
        let id = node.id;
        app.store.write(move |tx| store::nodes::seen(tx, id, now))?;
        node.seen_at_ms = now;
    }
    Ok(node)
}

fn presented(headers: &[&str]) -> Result<KeyHash> {
    match headers {
        [header] => parse_bearer(header),
        _ => None,
    }
    .map(|secret| KeyHash::of(&secret))
    .ok_or_else(|| Error::new(Kind::Unauthorized, ErrorCode::MissingKey, "Missing or invalid API key"))
}

fn refused() -> Error {
    Error::new(Kind::Unauthorized, ErrorCode::InvalidKey, "Invalid API key")
}
