//! Unusual matches: restored backups, coaches, many players, knife rounds. They are described here, forged, and read
//! back; the description is what is expected.

mod facts;
mod highlights;
mod index_and_scene;
mod odd_inputs;
mod people;
mod rounds;
#[cfg(unix)]
mod served;
mod shared_demos;

use std::fs;
use std::path::PathBuf;

use dinkem_appliance::domain::error::Result;
use dinkem_appliance::render::demo::{self, DemoIndex};
use dinkem_appliance::render::forge::description::{
    Act, Game, Kill, Match, Part, Player, Reason, Round, Side, Stage, Step, What,
};
use dinkem_appliance::render::forge::{TICK_RATE, play};
use dinkem_appliance::render::scene::Scene;

const FREEZE: i32 = 64 * 4;
const LIVE: i32 = 64 * 5;
const AFTER: i32 = 64 * 4;

const NAMES: [&str; 24] = [
    "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15", "p16", "p17",
    "p18", "p19", "p20", "p21", "p22", "p23",
];

fn steam64(player: usize) -> u64 {
    76_561_202_200_001_000 + player as u64
}

/// A match of two teams of these sizes, with the first team's players first.
fn game(sizes: [usize; 2], stages: Vec<Stage>) -> Match {
    let player = |n: usize| Player { steam64: steam64(n), name: NAMES[n], team: usize::from(n >= sizes[0]) };
    let players = (0..sizes[0] + sizes[1]).map(player).collect();
    Match {
        map: "de_nowhere",
        game: Game::Competitive,
        tick_rate: TICK_RATE,
        teams: ["Oaks", "Pines"],
        players,
        stages,
        voice_bytes: 0,
    }
}

/// A round of the first `players` players. Each kill is (killer, victim), one every half second.
fn round(players: usize, winner: Side, weapon: &'static str, kills: &[(usize, usize)]) -> Round {
    let part = |player: usize| {
        let from = [player as f32 * 150.0 - 900.0, player as f32 * 40.0, 16.0];
        Part { player, from, steps: vec![Step::Run([from[0], from[1] + 700.0, 16.0])], weapon }
    };
    let kill = |(nth, &(who, victim)): (usize, &(usize, usize))| Act {
        at: 32 * (nth as i32 + 1),
        who,
        what: What::Kill(Kill { victim, ..Kill::default() }),
    };
    Round {
        freeze_ticks: FREEZE,
        live_ticks: LIVE,
        after_ticks: AFTER,
        winner,
        reason: if winner == T { Reason::TWin } else { Reason::CtWin },
        fuse_ticks: 64 * 40,
        bomb: None,
        parts: (0..players).map(part).collect(),
        acts: kills.iter().enumerate().map(kill).collect(),
    }
}

fn act(at: i32, who: usize, what: What) -> Act {
    Act { at, who, what }
}

struct Forged {
    _scratch: tempfile::TempDir,
    path: PathBuf,
}

impl Forged {
    fn of(game: &Match) -> Self {
        Self::from_bytes(&play(game))
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("forged.dem");
        fs::write(&path, bytes).unwrap();
        Self { _scratch: scratch, path }
    }

    fn index(&self) -> DemoIndex {
        demo::index(&self.path).unwrap()
    }

    fn scene(&self, round: u32, player: usize) -> Result<Scene> {
        demo::scene(&self.path, round, steam64(player), &demo::Known::default())
    }

    fn refusal(&self, round: u32, player: usize) -> (&'static str, String) {
        let error = self.scene(round, player).expect_err("must be refused");
        (error.code.as_str(), error.message)
    }
}

/// Numbers and winners of the rounds, such as `1t 2ct`.
fn rounds(index: &DemoIndex) -> String {
    let one = |round: &demo::IndexedRound| format!("{}{}", round.number, round.winner.as_deref().unwrap_or("-"));
    index.rounds.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn names(index: &DemoIndex) -> Vec<&str> {
    index.players.iter().map(|player| player.name.as_str()).collect()
}

/// The kill feed, as names: `killer>victim`.
fn kill_feed(scene: &Scene) -> String {
    let name = |player: usize| {
        let undrawn = || player.checked_sub(scene.players.len()).and_then(|index| scene.undrawn.get(index));
        scene.players.get(player).map(|player| &player.name).or_else(|| undrawn().map(|player| &player.name)).unwrap()
    };
    let kill = |kill: &dinkem_appliance::render::scene::Kill| {
        format!("{}>{}", kill.killer.map_or("", |killer| name(killer)), name(kill.victim))
    };
    scene.kills.iter().map(kill).collect::<Vec<_>>().join(" ")
}

use Side::{Ct, T};
