//! What every demo must survive, whatever is in it: it is unpacked, indexed, and sometimes drawn.

use std::fs;
use std::path::Path;

use dinkem_appliance::domain::camera::CameraMode;
use dinkem_appliance::domain::error::Error;
use dinkem_appliance::render::demo::{self, DemoIndex, Known, UnpackLimits};
use dinkem_appliance::render::draw::{Look, Painter, Replay};
use dinkem_appliance::render::scene::Scene;

use super::rng::Rng;

/// Size of the picture: small, because what is drawn is not looked at.
const PICTURE: (u32, u32) = (320, 180);
/// Codes that blame the demo.
const REFUSALS: [&str; 5] =
    ["demo_unreadable", "demo_unsupported", "demo_too_large", "round_not_in_demo", "player_not_in_demo"];

/// How far a demo came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It cannot be unpacked or read; the code of the error.
    Refused(&'static str),
    /// It is read, but has no round.
    WithoutRound,
    /// It is read and has rounds.
    Read,
    /// It is read, but the round chosen cannot be drawn; the code of the error.
    NotDrawn(&'static str),
    /// Frames of it are drawn.
    Drawn,
}

/// Takes a demo through all steps; `frames` are drawn of a random round and player, none if 0. `Err` says what is
/// wrong: an error that does not blame the demo, or a panic of the parser.
pub fn run(bytes: &[u8], scratch: &Path, frames: u64, rng: &mut Rng) -> Result<Outcome, String> {
    let plain = scratch.join("plain.dem");
    let read = demo::unpack(&mut &bytes[..], &plain, UnpackLimits::default()).and_then(|_| demo::index(&plain));
    let outcome = match read {
        Err(error) => code(&error).map(Outcome::Refused),
        Ok(index) if index.rounds.is_empty() => Ok(Outcome::WithoutRound),
        Ok(_) if frames == 0 => Ok(Outcome::Read),
        Ok(index) => match scene(&plain, &index, rng).and_then(|scene| draw(&scene, frames, rng)) {
            Err(error) => code(&error).map(Outcome::NotDrawn),
            Ok(()) => Ok(Outcome::Drawn),
        },
    };
    // There is none if it could not be unpacked.
    let _ = fs::remove_file(&plain);
    outcome
}

fn scene(plain: &Path, index: &DemoIndex, rng: &mut Rng) -> dinkem_appliance::domain::error::Result<Scene> {
    let round = &index.rounds[rng.below(index.rounds.len())];
    // An index may have no players; nobody has the number 1.
    let player = match index.players.len() {
        0 => None,
        some => index.players[rng.below(some)].steam64_id.parse().ok(),
    };
    let last_tick = round.clip_ticks.map(|[_, last]| last).filter(|_| rng.below(2) == 0);
    demo::scene(plain, round.number, player.unwrap_or(1), &Known { ground: None, last_tick })
}

/// Draws frames spread evenly over the clip, including the first and the last.
fn draw(scene: &Scene, frames: u64, rng: &mut Rng) -> dinkem_appliance::domain::error::Result<()> {
    let (width, height) = PICTURE;
    let camera = CameraMode::ALL[rng.below(CameraMode::ALL.len())];
    let look = Look { fps: 30, width, height, xray: rng.below(2) == 0, deathnotices_only: rng.below(4) == 0, camera };
    let replay = Replay::new(scene, look)?;
    let mut painter = Painter::new(&replay)?;
    let last = replay.frames() - 1;
    (0..frames).for_each(|frame| painter.frame(last * frame / (frames - 1).max(1)));
    painter.frame(replay.poster_frame());
    Ok(())
}

/// The code of an error that blames the demo.
fn code(error: &Error) -> Result<&'static str, String> {
    if let Some(panic) = error.detail.as_ref().filter(|detail| detail.starts_with("panic")) {
        return Err(format!("The parser panicked: {panic}"));
    }
    let known = REFUSALS.into_iter().find(|&code| code == error.code.as_str());
    known.ok_or_else(|| format!("{}: {error}", error.code.as_str()))
}
