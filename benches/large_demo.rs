//! A demo of 1 GB, forged: `cargo bench --bench large_demo [-- FILE]`.
//!
//! Prints the time and the peak memory of a process that indexes it, and of one that reads its last round, beside those
//! of reading the file. With a file, the same for that demo.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark prints its results and panics on errors"
)]

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use dinkem_appliance::render::demo::{self, DemoIndex, Known};
use dinkem_appliance::render::forge;
use dinkem_appliance::render::forge::description::{Match, Stage};

/// Rounds of the forged match.
const ROUNDS: usize = 30;
/// Size of its demo in bytes.
const BYTES: usize = 1 << 30;
/// The argument of the processes that measure themselves.
const CHILD: &str = "--measure";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [CHILD, what, path] => measure(what, Path::new(path)),
        [path] => compare(Path::new(path)),
        _ => {
            let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch directory");
            let path = dir.path().join("large.dem");
            fs::write(&path, forged()).expect("a demo");
            compare(&path);
        }
    }
}

/// The sample's rounds again and again, with voice.
fn forged() -> Vec<u8> {
    let sample = forge::sample_match();
    let rounds = sample.stages.iter().filter(|stage| matches!(stage, Stage::Round(_))).cycle().take(ROUNDS).cloned();
    let silent = Match { stages: rounds.collect(), ..sample };
    let ticks: i32 = silent.stages.iter().map(ticks).sum();
    let bytes = forge::play(&silent).len();
    forge::play(&Match { voice_bytes: (BYTES - bytes) / usize::try_from(ticks).unwrap(), ..silent })
}

fn ticks(stage: &Stage) -> i32 {
    match stage {
        Stage::Round(round) => round.freeze_ticks + round.live_ticks + round.after_ticks,
        _ => 0,
    }
}

fn compare(path: &Path) {
    println!("{} MiB", fs::metadata(path).expect("a demo").len() >> 20);
    for what in ["file", "index", "last round"] {
        let program = std::env::current_exe().expect("this program");
        let status = Command::new(program).args([CHILD, what]).arg(path).status().expect("a process");
        assert!(status.success(), "{what}: {status}");
    }
}

fn measure(what: &str, path: &Path) {
    let start = Instant::now();
    match what {
        "file" => drop(io::copy(&mut File::open(path).expect("a demo"), &mut io::sink()).expect("a read")),
        "index" => drop(demo::index(path).expect("an index")),
        _ => {
            let index = demo::index(path).expect("an index");
            println!("  {:10} {:6.1} s", "indexed", start.elapsed().as_secs_f64());
            read_last_round(path, &index);
        }
    }
    println!("  {what:10} {:6.1} s, at most {} MB", start.elapsed().as_secs_f64(), peak_memory_mb());
}

fn read_last_round(path: &Path, index: &DemoIndex) {
    let round = index.rounds.last().expect("a round");
    let player = index.players.iter().find(|player| player.rounds_played.contains(&round.number)).expect("a player");
    let known = Known { last_tick: round.clip_ticks.map(|[_, last]| last), ..Known::default() };
    let steam64 = player.steam64_id.parse().expect("a Steam ID");
    let scene = demo::scene(path, round.number, steam64, &known).expect("a scene");
    assert!(!scene.moments.is_empty());
}

/// The most memory that this process had at once.
fn peak_memory_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1_024 / 1_000_000
}
