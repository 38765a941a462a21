//! Render nodes: how a machine becomes one, and which there are.

use super::{App, audit};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::key::{KeyHash, Secret};
use crate::domain::limits;
use crate::domain::node::{Node, NodeState, check_name, numbered_name};
use crate::store;

/// A join token's secret, good once and for an hour. The ticket around it (URL, authority) is the caller's to make.
pub fn token(app: &App) -> Result<Secret> {
    let secret = app.secret()?;
    let hash = KeyHash::of(&secret);
    audit::change(app, move |tx, clerk| {
        let expires = clerk.now_ms + (limits::JOIN_TOKEN_SECONDS * 1_000).cast_signed();
        store::nodes::insert_token(tx, &hash, clerk.now_ms, expires)?;
        clerk.note(tx, "nodes.token", &hash.fingerprint(), "")
    })?;
    Ok(secret)
}

/// A machine that has become a node.
pub struct Joined {
    /// Its row.
    pub node: Node,
    /// Its own key, shown this once.
    pub key: Secret,
}

/// Uses a join token up and makes the machine a node. A name that is taken gets a number behind it.
pub fn join(app: &App, secret: &Secret, name: &str) -> Result<Joined> {
    check_name(name)?;
    let now = app.clock.now_ms();
    let (public_id, key) = (app.random_uuid()?, app.secret()?);
    let (token, hash, name) = (KeyHash::of(secret), KeyHash::of(&key), name.to_owned());
    let node = app.store.write(move |tx| {
        if !store::nodes::use_token(tx, &token, now)? {
            return Err(Error::new(
                Kind::Forbidden,
                "join_token_refused",
                "The join token is unknown, used or older than an hour. Make a new one with admin nodes token.",
            ));
        }
        let mut number = 1;
        while store::nodes::name_taken(tx, &numbered_name(&name, number))? {
            number += 1;
        }
        store::nodes::insert(tx, public_id, &numbered_name(&name, number), &hash, now)
    })?;
    Ok(Joined { node, key })
}

/// A node, with what it is doing.
pub struct NodeInfo {
    /// Its row.
    pub node: Node,
    /// Whether it is there.
    pub state: NodeState,
    /// Leases that it holds.
    pub leases: u32,
}

/// All nodes, the oldest first.
pub fn list(app: &App) -> Result<Vec<NodeInfo>> {
    let now = app.clock.now_ms();
    let nodes = app.store.read(store::nodes::all)?.into_iter();
    Ok(nodes
        .map(|(node, leases)| NodeInfo { state: NodeState::after_silence(now - node.seen_at_ms), node, leases })
        .collect())
}
