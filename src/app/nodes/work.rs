//! What a node has done: how fast it renders, and its latest jobs.

use crate::app::App;
use crate::app::jobs::any_job::AnyJob;
use crate::app::jobs::search::{self, Filter};
use crate::app::nodes::named;
use crate::domain::error::Result;
use crate::store;

pub use crate::domain::node_speed::NodeSpeed;

/// Completed jobs that a node's speed is taken from.
const SPEED_CLIPS: u32 = 20;
/// Leases among which they are looked for, from the latest on.
const SPEED_LEASES: u32 = 1_000;

/// How fast a node rendered its last clips; `node`: its name or id. `None` if it has completed none lately.
pub fn speed(app: &App, node: &str) -> Result<Option<NodeSpeed>> {
    let worked = app.store.read(|db| store::leases::completed(db, named(db, node)?.id, SPEED_LEASES, SPEED_CLIPS))?;
    Ok(NodeSpeed::of(&worked))
}

/// The jobs that a node received last, latest first; `node`: its name or id.
pub fn latest_jobs(app: &App, node: &str, limit: u32) -> Result<Vec<AnyJob>> {
    let filter = Filter { node: Some(node.to_owned()), ..Filter::default() };
    Ok(search::page(app, &filter, None, limit)?.jobs)
}
