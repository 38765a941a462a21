//! Live frames: the newest small picture of what each live lease renders, for the operator. In memory only, and taken
//! from nodes only while somebody watches. They show clips of clients, so nothing of them goes to logs or other clients.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::app::App;
use crate::app::leases::live::live_job;
use crate::domain::error::Result;
use crate::domain::id::{JobId, LeaseId, NodeId};
use crate::domain::node::Node;
use crate::render::video::is_frame;
use crate::store::leases::LiveLease;

/// Frames kept, one per lease: with [`crate::domain::frame::FRAME_BYTES`] each, less than 3 MiB. Beyond, the oldest
/// goes.
pub const FRAMES: usize = 256;
/// How long one look at a page with frames counts as watching.
pub const WATCH: Duration = Duration::from_secs(15);
/// How long a frame is kept if no newer one arrives.
pub const KEPT: Duration = Duration::from_secs(60);

/// The newest frame of a live lease.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The lease.
    pub lease: LeaseId,
    /// Its job.
    pub job: JobId,
    /// The node that renders it.
    pub node: NodeId,
    /// Milliseconds since it arrived: less than [`KEPT`].
    pub age_ms: u64,
    /// A JPEG that passes [`is_frame`].
    pub jpeg: Arc<[u8]>,
}

/// Without the picture.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lease, job, node, age_ms, jpeg } = self;
        write!(f, "Frame of lease {lease}, job {job}, node {node}: {age_ms} ms old, {} bytes", jpeg.len())
    }
}

/// All frames, and whether somebody watches. Times are monotonic.
#[derive(Default)]
pub(in crate::app) struct Frames(Mutex<State>);

#[derive(Default)]
struct State {
    watched_until: Duration,
    kept: HashMap<LeaseId, Kept>,
}

struct Kept {
    job: JobId,
    node: NodeId,
    at: Duration,
    jpeg: Arc<[u8]>,
}

impl Frames {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces a lease's frame. Makes room by dropping the oldest.
    fn keep(&self, lease: LeaseId, frame: Kept) {
        let kept = &mut self.lock().kept;
        kept.insert(lease, frame);
        while kept.len() > FRAMES {
            let oldest = kept.iter().min_by_key(|(lease, frame)| (frame.at, **lease)).map(|(lease, _)| *lease);
            oldest.and_then(|oldest| kept.remove(&oldest));
        }
    }

    /// A lease is over.
    pub(in crate::app) fn end(&self, lease: LeaseId) {
        self.lock().kept.remove(&lease);
    }

    /// Drops what is too old, and what arrived while its lease ended.
    pub(in crate::app) fn sweep(&self, live: &[LiveLease], now: Duration) {
        let kept = &mut self.lock().kept;
        if kept.is_empty() {
            return;
        }
        let live: HashSet<LeaseId> = live.iter().map(|lease| lease.id).collect();
        kept.retain(|lease, frame| live.contains(lease) && now.saturating_sub(frame.at) < KEPT);
    }

    /// The frames that `which` wants, the newest first.
    fn newest(&self, now: Duration, which: impl Fn(&Kept) -> bool) -> Vec<Frame> {
        let state = self.lock();
        let of_age = |frame: &Kept| now.saturating_sub(frame.at);
        let wanted = state.kept.iter().filter(|(_, frame)| of_age(frame) < KEPT && which(frame));
        let mut frames: Vec<Frame> = wanted
            .map(|(lease, frame)| Frame {
                lease: *lease,
                job: frame.job,
                node: frame.node,
                age_ms: of_age(frame).as_millis() as u64,
                jpeg: Arc::clone(&frame.jpeg),
            })
            .collect();
        frames.sort_by_key(|frame| (frame.age_ms, std::cmp::Reverse(frame.lease)));
        frames
    }
}

/// Somebody looks at a page with frames: for [`WATCH`] from now on, nodes are asked for them.
pub fn watch(app: &App) {
    app.frames.lock().watched_until = app.clock.monotonic() + WATCH;
}

/// Whether somebody watches.
pub fn is_watched(app: &App) -> bool {
    app.clock.monotonic() < app.frames.lock().watched_until
}

/// The newest frames, one per lease, the newest first.
pub fn latest(app: &App, limit: usize) -> Vec<Frame> {
    let mut frames = app.frames.newest(app.clock.monotonic(), |_| true);
    frames.truncate(limit);
    frames
}

/// The frames of what a node renders, one per lease, the newest first.
pub fn of_node(app: &App, node: NodeId) -> Vec<Frame> {
    app.frames.newest(app.clock.monotonic(), |frame| frame.node == node)
}

/// Keeps the newest frame of a live lease of this node. Anything that is not a frame, or arrives while nobody
/// watches, is dropped. Fails like a heartbeat.
pub fn keep(app: &App, node: &Node, lease: LeaseId, jpeg: Vec<u8>) -> Result<()> {
    if !is_watched(app) {
        return Ok(());
    }
    if !is_frame(&jpeg) {
        log::debug!("node {:?} sent {} bytes with lease {lease} that are no live frame", node.name, jpeg.len());
        return Ok(());
    }
    let job = live_job(app, node.id, lease)?;
    app.frames.keep(lease, Kept { job, node: node.id, at: app.clock.monotonic(), jpeg: jpeg.into() });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(node: i64, seconds: u64) -> Kept {
        Kept { job: JobId(1), node: NodeId(node), at: Duration::from_secs(seconds), jpeg: Arc::new([0; 8]) }
    }

    fn leases(frames: &[Frame]) -> Vec<i64> {
        frames.iter().map(|frame| frame.lease.0).collect()
    }

    #[test]
    fn newest_comes_first_and_the_oldest_makes_room() {
        let frames = Frames::default();
        for lease in 0..FRAMES as i64 + 2 {
            frames.keep(LeaseId(lease), frame(lease % 2, lease as u64 / 50));
        }
        let now = Duration::from_secs(10);
        let kept = frames.newest(now, |_| true);
        assert_eq!(kept.len(), FRAMES);
        assert_eq!(leases(&kept)[..3], [257, 256, 255]);
        assert!(!leases(&kept).contains(&0) && !leases(&kept).contains(&1) && leases(&kept).contains(&2));
        assert_eq!((kept[0].age_ms, kept[255].age_ms), (5_000, 10_000));
        assert!(frames.newest(now, |frame| frame.node == NodeId(1)).iter().all(|frame| frame.lease.0 % 2 == 1));
        // An ended lease's frame, and one that is replaced.
        frames.end(LeaseId(257));
        frames.keep(LeaseId(9), frame(1, 10));
        assert_eq!(leases(&frames.newest(now, |_| true))[..2], [9, 256]);
    }

    #[test]
    fn frames_that_are_old_or_of_ended_leases_are_dropped() {
        let frames = Frames::default();
        (1..=3).for_each(|lease| frames.keep(LeaseId(lease), frame(1, lease as u64)));
        assert_eq!(leases(&frames.newest(KEPT + Duration::from_secs(2), |_| true)), [3]);
        let live = [1, 2].map(|lease| LiveLease { id: LeaseId(lease), job: JobId(1), node: NodeId(1) });
        frames.sweep(&live, KEPT + Duration::from_secs(1));
        assert_eq!(frames.lock().kept.keys().copied().collect::<Vec<_>>(), [LeaseId(2)]);
    }

    #[test]
    fn frame_is_not_printed() {
        let frames = Frames::default();
        frames.keep(LeaseId(7), frame(2, 0));
        let said = format!("{:?}", frames.newest(Duration::from_millis(1_500), |_| true));
        assert_eq!(said, "[Frame of lease 7, job 1, node 2: 1500 ms old, 8 bytes]");
    }
}
