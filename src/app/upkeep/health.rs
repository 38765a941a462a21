//! Health for monitoring: readiness, warnings, and metrics that are cheap to read.

use std::sync::Mutex;
use std::time::Duration;

use uuid::Uuid;

use crate::app::accounts::dinks;
use crate::app::nodes::{self, NodeInfo};
use crate::app::upkeep::store_check;
use crate::app::{App, stopping};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::Renderer;
use crate::domain::key::KeyClass;
use crate::domain::node::NodeState;
use crate::store;

/// How long one probe of the store is reused: it writes, and the endpoint needs no authentication.
const LOOK: Duration = Duration::from_secs(5);

/// The last write probe of the store.
#[derive(Default)]
pub struct Probe(Mutex<Option<(Duration, Result<()>)>>);

/// Whether the server takes work: not shutting down, disk space left, store undamaged and writable.
pub fn ready(app: &App) -> Result<()> {
    unless_stopped(app)?;
    // Do not wait for a probe that another request is running.
    let Ok(mut last) = app.probe.0.try_lock() else { return Ok(()) };
    let now = app.clock.monotonic();
    if let Some((at, found)) = &*last
        && now.saturating_sub(*at) < LOOK
    {
        return found.clone();
    }
    let found = app.store.write(store::probe).map_err(|error| {
        let message = "The store cannot be written to. See the server's log and run `admin doctor`.";
        Error::new(Kind::Unavailable, ErrorCode::NotReady, message).because(error)
    });
    *last = Some((now, found.clone()));
    found
}

/// Like [`ready`] as far as is known: pages that people look at must not wait for the store's disk.
pub fn known(app: &App) -> Result<()> {
    unless_stopped(app)?;
    app.probe.0.try_lock().map_or(Ok(()), |last| last.as_ref().map_or(Ok(()), |(_, found)| found.clone()))
}

/// What needs no write to be known.
fn unless_stopped(app: &App) -> Result<()> {
    if app.stopping() {
        return Err(stopping());
    }
    store_check::check(app)?;
    app.room.check().map_err(|error| Error { kind: Kind::Unavailable, code: ErrorCode::NotReady, ..error })
}

/// Keeps [`known`] up to date. A background pass; always returns 0.
pub fn look(app: &App) -> Result<usize> {
    // What it finds is kept, and shown where people look.
    let _kept = ready(app);
    Ok(0)
}

/// A problem that needs attention but does not stop the server from taking work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Stable code.
    pub code: &'static str,
    /// One sentence. The endpoint needs no authentication: no figures, no names.
    pub message: &'static str,
}

/// Current warnings.
pub fn warnings(app: &App) -> Result<Vec<Warning>> {
    let waits = KeyClass::ALL.into_iter().any(|class| app.store.waiting_in(class).0 > 0);
    if !waits || nodes::list(app)?.iter().any(|node| node.state == NodeState::Up) {
        return Ok(Vec::new());
    }
    Ok(vec![Warning { code: NO_NODES, message: "Jobs are waiting and no render node is up." }])
}

/// Code of the warning, and of doctor's fault, that jobs are waiting and no node is up.
pub const NO_NODES: &str = "no_nodes";

/// Queued jobs of a class.
pub struct Waiting {
    /// The class.
    pub class: KeyClass,
    /// How many.
    pub jobs: u64,
    /// How long the first of them has been queued, in seconds; 0 if there is none.
    pub oldest_seconds: f64,
    /// That job's id.
    pub first: Option<Uuid>,
}

/// Number of nodes in a state.
pub struct NodesIn {
    /// The state.
    pub state: NodeState,
    /// How many.
    pub nodes: u64,
}

/// What autoscalers need to know about a renderer.
pub struct Load {
    /// The renderer.
    pub renderer: Renderer,
    /// Queued jobs by class.
    pub waiting: Vec<(KeyClass, u64)>,
    /// Jobs being rendered.
    pub rendering: u64,
    /// Slots of the nodes that have it, by their state. A node on trial has one; a node with two renderers counts for both.
    pub slots: Vec<(NodeState, u64)>,
}

/// A snapshot of metrics.
pub struct Figures {
    /// Queued jobs by class.
    pub waiting: Vec<Waiting>,
    /// All renderers.
    pub loads: Vec<Load>,
    /// Nodes by their state.
    pub nodes: Vec<NodesIn>,
    /// Total dinks of all accounts.
    pub dinks_sold: u64,
    /// Free bytes on the data directory's disk, if known.
    pub disk_free: Option<u64>,
    /// Bytes of the store.
    pub store: u64,
    /// Bytes of its write-ahead log.
    pub log: u64,
}

fn load(app: &App, renderer: Renderer, nodes: &[NodeInfo]) -> Load {
    let slots = |state| {
        let nodes = nodes.iter().filter(|info| info.state == state && info.node.offer.has(renderer));
        (state, nodes.map(|info| u64::from(info.node.slots_of(info.node.offer.slots))).sum())
    };
    Load {
        renderer,
        waiting: KeyClass::ALL.map(|class| (class, app.store.waiting_for(class, renderer))).into(),
        rendering: app.store.running_with(renderer),
        slots: NodeState::ALL.map(slots).into(),
    }
}

/// Collects the metrics. Reads only the first waiting job of each class.
pub fn figures(app: &App) -> Result<Figures> {
    app.store.read_queue()?;
    let now = app.clock.now_ms();
    let waiting = KeyClass::ALL.into_iter().map(|class| {
        let (jobs, first) = app.store.waiting_in(class);
        let since = first.map(|job| app.store.read(|db| store::jobs::find(db, job))).transpose()?.flatten();
        let first = since.as_ref().map(|job| job.public_id);
        let oldest_seconds = since.map_or(0, |job| (now - job.created_at_ms).max(0)) as f64 / 1_000.0;
        Ok(Waiting { class, jobs, oldest_seconds, first })
    });
    let waiting = waiting.collect::<Result<_>>()?;
    let all = nodes::list(app)?;
    let in_state = |state| NodesIn { state, nodes: all.iter().filter(|node| node.state == state).count() as u64 };
    let folder = &app.store.folder;
    let length = |path| std::fs::metadata(path).map_or(0, |file| file.len());
    Ok(Figures {
        waiting,
        loads: Renderer::ALL.map(|renderer| load(app, renderer, &all)).into(),
        nodes: NodeState::ALL.map(in_state).into(),
        dinks_sold: dinks::show(app)?.sold,
        disk_free: app.room.free(),
        store: length(folder.store()),
        log: length(folder.log()),
    })
}
