//! What the recorded server does: clients submit and cancel jobs, nodes claim, complete and fail them.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use dinkem_appliance::app::accounts::auth;
use dinkem_appliance::app::leases::Grant;
use dinkem_appliance::app::{App, Settings, accounts, jobs, leases, nodes, webhooks};
use dinkem_appliance::domain::failure::{Failure, FailureCode, Retry};
use dinkem_appliance::domain::id::LeaseId;
use dinkem_appliance::domain::job::{Caller, JobStatus, Renderer};
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::operator::Operator;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::clock::FakeClock;
use dinkem_appliance::os::random::FakeRandom;
use uuid::Uuid;

use crate::spec::spec;
use crate::video::CLIP;
use crate::wait::{TIMEOUT, until};

/// Times that the server is started and stopped again.
pub const STARTS: usize = 2;
/// Rounds of work during each; after a round the server is idle until the write-ahead log is in the database.
const ROUNDS: usize = 3;
/// Clients that submit jobs at once.
const CLIENTS: usize = 6;
/// Jobs that each submits in a round.
const JOBS: usize = 12;
/// Nodes that work at once.
const NODES: usize = 4;
/// Leases that each node may hold.
const SLOTS: u32 = 2;
/// Every so many jobs is cancelled by its client, and every so many leases end in a failure.
const CANCELLED: usize = 7;
const FAILED: i64 = 5;
/// The time at which everything happens. Unix time in milliseconds.
const NOW_MS: i64 = 1_794_000_000_000;

/// What the server has acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    Submitted(Uuid),
    Claimed(Uuid, LeaseId),
    Done(Uuid, LeaseId),
    Failed(Uuid),
    Cancelled(Uuid),
    /// The clip of a job that was done before its client cancelled it.
    Deleted(Uuid),
}

/// All acknowledgements; the recording has a note with the place of each.
#[derive(Default)]
struct Acknowledgements(Mutex<Vec<Acknowledged>>);

impl Acknowledgements {
    fn add(&self, acknowledged: Acknowledged) {
        let mut all = self.0.lock().unwrap();
        disk_log::note(all.len());
        all.push(acknowledged);
    }

    fn into_vec(self) -> Vec<Acknowledged> {
        self.0.into_inner().unwrap()
    }
}

/// The app of a server on this directory.
pub fn serve(dir: &Path, random: Arc<FakeRandom>) -> dinkem_appliance::domain::Result<Arc<App>> {
    App::serve(dir, Settings::default(), Arc::new(FakeClock::at(NOW_MS)), random)
}

/// Closes the app, and waits until its last thread has closed the store: it would delete the log of another store that
/// has been put in its place meanwhile.
pub fn close(app: Arc<App>) {
    let data = app.data_dir().to_owned();
    drop(Arc::into_inner(app).expect("no other references to the app"));
    let (start, is_open) = (Instant::now(), || {
        let files = fs::read_dir("/proc/self/fd").unwrap();
        files.filter_map(|file| fs::read_link(file.unwrap().path()).ok()).any(|path| path.starts_with(&data))
    });
    while is_open() {
        assert!(start.elapsed() < TIMEOUT, "the store is still open");
        thread::yield_now();
    }
}

/// Does all the work in a new data directory, and returns what was acknowledged.
pub fn work(dir: &Path) -> Vec<Acknowledged> {
    let (acknowledged, random) = (Acknowledgements::default(), Arc::new(FakeRandom::default()));
    for start in 0..STARTS {
        let app = serve(dir, random.clone()).unwrap();
        let (clients, nodes) = parties(&app, start);
        for _ in 0..ROUNDS {
            round(&app, &clients, &nodes, &acknowledged);
            until("a checkpoint", || is_in_the_database(dir).then_some(()));
        }
        app.stop();
        app.note_rows().unwrap();
        close(app);
    }
    acknowledged.into_vec()
}

/// Two accounts, one of which has a webhook, as reserved and metered callers; and the nodes.
fn parties(app: &App, start: usize) -> (Vec<Caller>, Vec<Node>) {
    let operator = Operator::named("test");
    let mut callers = Vec::new();
    for name in [format!("plain-{start}"), format!("webhook-{start}")] {
        let (_, keys) = accounts::create(app, &operator, &name, true).unwrap();
        accounts::activate(app, &operator, Some(&name)).unwrap();
        accounts::dinks::set(app, &operator, &name, 1).unwrap();
        if name.starts_with("webhook") {
            webhooks::operator::set(app, &operator, &name, "https://example.com/hook".into(), false).unwrap();
        }
        for key in [keys.metered, keys.reserved] {
            let header = format!("Bearer {}", key.unwrap().reveal());
            callers.push(auth::authenticate(app, &[&header]).unwrap());
        }
    }
    let node = |number| {
        let token = nodes::token(app, &operator).unwrap();
        nodes::join(app, &token, &format!("node-{start}-{number}")).unwrap().node
    };
    (callers, (0..NODES).map(node).collect())
}

/// Every client submits its jobs, and the nodes work until all have ended.
fn round(app: &App, callers: &[Caller], nodes: &[Node], acknowledged: &Acknowledgements) {
    let ended = &AtomicUsize::new(0);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                let cancelled = submit(app, &callers[client % callers.len()], acknowledged);
                ended.fetch_add(cancelled, Ordering::SeqCst);
            });
        }
        for node in nodes {
            scope.spawn(move || {
                while ended.load(Ordering::SeqCst) < CLIENTS * JOBS {
                    let grant = leases::claim(app, node, &[Renderer::Builtin], SLOTS, Duration::ZERO).unwrap();
                    match grant {
                        Some(grant) if end(app, node, &grant, acknowledged) => _ = ended.fetch_add(1, Ordering::SeqCst),
                        Some(_) => {}
                        None => thread::yield_now(),
                    }
                }
            });
        }
    });
}

/// Submits a client's jobs and cancels some of them. Returns how many were cancelled in time.
fn submit(app: &App, caller: &Caller, acknowledged: &Acknowledgements) -> usize {
    let mut cancelled = 0;
    for number in 1..=JOBS {
        let id = jobs::submit(app, caller, spec()).unwrap().job.public_id;
        acknowledged.add(Acknowledged::Submitted(id));
        if number.is_multiple_of(CANCELLED) {
            match jobs::remove(app, caller, id).unwrap().job.status {
                JobStatus::Cancelled => {
                    acknowledged.add(Acknowledged::Cancelled(id));
                    cancelled += 1;
                }
                JobStatus::Done => acknowledged.add(Acknowledged::Deleted(id)),
                _ => {}
            }
        }
    }
    cancelled
}

/// Completes or fails a job. False if it was cancelled meanwhile.
fn end(app: &App, node: &Node, grant: &Grant, acknowledged: &Acknowledgements) -> bool {
    let (id, lease) = (grant.job.job.public_id, grant.lease.id);
    acknowledged.add(Acknowledged::Claimed(id, lease));
    if lease.0 % FAILED == 0 {
        let failure = Failure { code: FailureCode::RenderFailed, message: "x".into(), retry: Retry::Never };
        let is_live = leases::fail(app, node, lease, failure.into()).is_ok();
        if is_live {
            acknowledged.add(Acknowledged::Failed(id));
        }
        return is_live;
    }
    let is_live = leases::append_video(app, node, lease, 0, &mut &CLIP[..]).is_ok()
        && leases::complete(app, node, lease, Sha256::of(&*CLIP).into()).is_ok();
    if is_live {
        acknowledged.add(Acknowledged::Done(id, lease));
    }
    is_live
}

/// Whether a checkpoint has written to the database since the last commit.
fn is_in_the_database(dir: &Path) -> bool {
    let changed = |name: &str| dir.join(name).metadata().unwrap().modified().unwrap();
    changed("store.db") >= changed("store.db-wal")
}
