//! Forged demos are valid: two independent parsers agree on every field and event, and read what was described.

mod readings;

use std::collections::BTreeMap;

use dinkem_appliance::render::forge::description::{Match, Round, Side, Stage, What};
use dinkem_appliance::render::forge::{SAMPLE_PLAYER, SAMPLE_ROUND, TICK_RATE};
use dinkem_appliance::render::scene::BombState;
use dinkem_appliance::render::{demo, forge};

use readings::{Datum, Reading};

const CONTROLLER: &str = "CCSPlayerController";

fn demos() -> [(&'static str, Match); 2] {
    [("sample", forge::sample_match()), ("quick", forge::quick_match())]
}

/// The rounds that count, with their first tick.
fn rounds(described: &Match) -> Vec<(i32, &Round)> {
    let mut tick = 1;
    let mut rounds = Vec::new();
    for stage in &described.stages {
        match stage {
            Stage::Warmup(round) => tick += round.live_ticks + round.after_ticks,
            Stage::Round(round) => {
                rounds.push((tick, round));
                tick += round.freeze_ticks + round.live_ticks + round.after_ticks;
            }
            _ => {}
        }
    }
    rounds
}

#[test]
fn two_parsers_agree_on_every_entity_field() {
    for (name, described) in demos() {
        let bytes = forge::play(&described);
        let (first, second) = (readings::awpy(&bytes), readings::source2(&bytes));
        assert_eq!((&first.map, first.tick_rate), (&second.map, second.tick_rate), "{name}");
        assert_eq!(first.classes, second.classes, "{name}");
        assert_eq!(first.states.keys().collect::<Vec<_>>(), second.states.keys().collect::<Vec<_>>(), "{name}");
        let mut compared = 0;
        for (tick, state) in &first.states {
            let other = &second.states[tick];
            let (ours, theirs): (Vec<_>, Vec<_>) = (state.keys().collect(), other.keys().collect());
            assert_eq!(ours, theirs, "{name} at {tick}");
            for (place, datum) in state {
                assert!(datum.same(&other[place]), "{name} at {tick}: {place:?} is {datum:?} and {:?}", other[place]);
            }
            compared += state.len();
        }
        assert!(compared > 4_000, "{name}: only {compared} values were compared");
    }
}

#[test]
fn two_parsers_agree_on_every_event() {
    for (name, described) in demos() {
        let bytes = forge::play(&described);
        let (first, second) = (readings::awpy(&bytes), readings::source2(&bytes));
        assert_eq!(first.events, second.events, "{name}");
        assert!(first.events.len() > 30, "{name}: only {} events", first.events.len());
    }
}

#[test]
fn forged_demo_contains_the_described_players_and_positions() {
    for (name, described) in demos() {
        let reading = readings::awpy(&forge::play(&described));
        assert_eq!((reading.map.as_str(), reading.tick_rate), (described.map, TICK_RATE as f32), "{name}");
        for (start, round) in rounds(&described) {
            // No one moves during freeze time.
            let state = reading.states.range(start..start + round.freeze_ticks).next().unwrap().1;
            for part in &round.parts {
                let player = described.players[part.player];
                let slot = part.player as u32 + 1;
                assert_eq!(reading.classes[&slot], CONTROLLER, "{name}");
                let controller: Vec<&Datum> =
                    state.range((slot, Vec::new())..(slot + 1, Vec::new())).map(|(_, datum)| datum).collect();
                assert!(controller.contains(&&Datum::Text(player.name.to_owned())), "{name}: {controller:?}");
                assert!(controller.contains(&&Datum::Whole(player.steam64.into())), "{name}: {controller:?}");
            }
            let places: Vec<[f32; 3]> = reading.pawns(state).collect();
            for part in &round.parts {
                let stands = |place: &&[f32; 3]| (0..3).all(|axis| (place[axis] - part.from[axis]).abs() < 0.01);
                assert!(places.iter().any(|place| stands(&place)), "{name}: {:?} not in {places:?}", part.from);
            }
        }
    }
}

#[test]
fn players_never_move_faster_than_running_speed() {
    let reading = readings::awpy(&forge::sample());
    let described = forge::sample_match();
    let (start, round) = rounds(&described)[1];
    let live = start + round.freeze_ticks..start + round.freeze_ticks + round.live_ticks;
    let mut before: Option<(i32, Vec<[f32; 3]>)> = None;
    let mut ran = 0.0_f32;
    for (tick, state) in reading.states.range(live) {
        let places: Vec<[f32; 3]> = reading.pawns(state).collect();
        if let Some((earlier, from)) = &before {
            let seconds = (tick - earlier) as f32 / TICK_RATE as f32;
            for (a, b) in from.iter().zip(&places) {
                let speed = (b[0] - a[0]).hypot(b[1] - a[1]) / seconds;
                assert!(speed < 251.0, "{speed} units a second at {tick}");
                ran += speed * seconds;
            }
        }
        before = Some((*tick, places));
    }
    assert!(ran > 20_000.0, "all players together moved only {ran} units");
}

#[test]
fn forged_demo_contains_the_described_kills_and_rounds() {
    for (name, described) in demos() {
        let parser = awpy::Parser::from_bytes(forge::play(&described));
        let read: Vec<_> = parser.rounds().unwrap();
        let rounds = rounds(&described);
        assert_eq!(read.len(), rounds.len(), "{name}");
        let mut expected = BTreeMap::new();
        for (read, (start, round)) in read.iter().zip(rounds) {
            let live = start + round.freeze_ticks;
            let winner = if round.winner == Side::T { 2 } else { 3 };
            assert_eq!((read.start_tick, read.freeze_end_tick), (Some(start), Some(live)), "{name}");
            assert_eq!((read.end_tick, read.winner), (live + round.live_ticks, winner), "{name}");
            assert_eq!(read.reason, round.reason as i32, "{name}");
            for act in &round.acts {
                if let What::Kill(kill) = &act.what {
                    let flags = [kill.headshot, kill.wallbang, kill.through_smoke, kill.noscope, kill.flash_assist];
                    let who = [Some(act.who), Some(kill.victim), kill.assister];
                    let who = who.map(|player| player.map(|player| described.players[player].steam64));
                    expected.insert(live + act.at, (who, flags));
                }
            }
        }
        let kills = parser.kills().unwrap().into_iter().map(|kill| {
            let flags = [kill.headshot, kill.penetrated > 0, kill.thrusmoke, kill.noscope, kill.assist_flash];
            (kill.tick, ([kill.attacker_steamid, kill.victim_steamid, kill.assister_steamid], flags))
        });
        assert_eq!(kills.collect::<BTreeMap<_, _>>(), expected, "{name}");
    }
}

#[test]
fn forging_is_deterministic_and_the_file_is_small() {
    assert_eq!(forge::sample(), forge::sample());
    assert!(forge::sample().len() < 2_000_000, "{} bytes", forge::sample().len());
    assert!(forge::quick().len() < 200_000, "{} bytes", forge::quick().len());
}

#[test]
fn sample_contains_everything_a_clip_can_show() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("sample.dem");
    std::fs::write(&path, forge::sample()).unwrap();
    let scene = demo::scene(&path, SAMPLE_ROUND, SAMPLE_PLAYER, &demo::Known::default()).unwrap();
    let moments = || scene.moments.iter();
    assert_eq!(scene.plant.unwrap().site, 'B');
    assert!(moments().any(|moment| moment.smokes.len() > 1));
    assert!(moments().any(|moment| moment.flames.len() > 10));
    assert!(moments().any(|moment| moment.grenades.len() > 1));
    assert!(moments().any(|moment| moment.players.iter().any(|player| player.flash_seconds > 1.0)));
    assert!(moments().any(|moment| moment.players[scene.followed].defusing));
    assert_eq!(moments().filter_map(|moment| moment.bomb).next_back().unwrap().state, BombState::Defused);
    assert_eq!(scene.kills.iter().filter(|kill| kill.killer == Some(scene.followed)).count(), 5);
    assert!(scene.kills.iter().any(|kill| kill.wallbang) && scene.kills.iter().any(|kill| kill.through_smoke));
    assert!(scene.ground.cells.len() > 5_000, "{} cells of ground", scene.ground.cells.len());
}

impl Reading {
    /// Positions of the pawns, in the order of their slots.
    fn pawns<'a>(&'a self, state: &'a readings::State) -> impl Iterator<Item = [f32; 3]> + 'a {
        let pawns = self.classes.iter().filter(|(_, class)| *class == "CCSPlayerPawn");
        pawns.filter_map(|(slot, _)| readings::place(state, *slot))
    }
}
