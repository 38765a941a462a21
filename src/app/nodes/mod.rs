//! Render nodes: join, list, drain, bench, remove.

pub mod forgetting;
pub mod instances;
pub(in crate::app) mod live;
pub mod record;
pub mod tokens;
pub mod work;

use crate::app::jobs::lifecycle::{self, Transition};
use crate::app::{App, audit};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::id::NodeId;
use crate::domain::join_token::Terms;
use crate::domain::key::{KeyHash, Secret};
use crate::domain::lease::LeaseEnd;
use crate::domain::node::{NODE_GONE_SECONDS, Node, NodeState, check_name, numbered_name};
use crate::domain::operator::Operator;
use crate::domain::protocol::Program;
use crate::domain::wording::counted;
use crate::store::{self, Db, Tx};

/// Creates the usual join token, for one machine within an hour: only its secret.
pub fn token(app: &App, operator: &Operator) -> Result<Secret> {
    Ok(tokens::create(app, operator, Terms::default())?.1)
}

/// A newly joined node.
pub struct Joined {
    /// Its row.
    pub node: Node,
    /// Its key, which is shown only once.
    pub key: Secret,
}

/// Uses a join token to register a node. A name that is taken gets a number appended. A machine that comes back with the
/// same token and name takes over its node, once that is stopped or gone, and uses up nothing: the old key is revoked.
pub fn join(app: &App, secret: &Secret, name: &str) -> Result<Joined> {
    check_name(name)?;
    let now = app.clock.now_ms();
    let (public_id, key) = (app.random_uuid()?, app.secret()?);
    let (token, hash, name) = (KeyHash::of(secret), KeyHash::of(&key), name.to_owned());
    let (node, held) = app.store.write(move |tx| {
        let token = store::join_tokens::valid(tx, &token, now)?.ok_or_else(refused)?;
        let asked = token.name_for(&name);
        if let Some(node) = left_behind(tx, token.id, &asked, now)? {
            let held = give_back(tx, node.id, &LeaseEnd::node_started_anew(), now)?;
            let name = if node.removed_at_ms.is_some() { free_name(tx, &asked)? } else { node.name.clone() };
            return Ok((store::machines::take_over(tx, node, name, &hash, now)?, held));
        }
        if !store::join_tokens::use_once(tx, token.id)? {
            return Err(used_up(tx, token.id, &asked)?);
        }
        let name = free_name(tx, &asked)?;
        let node = store::nodes::insert(tx, public_id, &name, &hash, now)?;
        Ok((store::machines::set_origin(tx, node, &token, &asked)?, Vec::new()))
    })?;
    held.into_iter().for_each(|transition| lifecycle::settle(app, transition));
    app.claims.end_all(node.id);
    Ok(Joined { node, key })
}

fn refused() -> Error {
    let message = "The join token is unknown, used up, revoked or expired. Create a new one with `admin nodes token`.";
    Error::new(Kind::Forbidden, ErrorCode::JoinTokenRefused, message)
}

/// A machine that crashed and is back soon is told for how long it still counts as another one.
fn used_up(db: &Db, token: i64, asked: &str) -> Result<Error> {
    let live = store::nodes::of_token(db, token, asked)?.into_iter().next();
    Ok(live.map_or_else(refused, |node| {
        let message = format!(
            "The join token is used up, and its node {:?} still counts as live. If this is the same machine, try again once \
             that has been silent for {NODE_GONE_SECONDS} seconds; otherwise create a token with `admin nodes token`.",
            node.name
        );
        Error::new(Kind::Forbidden, ErrorCode::JoinTokenRefused, message)
    }))
}

/// The node that a machine with this token and name had before, if it is stopped, gone or forgotten.
fn left_behind(db: &Db, token: i64, asked: &str, now_ms: i64) -> Result<Option<Node>> {
    let mut nodes = store::nodes::of_token(db, token, asked)?.into_iter();
    Ok(nodes.find(|node| node.removed_at_ms.is_some() || !node.state(now_ms).is_live()))
}

fn free_name(db: &Db, name: &str) -> Result<String> {
    let mut number = 1;
    while store::nodes::name_taken(db, &numbered_name(name, number))? {
        number += 1;
    }
    Ok(numbered_name(name, number))
}

/// Returns a node's jobs to the queue.
fn give_back(tx: &mut Tx<'_>, node: NodeId, end: &LeaseEnd, now_ms: i64) -> Result<Vec<Transition>> {
    let mut held = Vec::new();
    for lease in store::leases::live_of_node(tx, node)? {
        held.extend(lifecycle::set_back(tx, lease, end.clone(), None, now_ms)?);
    }
    Ok(held)
}

/// Stores a node's program version when it changes.
pub fn note_program(app: &App, node: &Node, program: &Program) -> Result<()> {
    if node.program == *program {
        return Ok(());
    }
    let (id, program) = (node.id, program.clone());
    app.store.write(move |tx| store::nodes::set_program(tx, id, &program))
}

/// The node's agent is shutting down: its waiting claims end at once, and it gets no job until it claims again.
pub fn leave(app: &App, node: &Node) -> Result<()> {
    let (id, now) = (node.id, app.clock.now_ms());
    app.store.write(move |tx| store::nodes::set_stopped(tx, id, now))?;
    app.claims.end_all(id);
    Ok(())
}

/// The node with this name or id, or a not-found error.
pub(in crate::app) fn named(db: &Db, name: &str) -> Result<Node> {
    store::nodes::by_name_or_id(db, name)?
        .ok_or_else(|| Error::not_found(format!("There is no node named {name}. See `admin nodes list`.")))
}

/// Drains a node: it finishes its jobs and gets no new ones; its waiting claims end without a job.
pub fn drain(app: &App, operator: &Operator, name: &str) -> Result<Node> {
    let node = set_draining(app, operator, name, true, "nodes.drain")?;
    app.claims.end_all(node.id);
    Ok(node)
}

/// Lets a drained or benched node get jobs again.
pub fn resume(app: &App, operator: &Operator, name: &str) -> Result<Node> {
    set_draining(app, operator, name, false, "nodes.resume")
}

/// Benches a node: it gets no jobs for a while, longer each time. `because` is a sentence.
pub fn bench(app: &App, node: &Node, because: &str) -> Result<()> {
    let (id, now, sentence) = (node.id, app.clock.now_ms(), because.to_owned());
    let until = app.store.write(move |tx| store::nodes::bench(tx, id, &sentence, now))?;
    let minutes = (until - now) / 60_000;
    log::warn!("node {} is benched for {minutes} minutes: {because}", node.name);
    Ok(())
}

fn set_draining(app: &App, operator: &Operator, name: &str, draining: bool, action: &'static str) -> Result<Node> {
    let name = name.to_owned();
    audit::change(app, operator, move |tx, log| {
        let node = named(tx, &name)?;
        let lifts_bench = !draining && node.is_benched(log.now_ms);
        if lifts_bench {
            store::nodes::unbench(tx, node.id)?;
        }
        if node.draining != draining {
            store::nodes::set_draining(tx, node.id, draining)?;
        }
        if lifts_bench || node.draining != draining {
            log.note(tx, action, &node.name, if lifts_bench { "was benched" } else { "" })?;
        }
        let bench = if lifts_bench { None } else { node.bench };
        Ok(Node { draining, bench, ..node })
    })
}

/// Revokes a node's key permanently. Its jobs return to the queue; returns how many.
pub fn remove(app: &App, operator: &Operator, name: &str) -> Result<(Node, usize)> {
    let name = name.to_owned();
    let (node, held) = audit::change(app, operator, move |tx, log| {
        let node = named(tx, &name)?;
        let held = give_back(tx, node.id, &LeaseEnd::node_removed(), log.now_ms)?;
        if store::nodes::remove(tx, &node, log.now_ms)? {
            log.note(tx, "nodes.remove", &node.name, &format!("{} returned to the queue", counted(held.len(), "job")))?;
        }
        Ok((node, held))
    })?;
    let jobs = held.len();
    held.into_iter().for_each(|transition| lifecycle::settle(app, transition));
    app.claims.end_all(node.id);
    Ok((node, jobs))
}

/// A node with its current state.
pub struct NodeInfo {
    /// Its row.
    pub node: Node,
    /// Its state.
    pub state: NodeState,
    /// Whether the server gives it no jobs for a while.
    pub is_benched: bool,
    /// Leases that it holds.
    pub leases: u32,
    /// Whether two machines were recently seen using its key.
    pub key_is_shared: bool,
}

/// How many nodes there are.
pub fn count(app: &App) -> Result<u64> {
    app.store.read(store::nodes::count)
}

/// All nodes, oldest first.
pub fn list(app: &App) -> Result<Vec<NodeInfo>> {
    let now = app.clock.now_ms();
    let nodes = app.store.read(store::nodes::all)?.into_iter();
    Ok(nodes
        .map(|(node, leases)| NodeInfo {
            state: node.state(now),
            is_benched: node.is_benched(now) && node.state(now) == NodeState::Benched,
            key_is_shared: node.key_is_shared(now),
            node,
            leases,
        })
        .collect())
}
