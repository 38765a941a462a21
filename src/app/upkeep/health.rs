//! How an appliance is, for monitors: whether it can take work, and figures that cost nothing to look up.

use std::sync::Mutex;
use std::time::Duration;

use uuid::Uuid;

use crate::app::accounts::dinks;
use crate::app::upkeep::store_check;
use crate::app::{App, nodes, stopping};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::key::KeyClass;
use crate::domain::node::NodeState;
use crate::store;

/// How long one look at the store does for all who ask: it writes, and nobody is known who asks.
const LOOK: Duration = Duration::from_secs(5);

/// When the store was last written to, to see whether it can be.
#[derive(Default)]
pub struct Probe(Mutex<Option<(Duration, Result<()>)>>);

/// Whether the server takes work: it is not stopping, its disk has room, its store is whole and can be written to.
pub fn ready(app: &App) -> Result<()> {
    if app.stopping() {
        return Err(stopping());
    }
    store_check::check(app)?;
    app.room.check().map_err(|error| Error { kind: Kind::Unavailable, code: "not_ready", ..error })?;
    // Whoever comes while another one looks is told what was found before.
    let Ok(mut last) = app.probe.0.try_lock() else { return Ok(()) };
    let now = app.clock.monotonic();
    if let Some((at, found)) = &*last
        && now.saturating_sub(*at) < LOOK
    {
        return found.clone();
    }
    let found = app.store.write(store::probe).map_err(|error| {
        let message = "The store cannot be written to: look at the server's log and at `admin doctor`.";
        Error::new(Kind::Unavailable, "not_ready", message).because(error)
    });
    *last = Some((now, found.clone()));
    found
}

/// Something that does not stop the server from taking work, and that somebody should see to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Stable word.
    pub code: &'static str,
    /// One sentence. Whoever asks may be anybody: no figures, no names.
    pub message: &'static str,
}

/// What somebody should see to although the server takes work.
pub fn warnings(app: &App) -> Result<Vec<Warning>> {
    let waits = KeyClass::ALL.into_iter().any(|class| app.store.waiting_in(class).0 > 0);
    if !waits || nodes::list(app)?.iter().any(|node| node.state == NodeState::Up) {
        return Ok(Vec::new());
    }
    Ok(vec![Warning { code: NO_NODES, message: "Jobs are waiting and no render node is up." }])
}

/// Code of the warning, and of the doctor's fault, that jobs wait for nodes which are not there.
pub const NO_NODES: &str = "no_nodes";

/// A class's waiting jobs.
pub struct Waiting {
    /// Which.
    pub class: KeyClass,
    /// How many.
    pub jobs: u64,
    /// How long the first in line has waited, in seconds; 0 where none waits.
    pub oldest_seconds: f64,
    /// That job's id.
    pub first: Option<Uuid>,
}

/// How many nodes are so, and their slots.
pub struct NodesIn {
    /// How.
    pub state: NodeState,
    /// How many.
    pub nodes: u64,
    /// Jobs that they could hold.
    pub slots: u64,
}

/// The figures of one moment.
pub struct Figures {
    /// Each class's waiting jobs.
    pub waiting: Vec<Waiting>,
    /// Jobs that nodes hold.
    pub rendering: u64,
    /// Nodes by their state.
    pub nodes: Vec<NodesIn>,
    /// Dinks of all accounts together.
    pub dinks_sold: u64,
    /// Bytes that are free on the data directory's disk, where the system tells.
    pub disk_free: Option<u64>,
    /// Bytes of the store.
    pub store: u64,
    /// Bytes of its write-ahead log.
    pub log: u64,
}

/// Looks them up: of the jobs only those that wait first in line.
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
    let in_state = |state| {
        let nodes = || all.iter().filter(|node| node.state == state);
        let slots = nodes().map(|node| u64::from(node.node.slots)).sum();
        NodesIn { state, nodes: nodes().count() as u64, slots }
    };
    let folder = &app.store.folder;
    let length = |path| std::fs::metadata(path).map_or(0, |file| file.len());
    Ok(Figures {
        waiting,
        rendering: all.iter().map(|node| u64::from(node.leases)).sum(),
        nodes: NodeState::ALL.map(in_state).into(),
        dinks_sold: dinks::show(app)?.sold,
        disk_free: app.room.free(),
        store: length(folder.store()),
        log: length(folder.log()),
    })
}
