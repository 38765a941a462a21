//! Chooses a player and a round of an indexed demo: what people ask for, and the best where they leave it open. Pure.

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::FailureCode;
use crate::domain::player::PlayerRef;

use super::failure;
use super::index::{DemoIndex, IndexedPlayer, rounds_in_words};

/// Maximum number of players named in a message.
const NAMED: usize = 32;

impl DemoIndex {
    /// The player that a person means. A name must be that of one player: exactly, or else in any case.
    ///
    /// Errors: `player_not_in_demo`, `ambiguous_player`; both list the candidates.
    pub fn player(&self, wanted: &PlayerRef) -> Result<&IndexedPlayer> {
        let name = match wanted {
            PlayerRef::Id(id) => {
                let id = id.to_string();
                return self
                    .player_with_id(&id)
                    .ok_or_else(|| self.no_such_player(&format!("Player {id} does not play in this demo.")));
            }
            PlayerRef::Name(name) => name,
        };
        let lower = name.to_lowercase();
        let exact = self.players.iter().filter(|player| player.name == *name).collect::<Vec<_>>();
        let found = if exact.is_empty() {
            self.players.iter().filter(|player| player.name.to_lowercase() == lower).collect()
        } else {
            exact
        };
        match found[..] {
            [only] => Ok(only),
            [] => Err(self.no_such_player(&format!("No player in this demo is called \"{name}\"."))),
            _ => {
                let message = format!(
                    "Several players in this demo are called \"{name}\". Give the Steam ID: {}.",
                    in_words(found.iter().copied())
                );
                Err(Error::new(Kind::Invalid, ErrorCode::AmbiguousPlayer, message))
            }
        }
    }

    /// The player with this Steam ID, in its 17 digits.
    pub fn player_with_id(&self, steam64_id: &str) -> Option<&IndexedPlayer> {
        self.players.iter().find(|player| player.steam64_id == steam64_id)
    }

    fn no_such_player(&self, sentence: &str) -> Error {
        let players = match self.players.as_slice() {
            [] => "It has no players that can be followed.".to_owned(),
            players => format!("Its players: {}.", in_words(players.iter())),
        };
        failure(FailureCode::PlayerNotInDemo, format!("{sentence} {players}"))
    }

    /// The best round of a player, the best player of a round, or the best of all: player and round. Without a
    /// highlight, the one with the most kills, the first of those in the demo.
    ///
    /// Errors: `round_not_in_demo`, `player_not_in_demo`.
    pub fn best(&self, player: Option<&IndexedPlayer>, round: Option<u32>) -> Result<(&IndexedPlayer, u32)> {
        let has = || rounds_in_words(self.rounds.iter().map(|round| round.number));
        let missing = |message| Err(failure(FailureCode::RoundNotInDemo, message));
        match round {
            _ if self.rounds.is_empty() => return missing(format!("The demo has {}.", has())),
            Some(round) if self.rounds.iter().all(|known| known.number != round) => {
                return missing(format!("The demo has {}; round {round} is not among them.", has()));
            }
            _ => {}
        }
        let asked = |candidate: &IndexedPlayer, number: u32| {
            player.is_none_or(|player| player.steam64_id == candidate.steam64_id)
                && round.is_none_or(|round| round == number)
        };
        let mut highlights = self.highlights.iter().filter_map(|highlight| {
            let player = self.player_with_id(&highlight.player)?;
            asked(player, highlight.round).then_some((player, highlight.round))
        });
        let played =
            self.players.iter().flat_map(|player| player.rounds_played.iter().map(move |round| (player, *round)));
        let played = played.filter(|(player, round)| asked(player, *round));
        let kills = |(player, round): &(&IndexedPlayer, u32)| player.kills_by_round.get(round).copied().unwrap_or(0);
        // Of equals, `max_by_key` takes the last.
        let most = || played.collect::<Vec<_>>().into_iter().rev().max_by_key(kills);
        highlights.next().or_else(most).ok_or_else(|| {
            let message = match (player, round) {
                (Some(player), Some(round)) => format!("Player \"{}\" does not play in round {round}.", player.name),
                (Some(player), None) => format!("Player \"{}\" does not play in any completed round.", player.name),
                (None, Some(round)) => format!("No player of round {round} can be followed."),
                (None, None) => "No player of this demo can be followed.".to_owned(),
            };
            failure(FailureCode::PlayerNotInDemo, message)
        })
    }
}

fn in_words<'a>(players: impl ExactSizeIterator<Item = &'a IndexedPlayer>) -> String {
    let more = players.len().saturating_sub(NAMED);
    let mut words: Vec<_> =
        players.take(NAMED).map(|player| format!("{} ({})", player.name, player.steam64_id)).collect();
    words.extend((more > 0).then(|| format!("and {more} more")));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::demo::{IndexedHighlight, IndexedRound};

    const FIRST: u64 = 76_561_198_000_000_000;

    /// Name, rounds, kills by round.
    type Played = (&'static str, &'static [u32], &'static [(u32, u32)]);

    /// A match of three rounds.
    fn index(players: &[Played], highlights: &[(u64, u32)]) -> DemoIndex {
        let player = |(id, (name, rounds, kills)): (u64, &Played)| IndexedPlayer {
            steam64_id: id.to_string(),
            name: (*name).to_owned(),
            team: None,
            rounds_played: rounds.to_vec(),
            slots_by_round: [].into(),
            kills_by_round: kills.iter().copied().collect(),
            deaths_by_round: [].into(),
        };
        let highlight = |&(player, round): &(u64, u32)| IndexedHighlight {
            player: (FIRST + player).to_string(),
            round,
            kills: 2,
            seconds: 1.0,
            ace: false,
            clutch: None,
            opening_kill: false,
        };
        DemoIndex {
            map: "de_nowhere".to_owned(),
            game_build: None,
            tick_rate: 64.0,
            last_tick: None,
            rounds: (1..=3).map(|number| IndexedRound { number, ..IndexedRound::default() }).collect(),
            players: (FIRST..).zip(players).map(player).collect(),
            highlights: highlights.iter().map(highlight).collect(),
        }
    }

    #[test]
    fn player_is_found_by_id_or_by_a_name_that_only_one_has() {
        let index = index(
            &[("ropz", &[], &[]), ("Ropz", &[], &[]), ("Élan", &[], &[]), ("twin", &[], &[]), ("twin", &[], &[])],
            &[],
        );
        for (text, found) in [
            ("76561198000000001", Ok(1)),
            ("[U:1:39734272]", Ok(0)),
            ("ropz", Ok(0)),
            ("Ropz", Ok(1)),
            ("élan", Ok(2)),
            ("ROPZ", Err("ropz (76561198000000000), Ropz (76561198000000001).")),
            ("twin", Err("twin (76561198000000003), twin (76561198000000004).")),
            ("nobody", Err("No player in this demo is called \"nobody\". Its players: ropz (76561198000000000), Ropz")),
            ("76561198000000009", Err("Player 76561198000000009 does not play in this demo. Its players: ropz (")),
        ] {
            let player = index.player(&PlayerRef::parse(text).unwrap());
            match found {
                Ok(number) => assert_eq!(player.unwrap().steam64_id, (FIRST + number).to_string(), "{text}"),
                Err(part) => assert!(player.as_ref().unwrap_err().message.contains(part), "{text}: {player:?}"),
            }
        }
    }

    #[test]
    fn best_round_is_the_best_highlight_else_the_one_with_most_kills() {
        let index = index(
            &[
                ("a", &[1, 2, 3], &[(1, 1)]),
                ("b", &[1, 2, 3], &[(2, 3), (3, 2)]),
                ("c", &[2, 3], &[(2, 1), (3, 1)]),
                ("absent", &[], &[]),
            ],
            &[(1, 2), (0, 1), (1, 3)],
        );
        let best = |player: Option<usize>, round| {
            let found = index.best(player.map(|player| &index.players[player]), round);
            found.map(|(player, round)| (player.name.as_str(), round)).map_err(|error| error.message)
        };
        let refused = |message: &str| Err(message.to_owned());
        for (player, round, expected) in [
            (None, None, Ok(("b", 2))),
            (Some(0), None, Ok(("a", 1))),
            (Some(1), Some(3), Ok(("b", 3))),
            (None, Some(1), Ok(("a", 1))),
            // No highlight: the most kills, else the first.
            (Some(2), None, Ok(("c", 2))),
            (Some(0), Some(3), Ok(("a", 3))),
            (Some(2), Some(1), refused("Player \"c\" does not play in round 1.")),
            (Some(3), None, refused("Player \"absent\" does not play in any completed round.")),
            (None, Some(4), refused("The demo has 3 rounds; round 4 is not among them.")),
        ] {
            assert_eq!(best(player, round), expected, "{player:?} {round:?}");
        }
        let none = DemoIndex { rounds: Vec::new(), ..index.clone() };
        assert_eq!(none.best(None, Some(1)).unwrap_err().message, "The demo has no completed rounds.");
    }
}
