//! Unusual recordings: reconnects, a player's own, 128 ticks per second, rounds and demos of great length, demos that
//! are read from the middle.

use dinkem_appliance::render::forge::description::{Grenade, Throw};
use dinkem_appliance::render::scene::{Ground, PlayerAt};

use super::*;

/// A round in which something happens: two kills, a smoke, a fire.
fn busy(winner: Side) -> Round {
    let kills = if winner == T { [(0, 2), (1, 3)] } else { [(2, 0), (3, 1)] };
    let mut round = round(4, winner, "ak47", &kills);
    let to = [0.0, 300.0, 16.0];
    for (at, who, grenade) in [(8, 1, Grenade::Smoke), (20, 0, Grenade::Fire)] {
        round.acts.push(act(at, who, What::Throw(Throw { grenade, to, blinds: Vec::new() })));
    }
    round
}

/// Everything that moves, in words.
fn told(scene: &Scene) -> String {
    format!("{:?}", (&scene.moments, &scene.kills, &scene.effects, &scene.players, &scene.teams, scene.outcome))
}

#[test]
fn player_who_reconnects_is_the_same_player() {
    let absent = |player: usize| {
        let mut round = round(4, T, "ak47", &[(0, 2)]);
        round.parts.retain(|part| part.player != player);
        round
    };
    let mut leaving = busy(T);
    leaving.acts = vec![act(64, 1, What::Leave)];
    let stages = [leaving, absent(1), busy(T)].map(Stage::Round);
    let forged = Forged::of(&game([2, 2], stages.to_vec()));
    let index = forged.index();
    assert_eq!(names(&index), ["p0", "p1", "p2", "p3"]);
    let known = index.players.iter().find(|player| player.name == "p1").unwrap();
    assert_eq!((known.rounds_played.as_slice(), known.kills_by_round.get(&3)), ([1, 3].as_slice(), Some(&1)));
    let scene = forged.scene(3, 1).unwrap();
    assert_eq!(scene.players.len(), 4);
    assert_eq!(kill_feed(&scene), "p0>p2 p1>p3");
    assert_eq!(forged.scene(2, 0).unwrap().players.len(), 3);
}

#[test]
fn at_128_ticks_per_second_all_times_are_right() {
    let described = Match { tick_rate: 128, ..game([2, 2], vec![Stage::Round(busy(T)), Stage::Round(busy(Ct))]) };
    let forged = Forged::of(&described);
    assert_eq!(forged.index().tick_rate, 128.0);
    let scene = forged.scene(1, 0).unwrap();
    assert_eq!((scene.tick_rate, scene.end_tick - scene.freeze_end_tick), (128.0, LIVE));
    // The round's freeze time is two seconds, shorter than the clip's lead.
    assert_eq!(scene.freeze_end_tick - scene.clip_start_tick, FREEZE.min(3 * 128));
    assert_eq!(scene.kills.iter().map(|kill| kill.tick - scene.freeze_end_tick).collect::<Vec<_>>(), [32, 64]);
}

#[test]
fn round_of_ten_minutes_is_read_to_the_clips_limit() {
    let minutes = |minutes: i32| Round { live_ticks: minutes * 60 * 64, ..busy(T) };
    for (length, seconds) in [(10, 600), (12, 600), (1, 66)] {
        let scene = Forged::of(&game([2, 2], vec![Stage::Round(minutes(length))])).scene(1, 0).unwrap();
        assert_eq!(scene.clip_end_tick - scene.clip_start_tick, seconds * 64, "{length}");
        assert_eq!(scene.moments.last().unwrap().tick, scene.clip_end_tick, "{length}");
    }
}

#[test]
fn a_round_is_the_same_wherever_reading_begins_and_ends() {
    let winner = |number: usize| if number.is_multiple_of(3) { Ct } else { T };
    let bytes = play(&game([2, 2], (0..30).map(|number| Stage::Round(busy(winner(number)))).collect()));
    let (whole, packets) = without_full_packets(&bytes);
    assert!(packets > 5, "{packets} full packets in {} bytes", bytes.len());
    let (forged, whole) = (Forged::from_bytes(&bytes), Forged::from_bytes(&whole));
    let index = forged.index();
    assert_eq!(index.rounds.len(), 30);
    for number in [1, 2, 9, 17, 30] {
        let scene = whole.scene(number, 0).unwrap();
        assert!(!scene.kills.is_empty() && scene.moments.iter().any(|moment| !moment.smokes.is_empty()));
        let last = index.rounds[number as usize - 1].clip_ticks.unwrap()[1];
        for known in [
            demo::Known::default(),
            demo::Known { last_tick: Some(last), ..demo::Known::default() },
            demo::Known { ground: Some(&|_| Some(Ground::default())), last_tick: Some(last) },
            // An outdated index.
            demo::Known { last_tick: Some(100), ..demo::Known::default() },
        ] {
            let read = demo::scene(&forged.path, number, steam64(0), &known).unwrap();
            assert_eq!(told(&read), told(&scene), "round {number} with {:?}", known.last_tick);
            let stood = |player: &PlayerAt| player.at.map(|at| (at / 8.0).floor() as i32);
            let alive = read.moments.iter().flat_map(|moment| &moment.players).filter(|player| player.alive());
            let off = alive.filter(|player| {
                let [x, y, _] = stood(player);
                !(-1..=1).any(|dx| (-1..=1).any(|dy| read.ground.cells.contains_key(&(x + dx, y + dy))))
            });
            assert_eq!(off.count(), 0, "everybody stands on the ground in round {number}");
        }
    }
}

#[test]
fn in_a_players_own_recording_the_unseen_stay_where_they_were_last_seen() {
    let mut seen = busy(T);
    seen.acts = vec![
        act(32, 3, What::Hide(true)),
        act(96, 3, What::Hide(false)),
        act(150, 2, What::Hide(true)),
        act(200, 0, What::Kill(Kill { victim: 2, ..Kill::default() })),
    ];
    let forged = Forged::of(&game([2, 2], vec![Stage::Round(seen), Stage::Round(busy(Ct))]));
    let scene = forged.scene(1, 0).unwrap();
    let y = |name: &str, tick: i32| {
        let player = scene.players.iter().position(|player| player.name == name).unwrap();
        let moment = scene.moments.iter().find(|moment| moment.tick >= scene.freeze_end_tick + tick).unwrap();
        (moment.players[player].alive(), moment.players[player].at[1])
    };
    let (last, hidden, again) = (y("p3", 30), y("p3", 90), y("p3", 100));
    assert!(
        hidden.0 && (hidden.1 - last.1).abs() < 16.0 && again.1 - hidden.1 > 100.0,
        "{last:?} {hidden:?} {again:?}"
    );
    assert!(y("p2", 160).0, "unseen, not dead");
    assert!(!y("p2", 210).0, "events tell of the death of the unseen");
    assert_eq!(kill_feed(&scene), "p0>p2");
    assert_eq!(rounds(&forged.index()), "1t 2ct");
    assert_eq!(kill_feed(&forged.scene(2, 2).unwrap()), "p2>p0 p3>p1", "everybody is back in the next round");
}

/// The demo without the packets from which reading can begin, and how many there were.
fn without_full_packets(bytes: &[u8]) -> (Vec<u8>, usize) {
    const HEADER: usize = 16;
    const FULL_PACKET: u32 = 13;
    const COMPRESSED: u32 = 64;
    let mut out = bytes[..HEADER].to_vec();
    let (mut at, mut packets) = (HEADER, 0);
    while at < bytes.len() {
        let start = at;
        let mut varint = || {
            let mut value = 0_u32;
            for shift in (0..35).step_by(7) {
                let byte = bytes[at];
                at += 1;
                value |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
                if byte < 0x80 {
                    break;
                }
            }
            value
        };
        let (command, _tick, size) = (varint(), varint(), varint());
        at += size as usize;
        if command & !COMPRESSED == FULL_PACKET {
            packets += 1;
        } else {
            out.extend(&bytes[start..at]);
        }
    }
    (out, packets)
}
