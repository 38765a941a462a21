//! Uploaded demos with their indexes.

use std::fs::OpenOptions;

use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::store::{DataDir, open_private};
use rusqlite::params;
use serde_json::json;

use crate::accounts::Account;
use crate::nodes::GAME_BUILD;
use crate::store::{DAY, HOUR, Seed};
use crate::words::{MAPS, PLAYERS};

/// Uploaded demos of each account that uploads any.
const DEMOS: i64 = 12;
/// Every so many accounts, one only submits URLs.
const WITHOUT_UPLOADS: usize = 3;
/// The smallest Steam ID of a seeded player.
const FIRST_PLAYER: i64 = 76_561_198_000_000_000;
/// Players of a demo.
const TEAM: usize = 10;

/// An indexed demo.
pub struct Demo {
    pub account: i64,
    pub sha256: Sha256,
    /// Steam IDs.
    pub players: Vec<i64>,
    pub rounds: i64,
}

/// The Steam ID of a player in [`PLAYERS`], or of anyone else.
pub fn steam_id(number: usize) -> i64 {
    FIRST_PLAYER + number as i64 * 7_919
}

/// Creates them. Their files are as large as real ones, but have holes instead of bytes.
pub fn create(seed: &mut Seed, accounts: &[Account]) -> Vec<Demo> {
    let mut demos = Vec::new();
    for (at, account) in accounts.iter().enumerate() {
        if at % WITHOUT_UPLOADS == WITHOUT_UPLOADS - 1 || account.status == "inactive" {
            continue;
        }
        for number in 0..DEMOS {
            let sha256 = Sha256(seed.rng.bytes());
            let uploaded = seed.now - seed.rng.between(2, 28 * 24) * HOUR;
            let bytes = seed.rng.between(180_000_000, 420_000_000);
            let used = seed.rng.percent(90).then_some(uploaded + HOUR);
            seed.insert(
                "INSERT INTO demos (account, sha256, bytes, uploaded_at_ms, used_at_ms) VALUES (?, ?, ?, ?, ?)",
                params![account.id, sha256.0, bytes, uploaded, used],
            );
            let path = DataDir::at(&seed.dir).demo(&sha256);
            let file = open_private(OpenOptions::new().write(true).create(true), &path).unwrap();
            file.set_len(bytes.cast_unsigned()).unwrap();
            if number == DEMOS - 1 && at % 2 == 0 {
                failed(seed, &sha256, uploaded);
            } else {
                demos.push(indexed(seed, account.id, sha256, uploaded));
            }
        }
    }
    demos
}

fn failed(seed: &mut Seed, sha256: &Sha256, uploaded: i64) {
    seed.insert(
        "INSERT INTO demo_indexes (sha256, state, since_ms, failure_code, failure_message) VALUES (?, 'failed', ?, ?, ?)",
        params![
            sha256.0,
            uploaded + 9_000,
            "demo_unsupported",
            "The demo is from a game mode without rounds: deathmatch on de_<i>x</i>."
        ],
    );
}

fn indexed(seed: &mut Seed, account: i64, sha256: Sha256, uploaded: i64) -> Demo {
    let (names, maps) = (seed.wanted(&PLAYERS), seed.wanted(&MAPS));
    let rng = &mut seed.rng;
    let mut numbers: Vec<usize> = (0..names.len()).collect();
    rng.shuffle(&mut numbers);
    numbers.truncate(TEAM);
    let rounds = rng.between(16, 30);
    let players: Vec<i64> = numbers.iter().map(|number| steam_id(*number)).collect();
    let everyone: Vec<_> = numbers
        .iter()
        .enumerate()
        .map(|(at, number)| {
            let kills: serde_json::Map<_, _> =
                (1..=rounds).filter(|_| rng.percent(60)).map(|round| (round.to_string(), json!(1))).collect();
            json!({"steam64_id": steam_id(*number).to_string(), "name": names[*number],
                   "team": if at < TEAM / 2 { "Team <1>" } else { "Team 2" },
                   "rounds_played": (1..=rounds).collect::<Vec<_>>(), "kills_by_round": kills})
        })
        .collect();
    let each: Vec<_> = (1..=rounds)
        .map(|number| {
            let start = number * 7_000;
            let kill =
                json!({"tick": start + 2_000, "attacker": players[0].to_string(), "victim": players[5].to_string()});
            json!({"number": number, "start_tick": start, "end_tick": start + 6_000,
                   "clip_ticks": [start + 800, start + 6_192], "winner": if number % 2 == 0 { "ct" } else { "t" },
                   "reason": "elimination", "kills": [kill]})
        })
        .collect();
    let best = json!({"player": players[0].to_string(), "round": 2, "kills": 5, "seconds": 8.5, "ace": true,
                      "clutch": null, "opening_kill": true});
    let index = json!({"map": rng.pick(&maps), "game_build": GAME_BUILD, "tick_rate": 64.0, "last_tick": rounds * 7_000,
                       "rounds": each, "players": everyone, "highlights": [best]});
    let index = index.to_string();
    seed.insert(
        "INSERT INTO demo_indexes (sha256, state, since_ms, content) VALUES (?, 'indexed', ?, ?)",
        params![sha256.0, (uploaded + 11_000).min(seed.now - DAY / 24), index],
    );
    Demo { account, sha256, players, rounds }
}
