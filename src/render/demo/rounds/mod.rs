//! Rounds from what the game rules say, tick by tick. Newer demos have no events for a round's start and end.
//!
//! A round is one that was decided: it has a winner, and the count of rounds played rose by one with the decision. Any
//! other change of the count is a restart or a restored backup: the match then stands where it stood after some earlier
//! round, whether the count falls or rises. Only rounds on the line that leads to where the match stands at the end count.
//! "Round N" is the N-th that is neither warm-up nor knife; overtime goes on counting. Pure: no parser, no files.

use crate::render::scene::Side;

/// What the game rules say at one tick.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    pub warmup: bool,
    pub freeze: bool,
    /// Rounds played, knife round included.
    pub played: i64,
    /// Whether the round is decided: from its end to the next one's start.
    pub decided: bool,
    /// Who won, once decided.
    pub winner: Side,
    /// Rounds won by the two teams, in any order: teams change sides.
    pub score: [i64; 2],
}

/// One completed round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// N.
    pub number: u32,
    /// Where freeze time begins.
    pub start_tick: i32,
    /// Where freeze time ends.
    pub freeze_end_tick: i32,
    /// Where the round is decided.
    pub end_tick: i32,
    /// Where the next one starts, if one does.
    pub next_start_tick: Option<i32>,
    /// Who won.
    pub winner: Side,
}

impl Round {
    /// Whether what happens at this tick belongs to the round.
    pub fn holds(&self, tick: i32) -> bool {
        tick >= self.start_tick && self.next_start_tick.is_none_or(|next| tick < next)
    }
}

/// Rounds that are kept of one demo, undone ones included. A match of a thousand does not exist.
const DECIDED: usize = 4_096;

/// Rounds at a match's beginning that may be knife rounds.
const KNIFE_ROUNDS: i64 = 4;

/// A round that was decided, whether or not it still counts.
struct Decided {
    /// Rounds played after it, as the rules count.
    played: i64,
    /// The round before it on its line, as an index into [`RoundTracker::decided`].
    previous: Option<usize>,
    /// The score after it, if that agrees with the count.
    score: Option<[i64; 2]>,
    round: Round,
}

/// Follows the game rules through a demo.
#[derive(Default)]
pub(super) struct RoundTracker {
    /// Everything that was decided, in order. What a backup takes back stays here: a later one may bring it back.
    decided: Vec<Decided>,
    /// The round after which the match stands, if it is in this demo.
    last: Option<usize>,
    /// The rules at the last tick outside of warm-up.
    before: Option<Rules>,
    warmup: bool,
    start_tick: Option<i32>,
    freeze_end_tick: Option<i32>,
    /// Tick and winner of a decision since the round's start, until the count rises with it.
    decision: Option<(i32, Side)>,
}

impl RoundTracker {
    /// Takes the rules at a tick. Ticks come in order.
    pub fn observe(&mut self, tick: i32, rules: Rules) {
        if rules.warmup {
            // The count in a warm-up says nothing: behind a match it falls to 0, and the match still counts.
            self.warmup = true;
            self.close(tick);
            return;
        }
        let entered = std::mem::take(&mut self.warmup) || self.before.is_none();
        let mut before = self.before.unwrap_or(rules);
        if entered {
            before = Rules { freeze: false, decided: rules.decided, ..before };
            self.decision = None;
        }
        if rules.decided && !before.decided {
            self.decision = Some((tick, rules.winner));
        }
        if rules.decided && before.played == rules.played && self.start_tick.is_none() {
            self.follow_score(&rules);
        }
        let mut moved = false;
        match self.decision {
            Some(decision) if before.played.checked_add(1) == Some(rules.played) => self.complete(decision, &rules),
            _ if before.played != rules.played || self.contradicts(&rules) => {
                self.stand(&rules);
                moved = true;
            }
            _ => {}
        }
        // The deciding round and the freeze after the match may come at the same tick: first the end, then the start.
        let froze = rules.freeze && !before.freeze;
        let undecided = before.decided && !rules.decided;
        if entered || froze || undecided || moved {
            self.start(tick);
        }
        if !rules.freeze && before.freeze {
            self.freeze_end_tick = Some(tick);
        }
        self.before = Some(rules);
    }

    /// The rounds that count, in order. `knives` tells a knife round: it is asked about rounds at a match's beginning only.
    pub fn finish(mut self, mut knives: impl FnMut(&Round) -> bool) -> Vec<Round> {
        let mut line = Vec::new();
        let mut at = self.last;
        while let Some(decided) = at.and_then(|index| self.decided.get_mut(index)) {
            line.push((decided.played, decided.round.clone()));
            at = decided.previous;
        }
        let mut left_out = 0;
        let mut rounds = Vec::new();
        for (played, mut round) in line.into_iter().rev() {
            // A knife round comes before all others; later on, a round won by knives alone is a round like any.
            let first = rounds.is_empty() && left_out < KNIFE_ROUNDS && played - left_out == 1;
            if round.winner == Side::None || (first && knives(&round)) {
                left_out += 1;
                continue;
            }
            round.number = u32::try_from(played - left_out).unwrap_or(0);
            rounds.push(round);
        }
        rounds
    }

    fn start(&mut self, tick: i32) {
        self.close(tick);
        self.start_tick = Some(tick);
        self.freeze_end_tick = None;
        self.decision = None;
    }

    /// Nothing that happens from here on belongs to the round that was decided last.
    fn close(&mut self, tick: i32) {
        if let Some(last) = self.decided.last_mut() {
            last.round.next_start_tick.get_or_insert(tick);
        }
    }

    fn complete(&mut self, (end_tick, winner): (i32, Side), rules: &Rules) {
        if self.decided.len() == DECIDED {
            return;
        }
        let start_tick = self.start_tick.take().unwrap_or(end_tick);
        self.decision = None;
        self.decided.push(Decided {
            played: rules.played,
            previous: self.last,
            score: agreeing(rules),
            round: Round {
                number: 0,
                start_tick,
                freeze_end_tick: self.freeze_end_tick.take().unwrap_or(start_tick),
                end_tick,
                next_start_tick: None,
                winner,
            },
        });
        self.last = Some(self.decided.len() - 1);
    }

    /// The score may come some ticks after the decision.
    fn follow_score(&mut self, rules: &Rules) {
        if let Some(last) = self.decided.last_mut() {
            last.score = agreeing(rules).or(last.score);
        }
    }

    /// Whether the score is another than after the round that the match is thought to stand after: a backup with as many
    /// rounds was loaded.
    fn contradicts(&self, rules: &Rules) -> bool {
        let stands = self.last.and_then(|last| self.decided.get(last)).and_then(|last| last.score);
        stands.zip(agreeing(rules)).is_some_and(|(stands, now)| stands != now)
    }

    /// The match stands after another round than before: the latest one with this count and this score. If there is
    /// none, then what the match stands on is not in this demo, and nothing before it counts.
    fn stand(&mut self, rules: &Rules) {
        let score = agreeing(rules);
        let counted = |decided: &Decided| decided.played == rules.played;
        let same = |decided: &Decided| counted(decided) && score.is_some() && decided.score == score;
        let unknown = |decided: &Decided| counted(decided) && (score.is_none() || decided.score.is_none());
        self.last = self.decided.iter().rposition(same).or_else(|| self.decided.iter().rposition(unknown));
    }
}

/// The score in a fixed order, if it agrees with the count: where it does not, a demo was cut or the server counts its
/// own way, and it says nothing about which rounds were played.
fn agreeing(rules: &Rules) -> Option<[i64; 2]> {
    let [one, other] = rules.score;
    (one.checked_add(other) == Some(rules.played)).then(|| [one.min(other), one.max(other)])
}

#[cfg(test)]
mod tests;
