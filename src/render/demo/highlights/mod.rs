//! Finds what is worth a clip in a match: aces, several kills, won clutches, opening kills. Pure: no parser, no files.
//!
//! The rules, which are written down only here:
//!
//! - A kill counts for the player who gets it on the scoreboard. Suicides, team kills and the bomb do not count.
//! - An ace is every enemy killed by one player, of at least two enemies.
//! - A clutch is won by the last player alive of a team that began the round with more, if that team wins the round. It
//!   is as large as the number of enemies who were alive when the player was left alone; nothing after the end of the
//!   round matters.
//! - The opening kill is the first kill of the round.
//! - A round of a player is a highlight if it has two kills, a clutch or the opening kill.

use std::cmp::Reverse;

use crate::render::scene::Side;

use super::people::Death;

/// Highlights per demo. A long match has about sixty.
const HIGHLIGHTS: usize = 100;
/// Fewest enemies of an ace.
const ACE: usize = 2;
/// Longest time between the first and the last of three or more kills that counts as quick, in seconds.
const QUICK_SECONDS: f32 = 10.0;

/// One round of a match.
pub(super) struct Play {
    pub number: u32,
    pub winner: Side,
    /// Tick at which the round is decided.
    pub end_tick: i32,
    /// Everyone who played, by number, and the side on which they began.
    pub sides: Vec<(usize, Side)>,
    /// All deaths until the next round, in order.
    pub deaths: Vec<Death>,
}

/// A player's round.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Highlight {
    /// The player, by number.
    pub person: usize,
    pub round: u32,
    pub kills: u32,
    /// From the first kill to the last one; 0 with fewer than two.
    pub seconds: f32,
    /// Whether the player killed every enemy.
    pub ace: bool,
    /// The number of enemies of a won clutch.
    pub clutch: Option<u32>,
    /// Whether the first kill of the round was the player's.
    pub opening: bool,
}

impl Highlight {
    /// How good it is. Each kill is worth 10, an ace 5 more, each enemy of a clutch 2 (up to five enemies), quick kills
    /// 2, the opening kill 1.
    fn score(&self) -> u32 {
        let quick = self.kills >= 3 && self.seconds <= QUICK_SECONDS;
        let clutch = 2 * self.clutch.unwrap_or(0).min(5);
        10 * self.kills + 5 * u32::from(self.ace) + clutch + 2 * u32::from(quick) + u32::from(self.opening)
    }
}

/// The best highlights of a match, best first: at most [`HIGHLIGHTS`]. Of equally good ones those with more kills come
/// first, then the quicker ones, then the earlier ones. `followed`: who can be followed, as bots cannot.
pub(super) fn highlights(rounds: &[Play], tick_rate: f32, followed: impl Fn(usize) -> bool) -> Vec<Highlight> {
    let mut found: Vec<_> = rounds.iter().flat_map(|round| round.highlights(tick_rate)).collect();
    found.retain(|highlight| followed(highlight.person));
    found.sort_by(|one, other| {
        let order = |highlight: &Highlight| (Reverse(highlight.score()), Reverse(highlight.kills));
        let quicker = one.seconds.total_cmp(&other.seconds);
        order(one).cmp(&order(other)).then(quicker).then((one.round, one.person).cmp(&(other.round, other.person)))
    });
    found.truncate(HIGHLIGHTS);
    found
}

impl Play {
    fn highlights(&self, tick_rate: f32) -> Vec<Highlight> {
        let clutch = self.clutch();
        let opener = self.deaths.iter().find_map(|death| death.killer);
        let highlight = |&(person, side): &(usize, Side)| {
            let kills: Vec<_> = self.deaths.iter().filter(|death| death.killer == Some(person)).collect();
            let ticks = kills.first().zip(kills.last()).map_or(0, |(first, last)| last.tick.saturating_sub(first.tick));
            let enemies = || self.sides.iter().filter(move |(_, other)| *other != side).map(|(enemy, _)| *enemy);
            let killed = |enemy: usize| kills.iter().any(|kill| kill.victim == Some(enemy));
            Highlight {
                person,
                round: self.number,
                kills: u32::try_from(kills.len()).unwrap_or(u32::MAX),
                seconds: ticks as f32 / tick_rate.max(1.0),
                ace: enemies().count() >= ACE && enemies().all(killed),
                clutch: clutch.filter(|(winner, _)| *winner == person).map(|(_, enemies)| enemies),
                opening: opener == Some(person),
            }
        };
        let found = self.sides.iter().map(highlight);
        found.filter(|found| found.kills >= 2 || found.clutch.is_some() || found.opening).collect()
    }

    /// Who won a clutch, against how many.
    fn clutch(&self) -> Option<(usize, u32)> {
        let mut alive = self.sides.clone();
        let winners = |alive: &[(usize, Side)]| alive.iter().filter(|(_, side)| *side == self.winner).count();
        if winners(&alive) < 2 {
            return None;
        }
        for death in self.deaths.iter().filter(|death| death.tick <= self.end_tick) {
            alive.retain(|(person, _)| Some(*person) != death.victim);
            if winners(&alive) == 1 {
                let enemies = alive.len().saturating_sub(1);
                let (last, _) = alive.iter().find(|(_, side)| *side == self.winner)?;
                return (enemies > 0).then_some((*last, u32::try_from(enemies).unwrap_or(u32::MAX)));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
