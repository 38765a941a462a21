//! Rows of render nodes.

use rusqlite::{Row, named_params};
use uuid::Uuid;

use crate::domain::error::Result;
use crate::domain::id::NodeId;
use crate::domain::job::Renderer;
use crate::domain::key::KeyHash;
use crate::domain::list::LIST_ROWS;
use crate::domain::node::{Bench, CLOCK_SKEW_SECONDS, Node, bench_ms};
use crate::domain::offer::{GameState, Offer};
use crate::domain::protocol::{Program, UNREPORTED};
use crate::domain::schedule::LiveNode;
use crate::store::engine::columns::InOrder;
use crate::store::engine::db::{Db, Tx};

/// Rows of nodes read at once: more than one server can serve.
const NODES_MOST: u32 = 1_000_000;

/// The columns that [`read`] reads in this order.
macro_rules! columns_of_a_node {
    () => {
        "id, public_id, name, joined_at_ms, seen_at_ms, slots, renderers, resolutions, has_game, game_build, game_tools,
        game_canary, game_not_ready, draining, removed_at_ms, benched_until_ms, benched_because, benchings, version,
        protocol, stopped_at_ms, doubled_at_ms, ephemeral"
    };
}

/// Served by the unique index on the name.
const NAME_TAKEN: &str = "
    SELECT EXISTS (SELECT 1 FROM nodes WHERE name = :name)
";

/// Whether a node has this name.
pub fn name_taken(db: &Db, name: &str) -> Result<bool> {
    db.always(NAME_TAKEN, named_params! { ":name": name }, |row| row.get(0))
}

const INSERT: &str = "
    INSERT INTO nodes (public_id, name, key_hash, joined_at_ms, seen_at_ms, slots, renderers)
    VALUES (:public_id, :name, :key_hash, :now, :now, 0, '')
";

/// Adds a node whose capabilities are not known yet. The caller has checked that the name is free.
pub fn insert(tx: &mut Tx<'_>, public_id: Uuid, name: &str, key_hash: &KeyHash, now_ms: i64) -> Result<Node> {
    let id = tx.insert(
        INSERT,
        named_params! {
            ":public_id": public_id.as_bytes(),
            ":name": name,
            ":key_hash": key_hash.0,
            ":now": now_ms,
        },
    )?;
    Ok(Node {
        id: NodeId(id),
        public_id,
        name: name.to_owned(),
        joined_at_ms: now_ms,
        seen_at_ms: now_ms,
        offer: Offer::none(),
        draining: false,
        removed_at_ms: None,
        bench: None,
        benchings: 0,
        program: Program { version: String::new(), protocol: UNREPORTED },
        stopped_at_ms: None,
        doubled_at_ms: None,
        ephemeral: false,
    })
}

/// The node with this key: served by the unique index on the hash. Runs on every request of a node.
const BY_KEY: &str =
    concat!("SELECT ", columns_of_a_node!(), " FROM nodes WHERE key_hash = :hash AND removed_at_ms IS NULL");

/// The node with this key, unless it was removed.
pub fn by_key(db: &Db, hash: &KeyHash) -> Result<Option<Node>> {
    db.row(BY_KEY, named_params! { ":hash": hash.0 }, read)
}

/// Served by the row's number. The time never goes backwards, except to correct a clock that was wrong.
const SEEN: &str = "
    UPDATE nodes
    SET seen_at_ms = CASE WHEN seen_at_ms > :soon THEN :now ELSE MAX(seen_at_ms, :now) END
    WHERE id = :id
";

/// Records when a node was last seen.
pub fn seen(tx: &mut Tx<'_>, id: NodeId, now_ms: i64) -> Result<()> {
    let soon = now_ms + (CLOCK_SKEW_SECONDS * 1_000).cast_signed();
    tx.execute(SEEN, named_params! { ":now": now_ms, ":soon": soon, ":id": id.0 })?;
    Ok(())
}

/// Served by the row's number.
const OFFERS: &str = "
    UPDATE nodes
    SET slots = :slots, renderers = :renderers, resolutions = :resolutions, has_game = :has_game,
        game_build = :build, game_tools = :tools, game_canary = :canary, game_not_ready = :not_ready,
        stopped_at_ms = NULL
    WHERE id = :id
";

/// Records a node's capabilities, and that it is running.
pub fn set_offer(tx: &mut Tx<'_>, id: NodeId, offer: &Offer) -> Result<()> {
    let names: Vec<&str> = offer.renderers.iter().map(|renderer| renderer.as_str()).collect();
    let resolutions: Vec<String> = offer.resolutions.iter().map(u32::to_string).collect();
    let game = offer.game.clone().unwrap_or_default();
    tx.execute(
        OFFERS,
        named_params! {
            ":slots": offer.slots,
            ":renderers": names.join(","),
            ":resolutions": resolutions.join(","),
            ":has_game": offer.game.is_some(),
            ":build": game.build,
            ":tools": game.tools,
            ":canary": game.canary,
            ":not_ready": game.not_ready,
            ":id": id.0,
        },
    )?;
    Ok(())
}

/// Served by the row's number.
const PROGRAM: &str = "
    UPDATE nodes SET version = :version, protocol = :protocol WHERE id = :id
";

/// Records the version a node runs.
pub fn set_program(tx: &mut Tx<'_>, id: NodeId, program: &Program) -> Result<()> {
    let Program { version, protocol } = program;
    tx.execute(PROGRAM, named_params! { ":version": version, ":protocol": protocol, ":id": id.0 })?;
    Ok(())
}

/// Served by the row's number.
const STOPPED: &str = "
    UPDATE nodes SET stopped_at_ms = :now WHERE id = :id
";

/// Records that a node is stopping: it gets no work until it asks again. Wakes waiting claims.
pub fn set_stopped(tx: &mut Tx<'_>, id: NodeId, now_ms: i64) -> Result<()> {
    tx.execute(STOPPED, named_params! { ":now": now_ms, ":id": id.0 })?;
    tx.ring();
    Ok(())
}

/// Served by the row's number.
const DOUBLED: &str = "
    UPDATE nodes SET doubled_at_ms = :now WHERE id = :id
";

/// Records that two machines use the same node key.
pub fn set_doubled(tx: &mut Tx<'_>, id: NodeId, now_ms: i64) -> Result<()> {
    tx.execute(DOUBLED, named_params! { ":now": now_ms, ":id": id.0 })?;
    Ok(())
}

/// Walks `nodes_present`. Their leases are counted by `leases_live_node`.
const ALL: &str = concat!(
    "SELECT ",
    columns_of_a_node!(),
    ", (SELECT COUNT(*) FROM leases WHERE leases.node = nodes.id AND leases.ended_at_ms IS NULL) AS leases
    FROM nodes
    WHERE removed_at_ms IS NULL
    ORDER BY id
    LIMIT :limit"
);

/// Walks `nodes_present`.
const COUNT: &str = "
    SELECT COUNT(*) FROM nodes WHERE removed_at_ms IS NULL
";

/// How many nodes there are.
pub fn count(db: &Db) -> Result<u64> {
    db.always(COUNT, [], |row| row.get(0))
}

/// All nodes, oldest first, each with its number of live leases.
pub fn all(db: &Db) -> Result<Vec<(Node, u32)>> {
    db.rows(ALL, named_params! { ":limit": LIST_ROWS }, |row| Ok((read(row)?, row.get("leases")?)))
}

/// Recently seen nodes, as the scheduler sees them.
pub fn live(db: &Db, now_ms: i64) -> Result<Vec<LiveNode>> {
    let nodes = all(db)?.into_iter().filter(|(node, _)| node.state(now_ms).is_live());
    let as_seen = |(mut node, leases): (Node, u32)| {
        node.offer.slots = node.slots_of(node.offer.slots);
        LiveNode::of(node, leases, now_ms)
    };
    Ok(nodes.map(as_seen).collect())
}

/// Served by the unique index on the name.
const BY_NAME: &str =
    concat!("SELECT ", columns_of_a_node!(), " FROM nodes WHERE name = :name AND removed_at_ms IS NULL");

/// Served by `nodes_token`; sorts the few that it finds.
const OF_TOKEN: &str = concat!(
    "SELECT ",
    columns_of_a_node!(),
    " FROM nodes WHERE token = :token AND asked_name = :asked ORDER BY seen_at_ms, id LIMIT :limit"
);

/// The nodes of machines that joined with this token and asked for this name, forgotten ones too; longest silent first.
pub fn of_token(db: &Db, token: i64, asked: &str) -> Result<Vec<Node>> {
    db.rows(OF_TOKEN, named_params! { ":token": token, ":asked": asked, ":limit": LIST_ROWS }, read)
}

/// Served by the unique index on the public id.
const BY_PUBLIC_ID: &str = concat!("SELECT ", columns_of_a_node!(), " FROM nodes WHERE public_id = :public_id");

/// The node with this name; otherwise the one with this id, even if removed.
pub fn by_name_or_id(db: &Db, name: &str) -> Result<Option<Node>> {
    if let Some(node) = db.row(BY_NAME, named_params! { ":name": name }, read)? {
        return Ok(Some(node));
    }
    let Ok(id) = Uuid::try_parse(name) else { return Ok(None) };
    db.row(BY_PUBLIC_ID, named_params! { ":public_id": id.as_bytes() }, read)
}

/// Walks at most 10,000 rows of `nodes_present`, cheap enough for what a person types.
const NAMES_FROM: &str = "
    SELECT name
    FROM (SELECT name FROM nodes WHERE removed_at_ms IS NULL ORDER BY id LIMIT :scanned)
    WHERE lower(substr(name, 1, length(:beginning))) = lower(:beginning)
    ORDER BY name
    LIMIT :limit
";

/// Names of nodes that begin with this text, in upper or lower case, in order.
pub fn names_from(db: &Db, beginning: &str, limit: u32) -> Result<Vec<String>> {
    let params = named_params! { ":beginning": beginning, ":scanned": LIST_ROWS, ":limit": limit };
    db.rows(NAMES_FROM, params, |row| row.get(0))
}

/// Served by the row's number.
const BY_ROW: &str = concat!("SELECT ", columns_of_a_node!(), " FROM nodes WHERE id = :id AND removed_at_ms IS NULL");

/// Served by the row's number, and `leases_live_node`.
const TO_WORK: &str = concat!(
    "SELECT ",
    columns_of_a_node!(),
    ", (SELECT COUNT(*) FROM leases WHERE leases.node = nodes.id AND leases.ended_at_ms IS NULL) AS leases
    FROM nodes
    WHERE id = :id AND removed_at_ms IS NULL"
);

/// Whether a node may get work: not draining, benched, removed or stopping.
pub fn may_take(db: &Db, id: NodeId, now_ms: i64) -> Result<bool> {
    Ok(to_work(db, id, now_ms)?.is_some())
}

/// The node with this row, unless it was removed.
pub fn by_row(db: &Db, id: NodeId) -> Result<Option<Node>> {
    db.row(BY_ROW, named_params! { ":id": id.0 }, read)
}

/// The node if it may get work, and how many leases it holds.
pub fn to_work(db: &Db, id: NodeId, now_ms: i64) -> Result<Option<(Node, u32)>> {
    let found = db.row(TO_WORK, named_params! { ":id": id.0 }, |row| Ok((read(row)?, row.get("leases")?)))?;
    Ok(found.filter(|(node, _)| !node.draining && !node.is_benched(now_ms) && node.stopped_at_ms.is_none()))
}

/// A scan in the order of the rows' numbers.
const TAKING: &str = "
    SELECT id FROM nodes
    WHERE removed_at_ms IS NULL AND stopped_at_ms IS NULL AND NOT draining
    ORDER BY id
    LIMIT :limit
";

/// The nodes that may get work, as far as it depends on others than themselves: not draining, removed or stopping.
pub fn taking(db: &Db) -> Result<Vec<NodeId>> {
    db.rows(TAKING, named_params! { ":limit": NODES_MOST }, |row| Ok(NodeId(row.get("id")?)))
}

/// Served by the row's number.
const BENCHINGS: &str = "
    SELECT benchings FROM nodes WHERE id = :id
";

/// Served by the row's number.
const BENCH: &str = "
    UPDATE nodes
    SET benched_until_ms = :until, benched_because = :because, benchings = benchings + 1
    WHERE id = :id
";

/// Benches a node, for longer each time until it completes a job. `because` is a sentence for the operator. Returns
/// when the bench ends: Unix time in milliseconds.
pub fn bench(tx: &mut Tx<'_>, id: NodeId, because: &str, now_ms: i64) -> Result<i64> {
    let before: u32 = tx.always(BENCHINGS, named_params! { ":id": id.0 }, |row| row.get(0))?;
    let until = now_ms + bench_ms(before);
    tx.execute(BENCH, named_params! { ":until": until, ":because": because, ":id": id.0 })?;
    // Jobs that avoid other nodes stop waiting for this one.
    tx.ring();
    Ok(until)
}

/// Served by the row's number.
const COMPLETED: &str = "
    UPDATE nodes SET benchings = 0 WHERE id = :id AND benchings > 0
";

/// The node has completed a job: its next bench is short again. A bench in force is not shortened.
pub fn reset_benchings(tx: &mut Tx<'_>, id: NodeId) -> Result<()> {
    tx.execute(COMPLETED, named_params! { ":id": id.0 })?;
    Ok(())
}

/// Served by the row's number, and by `leases_node`.
const UNBENCH: &str = "
    UPDATE nodes
    SET benched_until_ms = NULL, benched_because = '', benchings = 0,
        judged_after = COALESCE((SELECT MAX(leases.id) FROM leases WHERE leases.node = nodes.id), 0)
    WHERE id = :id
";

/// Ends a node's bench. What it failed before no longer counts against it.
pub fn unbench(tx: &mut Tx<'_>, id: NodeId) -> Result<()> {
    tx.execute(UNBENCH, named_params! { ":id": id.0 })?;
    tx.ring();
    Ok(())
}

/// Served by the row's number.
const SET_DRAINING: &str = "
    UPDATE nodes SET draining = :draining WHERE id = :id
";

/// Starts or stops draining a node. Wakes waiting claims.
pub fn set_draining(tx: &mut Tx<'_>, id: NodeId, draining: bool) -> Result<()> {
    tx.execute(SET_DRAINING, named_params! { ":draining": draining, ":id": id.0 })?;
    tx.ring();
    Ok(())
}

/// Served by the row's number. No machine takes over a removed node.
const REMOVE: &str = "
    UPDATE nodes SET removed_at_ms = :now, name = :name, token = NULL WHERE id = :id AND removed_at_ms IS NULL
";

/// Revokes a node's key and frees its name. Wakes waiting claims. False if it was already removed.
pub fn remove(tx: &mut Tx<'_>, node: &Node, now_ms: i64) -> Result<bool> {
    // The id makes the name unique.
    let name = format!("{} (removed, {})", node.name, node.public_id);
    tx.ring();
    Ok(tx.execute(REMOVE, named_params! { ":now": now_ms, ":name": name, ":id": node.id.0 })? == 1)
}

fn read_offer(columns: &mut InOrder<'_, '_>) -> rusqlite::Result<Offer> {
    Ok(Offer {
        slots: columns.take()?,
        renderers: columns.word(|list| listed(list).map(Renderer::parse).collect())?,
        resolutions: columns.word(|list| listed(list).map(|lines| lines.parse().ok()).collect())?,
        game: columns.take::<bool>()?.then_some(GameState {
            build: columns.take()?,
            tools: columns.take()?,
            canary: columns.take()?,
            not_ready: columns.take()?,
        }),
    })
}

fn listed(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').filter(|word| !word.is_empty())
}

/// Reads the columns of [`columns_of_a_node`].
fn read(row: &Row<'_>) -> rusqlite::Result<Node> {
    let columns = &mut InOrder::of(row);
    Ok(Node {
        id: NodeId(columns.take()?),
        public_id: columns.uuid()?,
        name: columns.take()?,
        joined_at_ms: columns.take()?,
        seen_at_ms: columns.take()?,
        offer: read_offer(columns)?,
        draining: columns.take()?,
        removed_at_ms: columns.take()?,
        bench: read_bench(columns)?,
        benchings: columns.take()?,
        program: Program { version: columns.take()?, protocol: columns.take()? },
        stopped_at_ms: columns.take()?,
        doubled_at_ms: columns.take()?,
        ephemeral: columns.take()?,
    })
}

fn read_bench(columns: &mut InOrder<'_, '_>) -> rusqlite::Result<Option<Bench>> {
    let (until_ms, because): (Option<i64>, String) = (columns.take()?, columns.take()?);
    Ok(until_ms.map(|until_ms| Bench { until_ms, because }))
}
