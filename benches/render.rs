//! Rendering speed: `cargo bench --bench render [-- DEMO STEAM64 ROUND]`; without a demo, uses the forge's sample.
//!
//! Each figure is shown next to the simpler approach it replaced: full redraws next to partial redraws, the encoder's
//! default quality next to our settings, one thread next to two.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints its results and panics on errors")]

use std::path::PathBuf;
use std::time::Duration;

use dinkem_appliance::domain::error::Result;
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::render::draw::{Look, Replay};
use dinkem_appliance::render::pipeline::{self, FrameRenderer};
use dinkem_appliance::render::scene::Scene;
use dinkem_appliance::render::video::{Effort, Encoder, Mp4Writer};
use dinkem_appliance::render::{demo, forge};

/// Frames from the middle of the clip, drawn and encoded one by one.
const FRAMES: u64 = 600;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let dir = tempfile::tempdir().expect("a scratch directory");
    let (path, player, round) = match arguments.as_slice() {
        [path, player, round] => {
            (PathBuf::from(path), player.parse().expect("a Steam ID"), round.parse().expect("a round's number"))
        }
        [] => {
            let path = dir.path().join("sample.dem");
            std::fs::write(&path, forge::sample()).expect("room for the sample");
            (path, forge::SAMPLE_PLAYER, forge::SAMPLE_ROUND)
        }
        _ => panic!("usage: cargo bench --bench render [-- DEMO STEAM64 ROUND]"),
    };
    let clock = SystemClock::new();
    let megabytes = std::fs::metadata(&path).expect("the demo").len() as f64 / 1e6;
    let start = clock.monotonic();
    let scene = demo::scene(&path, round, player)?;
    let took = (clock.monotonic() - start).as_secs_f64();
    println!("{}, round {round}, {megabytes:.1} MB", scene.map);
    println!("  parse           {:8.1} MB/s", megabytes / took);
    for (height, fps) in [(1080, 30), (1440, 60)] {
        let look = Look { fps, width: height * 16 / 9, height, xray: false, deathnotices_only: false };
        measure(&scene, look, dir.path().join("clip.mp4"), &clock)?;
    }
    Ok(())
}

fn measure(scene: &Scene, look: Look, video: PathBuf, clock: &dyn Clock) -> Result<()> {
    let start = clock.monotonic();
    let replay = Replay::new(scene, look)?;
    let prepared = clock.monotonic() - start;
    println!("{}p{}, {} frames", look.height, look.fps, replay.frames());
    println!("  prepare         {:8.2} s", prepared.as_secs_f64());

    let (drawn, encoded) = frame_by_frame(&replay, Effort::Fast, false, clock)?;
    let (whole, thorough) = frame_by_frame(&replay, Effort::Thorough, true, clock)?;
    println!("  picture         {drawn:8.1} frames/s    drawn whole      {whole:8.1} frames/s");
    println!("  encode          {encoded:8.1} frames/s    quality mode     {thorough:8.1} frames/s");

    let start = clock.monotonic();
    let mut video = Mp4Writer::create(&video, look.width, look.height, look.fps)?;
    pipeline::run(&replay, &mut video, &mut |_| Ok(()))?;
    video.finish()?;
    let took = (clock.monotonic() - start + prepared).as_secs_f64();
    let seconds = replay.frames() as f64 / f64::from(look.fps);
    let alone = 1.0 / (1.0 / drawn + 1.0 / encoded) / f64::from(look.fps);
    println!("  clip            {:8.2} s/s         on one thread    {alone:8.2} s/s", seconds / took);
    Ok(())
}

/// Frames per second of drawing and of encoding, each measured alone on one thread.
fn frame_by_frame(replay: &Replay<'_>, effort: Effort, whole: bool, clock: &dyn Clock) -> Result<(f64, f64)> {
    let frames = replay.frames().min(FRAMES);
    let first = (replay.frames() - frames) / 2;
    let mut renderer = FrameRenderer::new(replay)?;
    let mut encoder = Encoder::new(replay.look().fps, effort)?;
    let (mut drawing, mut encoding) = (Duration::ZERO, Duration::ZERO);
    for frame in first..first + frames {
        if whole {
            renderer.invalidate();
        }
        let start = clock.monotonic();
        let picture = renderer.render(frame)?;
        let drawn = clock.monotonic();
        encoder.encode(picture)?;
        drawing += drawn - start;
        encoding += clock.monotonic() - drawn;
    }
    let rate = |took: Duration| frames as f64 / took.as_secs_f64();
    Ok((rate(drawing), rate(encoding)))
}
