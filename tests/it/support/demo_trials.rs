//! Runs many mutated demos on all cores, each identified by its seed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{fs, thread};

use dinkem_appliance::render::forge;

use super::demo_trial::{self, Outcome};
use super::hostile_match::{eventful, hostile};
use super::mutation::mutated;
use super::rng::Rng;

/// Time that one demo may take: the slowest need a second on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// One of this many demos is drawn if it still has a round.
const DRAWN_OF: u64 = 4;
/// Frames drawn of such a demo.
const FRAMES: u64 = 5;
/// Genuine demos that are small enough.
const GENUINE: [&str; 4] =
    ["genuine_ancient_3s.dem", "genuine_dust2_a.dem", "genuine_dust2_b.dem", "genuine_nuke_9s.dem"];
/// Interval in which the watch looks for demos that take too long.
const WATCH: Duration = Duration::from_secs(1);

/// Demos to mutate: forged ones, and small genuine ones if they are here. No genuine one has a round that could be
/// drawn, so a third of all is enough.
pub fn bases() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/demos");
    let genuine: Vec<_> = GENUINE.iter().filter_map(|name| fs::read(folder.join(name)).ok()).collect();
    let forged = [forge::quick(), forge::play(&eventful())];
    let forged = forged.into_iter().cycle().take(2 * GENUINE.len());
    forged.chain(genuine).collect()
}

/// What became of the demos.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many.
    pub tried: u64,
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Time and seed of the slowest.
    pub slowest: (Duration, u64),
    /// Seed and reason of those that failed.
    pub failed: Vec<(u64, String)>,
}

/// The mutated demo of a seed. One in eight is intact, but absurd; another is absurd and mutated.
pub fn demo(bases: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let rng = &mut Rng::new(seed);
    match rng.below(8) {
        0 => forge::play(&hostile(rng)),
        1 => mutated(&forge::play(&hostile(rng)), rng),
        _ => mutated(&bases[seed as usize % bases.len()], rng),
    }
}

/// The state that the threads share.
struct Shared {
    bases: Vec<Vec<u8>>,
    next: AtomicU64,
    end: u64,
    /// By thread: what it works on, since when.
    busy: Vec<Mutex<Option<(u64, Instant)>>>,
}

/// Tries the demos of all seeds from `start` up to `end`. Returns early if one takes longer than [`LIMIT`].
pub fn run(start: u64, end: u64, progress: &mut dyn FnMut(&Tally)) -> Tally {
    let bases = bases();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let busy = (0..threads).map(|_| Mutex::default()).collect();
    let shared = Arc::new(Shared { bases, next: AtomicU64::new(start), end, busy });
    let (sender, results) = mpsc::channel();
    for thread in 0..threads {
        let (shared, sender) = (Arc::clone(&shared), sender.clone());
        thread::spawn(move || work(&shared, thread, &sender));
    }
    drop(sender);
    let mut tally = Tally::default();
    loop {
        match results.recv_timeout(WATCH) {
            Ok((seed, took, result)) => {
                tally.slowest = tally.slowest.max((took, seed));
                match result {
                    Ok(outcome) => *tally.outcomes.entry(outcome).or_default() += 1,
                    Err(reason) => tally.failed.push((seed, reason)),
                }
                if took > LIMIT {
                    tally.failed.push((seed, format!("It took {} seconds.", took.as_secs())));
                }
                tally.tried += 1;
                progress(&tally);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                assert_eq!(tally.tried, end - start, "every demo was tried");
                break;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        let stuck = shared.busy.iter().filter_map(|busy| *busy.lock().unwrap());
        let stuck: Vec<_> = stuck.filter(|(_, since)| since.elapsed() > LIMIT).collect();
        if !stuck.is_empty() {
            tally.failed.extend(stuck.into_iter().map(|(seed, _)| (seed, "It hangs.".to_owned())));
            break;
        }
    }
    tally
}

type Sender = mpsc::Sender<(u64, Duration, Result<Outcome, String>)>;

fn work(shared: &Shared, thread: usize, sender: &Sender) {
    let scratch = tempfile::tempdir().unwrap();
    loop {
        let seed = shared.next.fetch_add(1, Ordering::Relaxed);
        if seed >= shared.end {
            return;
        }
        let began = Instant::now();
        *shared.busy[thread].lock().unwrap() = Some((seed, began));
        let frames = if is_drawn(shared, seed) { FRAMES } else { 0 };
        let trial = || demo_trial::run(&demo(&shared.bases, seed), scratch.path(), frames, &mut Rng::new(seed));
        let result = catch_unwind(AssertUnwindSafe(trial)).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            Err(format!("A panic escaped: {}", words.or(panic.downcast_ref().copied()).unwrap_or_default()))
        });
        *shared.busy[thread].lock().unwrap() = None;
        if sender.send((seed, began.elapsed(), result)).is_err() {
            return;
        }
    }
}

/// One in [`DRAWN_OF`] of each base.
fn is_drawn(shared: &Shared, seed: u64) -> bool {
    (seed / shared.bases.len() as u64).is_multiple_of(DRAWN_OF)
}
