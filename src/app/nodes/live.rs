//! Live nodes as the scheduler sees them, for whoever explains why a job waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::schedule::LiveNode;
use crate::store;

/// Nodes from which on they are not read each time: reading 64 takes longer than all else of a submission.
const MANY_NODES: usize = 16;
/// How old they may be then.
const AGE: Duration = Duration::from_secs(1);

/// The live nodes as last read, if there are many, and when. Monotonic.
#[derive(Default)]
pub(in crate::app) struct Live(Mutex<Option<(Duration, Arc<[LiveNode]>)>>);

/// The live nodes: as they are now, or, if there are many, as they were a second ago at most.
pub(in crate::app) fn live(app: &App) -> Result<Arc<[LiveNode]>> {
    let mut last = app.live.0.lock().unwrap_or_else(PoisonError::into_inner);
    let now = app.clock.monotonic();
    if let Some((at, nodes)) = &*last
        && now.saturating_sub(*at) < AGE
    {
        return Ok(Arc::clone(nodes));
    }
    let nodes: Arc<[LiveNode]> = app.store.read(|db| store::nodes::live(db, app.clock.now_ms()))?.into();
    *last = (nodes.len() >= MANY_NODES).then(|| (now, Arc::clone(&nodes)));
    Ok(nodes)
}
