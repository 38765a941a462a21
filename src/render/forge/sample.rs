//! The sample: two rounds on [`harbour`](super::harbour) between two fictional teams. In the first, site A is lost;
//! in the second, one player retakes site B from all five.

use super::TICK_RATE;
use super::description::{
    Act, Game, Grenade, Kill, Match, Part, Player, Reason, Round, Side, Stage, Step, Throw, What,
};
use super::harbour::{self, Spot, Spot::*};
use super::sweep;

/// The player to follow.
pub const SAMPLE_PLAYER: u64 = 76_561_202_200_000_008;
/// The round to render.
pub const SAMPLE_ROUND: u32 = 2;

/// The index of [`SAMPLE_PLAYER`].
pub(super) const TERN: usize = 7;
const FREEZE_SECONDS: f32 = 5.0;
const AFTER_SECONDS: f32 = 5.0;
/// Long enough to walk all of the map.
const WARMUP_SECONDS: f32 = 43.0;
const FUSE_SECONDS: f32 = 40.0;
/// Distance between two lanes of a route.
const LANE: f32 = 42.0;

const fn player(number: u64, name: &'static str, team: usize) -> Player {
    Player { steam64: 76_561_202_200_000_000 + number, name, team }
}

/// Ten players. Their names need more than Latin letters, as in real matches.
pub(super) const PLAYERS: [Player; 10] = [
    player(1, "saltlick", 0),
    player(2, "Мария К", 0),
    player(3, "kettle", 0),
    player(4, "Ødegård", 0),
    player(5, "pixel pilot", 0),
    player(6, "harlow", 1),
    player(7, "波止場", 1),
    player(8, "tern", 1),
    player(9, "Zoë", 1),
    player(10, "low_tide", 1),
];

/// The sample demo.
pub fn sample() -> Vec<u8> {
    super::play(&sample_match())
}

/// The description of the sample.
pub fn sample_match() -> Match {
    Match {
        map: harbour::NAME,
        game: Game::Competitive,
        tick_rate: TICK_RATE,
        teams: ["Breakwater", "Lantern Row"],
        players: PLAYERS.to_vec(),
        stages: vec![Stage::Warmup(warmup()), Stage::Round(first()), Stage::Round(second())],
        voice_bytes: 0,
    }
}

pub(super) fn ticks(seconds: f32) -> i32 {
    (seconds * TICK_RATE as f32) as i32
}

fn round(live_seconds: f32, winner: Side, reason: Reason, parts: Vec<Part>, mut acts: Vec<Act>) -> Round {
    let pistol = |part: &Part| if PLAYERS[part.player].team == 0 { "glock" } else { "usp_silencer" };
    acts.extend(parts.iter().map(|part| act(0.0, part.player, What::Carry(pistol(part)))));
    Round {
        freeze_ticks: ticks(FREEZE_SECONDS),
        live_ticks: ticks(live_seconds),
        after_ticks: ticks(AFTER_SECONDS),
        winner,
        reason,
        fuse_ticks: ticks(FUSE_SECONDS),
        bomb: None,
        parts,
        acts,
    }
}

/// A route in its own lane, with a first weapon. `legs`: positions to pass, and seconds to wait before each leg
/// except the first.
fn part(player: usize, weapon: &'static str, legs: &[(f32, &[Spot])]) -> Part {
    let lane = (player % 5) as f32 - 2.0;
    let mut steps = Vec::new();
    for (wait, over) in legs {
        if *wait > 0.0 {
            steps.push(Step::Wait(ticks(*wait)));
        }
        steps.extend(harbour::way(over, lane * LANE));
    }
    let from = legs.first().and_then(|(_, over)| over.first()).copied().unwrap_or(TSpawn);
    Part { player, from: from.beside(lane * 84.0, ((player % 3) as f32 - 1.0) * 70.0), steps, weapon }
}

pub(super) fn act(at: f32, who: usize, what: What) -> Act {
    Act { at: ticks(at), who, what }
}

fn kill(victim: usize) -> Kill {
    Kill { victim, ..Kill::default() }
}

fn throw(grenade: Grenade, to: [f32; 3], blinds: &[(usize, f32)]) -> What {
    What::Throw(Throw { grenade, to, blinds: blinds.to_vec() })
}

/// Everyone walks around, nothing counts.
fn warmup() -> Round {
    round(WARMUP_SECONDS, Side::T, Reason::TWin, sweep::parts(PLAYERS.len()), Vec::new())
}

/// Site A is lost, with nobody left to retake it.
fn first() -> Round {
    let parts = vec![
        part(
            0,
            "ak47",
            &[
                (0.0, &[TSpawnE, TEast, Crane, LongLow, Long]),
                (1.2, &[Long, LongTop, ARamp, ASiteE]),
                (1.0, &[ASiteE, ASiteN]),
                (6.5, &[ASiteN, ACt, CtSpawnE]),
            ],
        ),
        part(
            1,
            "ak47",
            &[
                (0.0, &[TSpawnE, Crane, LongDoors, LongLow]),
                (1.0, &[LongLow, LongTop, ABoxes, ASite]),
                (4.5, &[ASite, ABoxes, ARamp, ASiteE]),
            ],
        ),
        part(2, "galilar", &[(0.6, &[TSpawn, MidLow, MidDoors]), (1.5, &[MidDoors, Mid, ShortLow, Short])]),
        part(
            3,
            "ak47",
            &[
                (1.2, &[TSpawn, MidLow, MidDoors]),
                (2.6, &[MidDoors, ShortLow, ShortTop, ASiteW]),
                (2.0, &[ASiteW, ASiteN]),
            ],
        ),
        part(
            4,
            "mac10",
            &[
                (0.0, &[TSpawnE, TSpawn, TSpawnW, Docks, Tunnel, TunnelE]),
                (0.4, &[TunnelE, MidDoors, Mid, MidTop, Arch, CtYard]),
            ],
        ),
        part(5, "m4a1", &[(0.0, &[CtSpawnE, ACt, ASiteN, ASiteE, ARamp, LongTop])]),
        part(
            6,
            "m4a1_silencer",
            &[(0.0, &[CtSpawnE, ACt, ASiteW, ABoxes, ShortTop, ABoxes, ASite]), (0.5, &[ASite, ASiteE, ASiteN, ASite])],
        ),
        part(
            TERN,
            "awp",
            &[
                (0.0, &[CtSpawn, Arch, MidTop]),
                (5.5, &[MidTop, Arch, CtYard, ACt, CtSpawnE, ACt]),
                (1.4, &[ACt, ASiteW, ASite]),
            ],
        ),
        part(8, "mp9", &[(0.0, &[CtSpawnW, BCt, BSiteN, BSite, BDoor, CanalW, BSiteE, BWindow, CtYard, ACt, ASiteW])]),
        part(
            9,
            "m4a1",
            &[
                (0.0, &[CtSpawnE, CtSpawn, CtSpawnW, BCt, BSiteE, BDoor, HoldN, Hold]),
                (0.5, &[Hold, BDoor, BSiteW, BSiteN, BCt, CtSpawnE]),
            ],
        ),
    ];
    let acts = vec![
        act(5.0, 0, throw(Grenade::Smoke, ARamp.beside(-60.0, 60.0), &[])),
        act(6.0, 3, throw(Grenade::Smoke, ShortTop.beside(60.0, 120.0), &[])),
        act(7.6, 1, throw(Grenade::Flash, LongTop.beside(0.0, 60.0), &[(5, 2.6)])),
        act(9.4, 0, What::Kill(Kill { headshot: true, assister: Some(1), flash_assist: true, ..kill(5) })),
        act(10.2, 7, What::Shoot(1)),
        act(10.9, 7, What::Kill(kill(2))),
        act(11.4, 1, throw(Grenade::Fire, ASiteN.at(), &[])),
        act(12.3, 3, throw(Grenade::He, ABoxes.at(), &[])),
        act(13.5, 3, What::Hurt(6, 47, 12)),
        act(15.8, 1, What::Kill(Kill { assister: Some(3), ..kill(6) })),
        act(17.8, 1, What::HoldBomb),
        act(17.8, 1, What::BeginPlant('A')),
        act(21.0, 1, What::Plant('A')),
        act(21.4, 1, What::Hold("ak47")),
        act(22.2, 8, throw(Grenade::Flash, ASite.beside(0.0, 40.0), &[(3, 1.9), (1, 1.2)])),
        act(23.2, 8, What::Hurt(3, 61, 20)),
        act(24.0, 0, What::Kill(Kill { wallbang: true, ..kill(8) })),
        act(24.9, 7, What::Kill(Kill { noscope: true, assister: Some(8), ..kill(3) })),
        act(25.8, 0, What::Kill(Kill { headshot: true, ..kill(7) })),
        act(27.2, 4, What::Shoot(4)),
        act(28.0, 4, What::Kill(kill(9))),
    ];
    Round { bomb: Some(1), ..round(28.0, Side::T, Reason::TWin, parts, acts) }
}

/// Site B is lost too, and one player retakes it from all five.
fn second() -> Round {
    let parts = vec![
        part(
            0,
            "ak47",
            &[
                (0.0, &[TSpawnW, Docks, Pier, Hold, HoldN]),
                (0.6, &[HoldN, BDoor, BSite, BSiteN]),
                (3.0, &[BSiteN, BSite]),
            ],
        ),
        part(
            1,
            "galilar",
            &[
                (0.3, &[TSpawnW, Docks, Pier, Hold, HoldN]),
                (0.8, &[HoldN, BDoor, BSite]),
                (6.0, &[BSite, BSiteW, BSiteN]),
            ],
        ),
        part(2, "awp", &[(0.0, &[TSpawn, MidLow, MidDoors])]),
        part(
            3,
            "ak47",
            &[
                (0.6, &[TSpawnW, Docks, Pier, HoldN]),
                (0.5, &[HoldN, BDoor, CanalW, BSiteE]),
                (2.0, &[BSiteE, BSite, BSiteE]),
            ],
        ),
        part(4, "ak47", &[(0.0, &[TSpawnE, TYard, Docks, Tunnel]), (1.0, &[Tunnel, TunnelE, Canal])]),
        part(5, "m4a1", &[(0.0, &[CtSpawnW, BCt, BSiteN, BSiteW, BSite]), (1.0, &[BSite, BSiteW])]),
        part(6, "m4a1_silencer", &[(0.0, &[CtSpawnW, BCt, BWindow, BSiteE]), (2.5, &[BSiteE, BSiteN])]),
        part(
            TERN,
            "awp",
            &[
                (0.0, &[CtSpawn, CtYard, Arch, MidTop]),
                (2.6, &[MidTop, Mid, Canal]),
                (2.2, &[Canal, CanalW]),
                (5.5, &[CanalW, BSiteE]),
                (0.6, &[BSiteE, BSite]),
            ],
        ),
        part(8, "mp9", &[(0.0, &[CtSpawnE, ACt, ASite, ABoxes, Short, ABoxes, ASiteW, ACt, CtYard, BCt, BWindow])]),
        part(
            9,
            "m4a1",
            &[
                (0.0, &[CtSpawnE, ACt, ASiteN, ASiteE, ARamp, LongTop, ARamp, ASite, ACt, CtYard, BCt, BWindow]),
                (2.0, &[BWindow, BSiteN]),
            ],
        ),
    ];
    let acts = vec![
        act(2.0, 2, throw(Grenade::Smoke, MidTop.beside(60.0, 90.0), &[])),
        act(5.6, 2, What::Shoot(1)),
        act(6.6, TERN, What::Kill(Kill { headshot: true, through_smoke: true, ..kill(2) })),
        act(9.6, 1, throw(Grenade::Smoke, BSiteE.beside(-40.0, -60.0), &[])),
        act(10.4, 3, throw(Grenade::Fire, BSiteN.at(), &[])),
        act(11.0, 0, throw(Grenade::Flash, BSite.beside(40.0, 60.0), &[(5, 3.1), (6, 1.4)])),
        act(12.6, 0, What::Kill(Kill { headshot: true, ..kill(5) })),
        act(13.6, 6, What::Hurt(0, 38, 14)),
        act(14.3, 1, What::Kill(Kill { assister: Some(0), ..kill(6) })),
        act(15.1, TERN, What::Hold("deagle")),
        act(16.6, TERN, What::Kill(Kill { wallbang: true, ..kill(4) })),
        act(15.2, 1, What::HoldBomb),
        act(15.2, 1, What::BeginPlant('B')),
        act(18.4, 1, What::Plant('B')),
        act(18.8, 1, What::Hold("galilar")),
        act(17.6, TERN, What::Hold("awp")),
        act(18.9, TERN, throw(Grenade::He, BSite.beside(90.0, -40.0), &[])),
        act(20.3, TERN, What::Hurt(3, 52, 18)),
        act(20.6, TERN, What::Hold("m4a1")),
        act(21.6, TERN, What::Kill(Kill { through_smoke: true, ..kill(3) })),
        act(22.6, 0, What::Hurt(TERN, 63, 22)),
        act(23.3, TERN, What::Kill(Kill { headshot: true, ..kill(0) })),
        act(24.0, 8, What::Shoot(5)),
        act(24.8, 1, What::Kill(kill(8))),
        act(25.9, TERN, What::Kill(Kill { assister: Some(8), ..kill(1) })),
        act(26.8, TERN, What::Defuse(ticks(5.0))),
    ];
    Round { bomb: Some(1), ..round(31.8, Side::Ct, Reason::Defused, parts, acts) }
}
