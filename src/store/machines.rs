//! Machines that come and go: which node a machine is, and nodes that are forgotten once their machine is gone.

use rusqlite::named_params;

use crate::domain::error::Result;
use crate::domain::id::NodeId;
use crate::domain::join_token::JoinToken;
use crate::domain::key::KeyHash;
use crate::domain::node::Node;
use crate::store::engine::db::{Db, Tx};

/// Served by the row's number.
const ORIGIN: &str = "
    UPDATE nodes SET token = :token, asked_name = :asked, ephemeral = :ephemeral WHERE id = :id
";

/// Records the token with which a node joined and the name that it asked for. Returns the node, changed accordingly.
pub fn set_origin(tx: &mut Tx<'_>, node: Node, token: &JoinToken, asked: &str) -> Result<Node> {
    let ephemeral = token.ephemeral;
    let params = named_params! { ":token": token.id, ":asked": asked, ":ephemeral": ephemeral, ":id": node.id.0 };
    tx.execute(ORIGIN, params)?;
    Ok(Node { ephemeral, ..node })
}

/// Served by the row's number.
const TAKE_OVER: &str = "
    UPDATE nodes
    SET name = :name, key_hash = :key_hash, seen_at_ms = :now, stopped_at_ms = NULL, doubled_at_ms = NULL,
        removed_at_ms = NULL
    WHERE id = :id
";

/// A machine comes back as this node, with a new key. The caller has checked that the name is its own or free.
pub fn take_over(tx: &mut Tx<'_>, node: Node, name: String, key_hash: &KeyHash, now_ms: i64) -> Result<Node> {
    let params = named_params! { ":name": name, ":key_hash": key_hash.0, ":now": now_ms, ":id": node.id.0 };
    tx.execute(TAKE_OVER, params)?;
    tx.ring();
    let (stopped_at_ms, doubled_at_ms, removed_at_ms) = (None, None, None);
    Ok(Node { name, seen_at_ms: now_ms, stopped_at_ms, doubled_at_ms, removed_at_ms, ..node })
}

/// Served by the row's number, and by `leases_live_node`.
const FORGET: &str = "
    UPDATE nodes
    SET removed_at_ms = :now, name = :name
    WHERE id = :id AND removed_at_ms IS NULL AND seen_at_ms = :seen AND stopped_at_ms IS :stopped
        AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.node = nodes.id AND leases.ended_at_ms IS NULL)
";

/// Revokes the key of a node that is gone, and frees its name. False if it was heard from since `node` was read, or holds
/// a lease.
pub fn forget(tx: &mut Tx<'_>, node: &Node, now_ms: i64) -> Result<bool> {
    // The id makes the name unique.
    let name = format!("{} (gone, {})", node.name, node.public_id);
    let forgotten = tx.execute(
        FORGET,
        named_params! {
            ":now": now_ms,
            ":name": name,
            ":id": node.id.0,
            ":seen": node.seen_at_ms,
            ":stopped": node.stopped_at_ms,
        },
    )?;
    Ok(forgotten == 1)
}

/// Walks `nodes_forgotten`; then `leases_node` and the tokens' row numbers.
const FORGOTTEN: &str = "
    SELECT id,
        NOT EXISTS (SELECT 1 FROM leases WHERE leases.node = nodes.id)
        AND NOT EXISTS (SELECT 1 FROM join_tokens WHERE join_tokens.id = nodes.token AND expires_at_ms > :now)
        AS is_unneeded
    FROM nodes
    WHERE ephemeral = 1 AND removed_at_ms IS NOT NULL AND id > :after
    ORDER BY id
    LIMIT :limit
";

/// The next forgotten nodes, in the order of their rows, and whether the row is no longer needed: no lease refers to it,
/// and its machine can no longer come back.
pub fn forgotten(db: &Db, after: NodeId, now_ms: i64, limit: u32) -> Result<Vec<(NodeId, bool)>> {
    let params = named_params! { ":after": after.0, ":now": now_ms, ":limit": limit };
    db.rows(FORGOTTEN, params, |row| Ok((row.get("id").map(NodeId)?, row.get("is_unneeded")?)))
}

/// Served by the row's number, and by `leases_node`.
const DELETE: &str = "
    DELETE FROM nodes
    WHERE id = :id AND ephemeral = 1 AND removed_at_ms IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.node = nodes.id)
";

/// Deletes the row of a forgotten node, unless it has come back meanwhile.
pub fn delete(tx: &mut Tx<'_>, id: NodeId) -> Result<()> {
    tx.execute(DELETE, named_params! { ":id": id.0 })?;
    Ok(())
}
