//! Durable cycles a second, beside other queues.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dinkem_appliance::app::{App, jobs, leases};
use dinkem_appliance::domain::error_code::ErrorCode;
use dinkem_appliance::domain::id::LeaseId;
use dinkem_appliance::domain::job::{Caller, Renderer};
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::offer::Offer;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::clock::pause;
use dinkem_appliance::store::Store;
use tempfile::TempDir;

use crate::peers::{NAMES, Peers};
use crate::spec::spec;
use crate::stage::{Stage, serve};
use crate::{TURN, TURNS, clip, median, transitions};

/// Workers at once. Peers run with the last number.
const WORKERS: [usize; 3] = [1, 8, 64];
/// Accounts that submit jobs.
const ACCOUNTS: usize = 100;
/// How long a claim may wait, for a job that another worker is about to add.
const WAIT: Duration = Duration::from_secs(5);
/// When a worker whose video could not be checked tries again.
const BUSY: Duration = Duration::from_millis(2);

/// One of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Files,
    FilesInMemory,
    NoFiles,
}

impl Way {
    const ALL: [Self; 3] = [Self::Files, Self::FilesInMemory, Self::NoFiles];

    fn name(self) -> &'static str {
        match self {
            Self::Files => "ours, with clip files",
            Self::FilesInMemory => "ours, clip files in memory",
            Self::NoFiles => "ours, store alone",
        }
    }
}

/// What the workers work on.
enum Queue {
    App(Arc<App>),
    Store(Box<Store>),
}

/// A running queue of ours.
struct Ours {
    way: Way,
    queue: Queue,
    stage: Stage,
    _memory: Option<TempDir>,
    video: Vec<u8>,
}

pub fn compare() {
    let last = WORKERS[WORKERS.len() - 1];
    let video = smallest_video();
    println!("Durable cycles a second: enqueue, claim, complete. Median of {TURNS} turns of {} s.", TURN.as_secs());
    println!("The clip has {} bytes.", video.len());
    for workers in WORKERS {
        let ours: Vec<Ours> = Way::ALL.into_iter().filter_map(|way| Ours::start(way, last, &video)).collect();
        let peers = (workers == last).then(Peers::start);
        let mut rates: Vec<(&str, Vec<Result<f64, String>>)> = Vec::new();
        for _ in 0..TURNS {
            let own = ours.iter().map(|ours| (ours.way.name(), Ok(ours.cycles(workers))));
            let others = NAMES.into_iter().filter_map(|name| Some((name, peers.as_ref()?.cycles(name, workers))));
            for (name, rate) in own.chain(others) {
                match rates.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, rates)) => rates.push(rate),
                    None => rates.push((name, vec![rate])),
                }
            }
        }
        println!("{workers} at once");
        print(rates);
    }
}

/// A line for each, with the ratio to what it must be compared with: ours without files.
fn print(rates: Vec<(&str, Vec<Result<f64, String>>)>) {
    let medians: Vec<(&str, Result<f64, String>)> = rates
        .into_iter()
        .map(|(name, rates)| (name, rates.into_iter().collect::<Result<_, _>>().map(median)))
        .collect();
    let rate = |way: Way| medians.iter().find(|(name, _)| *name == way.name()).and_then(|(_, rate)| rate.clone().ok());
    let (alone, memory) = (rate(Way::NoFiles), rate(Way::FilesInMemory));
    for (name, rate) in &medians {
        match rate {
            Err(why) => println!("  {name:28} NOT MEASURED: {why}"),
            Ok(rate) if name.starts_with("ours") => println!("  {name:28} {rate:8.0}"),
            Ok(rate) => {
                let times = |ours: Option<f64>| ours.map_or("-".into(), |ours| format!("{:.1}", ours / rate));
                let (alone, memory) = (times(alone), times(memory));
                println!(
                    "  {name:28} {rate:8.0}   ours, store alone: {alone} times; through the app layer: {memory} times"
                );
            }
        }
    }
}

fn smallest_video() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a scratch directory");
    let path = folder.path().join("clip.mp4");
    clip::write_video(&path, 1920, 1080, spec().fps);
    fs::read(path).expect("a video")
}

impl Ours {
    /// `None`, with a message, where there is no directory in memory.
    fn start(way: Way, nodes: usize, video: &[u8]) -> Option<Self> {
        let stage = Stage::new(ACCOUNTS, nodes, 1);
        let memory = match way {
            Way::Files | Way::NoFiles => None,
            Way::FilesInMemory => match tempfile::tempdir_in("/dev/shm") {
                Ok(memory) => Some(memory),
                Err(error) => {
                    println!("  {:28} NOT MEASURED: /dev/shm: {error}", way.name());
                    return None;
                }
            },
        };
        if let Some(memory) = &memory {
            put_clips_into(memory.path(), stage.dir.path());
        }
        let queue = match way {
            Way::NoFiles => Queue::Store(Box::new(Store::serve(stage.dir.path(), Arc::default()).expect("a store"))),
            Way::Files | Way::FilesInMemory => Queue::App(serve(stage.dir.path())),
        };
        let ours = Self { way, queue, stage, _memory: memory, video: video.to_vec() };
        if let Queue::App(app) = &ours.queue {
            offer_all(app, &ours.stage.nodes);
        }
        Some(ours)
    }

    /// Cycles a second in one turn.
    fn cycles(&self, workers: usize) -> f64 {
        let (is_over, start) = (AtomicBool::new(false), Instant::now());
        let cycles: usize = thread::scope(|scope| {
            let workers: Vec<_> = (0..workers)
                .map(|worker| {
                    let is_over = &is_over;
                    scope.spawn(move || {
                        let mut cycles = 0;
                        while !is_over.load(Ordering::Relaxed) {
                            let caller = &self.stage.callers[(worker + cycles * 7) % ACCOUNTS];
                            self.cycle(caller, &self.stage.nodes[worker]);
                            cycles += 1;
                        }
                        cycles
                    })
                })
                .collect();
            pause(TURN);
            is_over.store(true, Ordering::Relaxed);
            workers.into_iter().map(|worker| worker.join().expect("a worker")).sum()
        });
        cycles as f64 / start.elapsed().as_secs_f64()
    }

    fn cycle(&self, caller: &Caller, node: &Node) {
        match &self.queue {
            Queue::Store(store) => {
                transitions::submit(store, caller);
                let (lease, _) = transitions::claim(store, node).expect("a job waits");
                transitions::complete(store, node, lease);
            }
            Queue::App(app) => {
                jobs::submit(app, caller, spec()).expect("a job");
                let grant = leases::claim(app, node, &[Renderer::Builtin], 1, WAIT).expect("a claim");
                let lease = grant.expect("a job waits").lease.id;
                leases::append_video(app, node, lease, 0, &mut &self.video[..]).expect("an upload");
                self.complete(app, node, lease);
            }
        }
    }

    /// A server checks few videos at once; a node tries again, though later.
    fn complete(&self, app: &App, node: &Node, lease: LeaseId) {
        loop {
            match leases::complete(app, node, lease, Sha256::of(&self.video).into()) {
                Err(error) if error.code == ErrorCode::TooBusy => pause(BUSY),
                completed => return completed.expect("a completion"),
            }
        }
    }
}

/// Each node offers what it can render with its first claim.
fn offer_all(app: &App, nodes: &[Node]) {
    for node in nodes {
        let new = Node { offer: Offer::none(), ..node.clone() };
        let granted = leases::claim(app, &new, &[Renderer::Builtin], 1, Duration::ZERO).expect("a claim");
        assert!(granted.is_none());
    }
}

/// Replaces the directory of clips by a link to this one.
fn put_clips_into(memory: &Path, data: &Path) {
    let clips = data.join("clips");
    fs::remove_dir(&clips).expect("an empty directory");
    std::os::unix::fs::symlink(memory, clips).expect("a link");
}
