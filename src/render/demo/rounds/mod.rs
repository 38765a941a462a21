//! Finds rounds from the game rules, tick by tick: newer demos have no events for the start and end of a round.
//!
//! A round counts once it is decided: it has a winner, and the number of rounds played rises by one with it. Any
//! other change of that number is a restart or a restored backup, after which the match continues from some earlier
//! state, with a lower or higher number. Only rounds on the path to the final state of the match count. Numbering
//! skips warm-up and knife rounds and continues in overtime. Pure: no parser, no files.

use crate::render::scene::Side;

/// The game rules at one tick.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    pub warmup: bool,
    pub freeze: bool,
    /// Rounds played, including the knife round.
    pub played: i64,
    /// Whether the round is decided: from its end to the start of the next.
    pub decided: bool,
    /// The winner, once decided.
    pub winner: Side,
    /// The game's number for how it was won, once decided.
    pub reason: i64,
    /// Rounds won by the two teams, in any order: teams change sides.
    pub score: [i64; 2],
}

/// One completed round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// Round number.
    pub number: u32,
    /// Start of freeze time.
    pub start_tick: i32,
    /// End of freeze time.
    pub freeze_end_tick: i32,
    /// Tick at which the round is decided.
    pub end_tick: i32,
    /// Start of the next round, if there is one.
    pub next_start_tick: Option<i32>,
    /// Who won.
    pub winner: Side,
    /// The game's number for how it was won; 0 if the demo does not say.
    pub reason: i64,
}

impl Round {
    /// Whether a tick belongs to the round.
    pub fn holds(&self, tick: i32) -> bool {
        tick >= self.start_tick && self.next_start_tick.is_none_or(|next| tick < next)
    }
}

/// Maximum number of rounds per demo, including undone ones; far more than any match has.
const DECIDED: usize = 4_096;

/// Maximum number of knife rounds at the beginning of a match.
const KNIFE_ROUNDS: i64 = 4;

/// A decided round, whether or not it still counts.
struct Decided {
    /// Rounds played after it, according to the rules.
    played: i64,
    /// The preceding round on its path, as an index into [`RoundTracker::decided`].
    previous: Option<usize>,
    /// The score after it, if consistent with the number of rounds.
    score: Option<[i64; 2]>,
    round: Round,
}

/// How a round was decided.
#[derive(Clone, Copy)]
struct Decision {
    tick: i32,
    winner: Side,
    reason: i64,
}

/// Tracks the game rules through a demo.
#[derive(Default)]
pub(super) struct RoundTracker {
    /// All decided rounds, in order. Undone rounds stay: another backup may restore them.
    decided: Vec<Decided>,
    /// The round after which the match currently stands, if it is in this demo.
    last: Option<usize>,
    /// The rules at the last tick outside warm-up.
    before: Option<Rules>,
    warmup: bool,
    start_tick: Option<i32>,
    freeze_end_tick: Option<i32>,
    /// The decision of this round, until the number of rounds rises.
    decision: Option<Decision>,
}

impl RoundTracker {
    /// Processes the rules at a tick. Ticks must come in order.
    pub fn observe(&mut self, tick: i32, rules: Rules) {
        if rules.warmup {
            // The number is meaningless in warm-up: after a match it drops to 0, and the match still counts.
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
            self.decision = Some(Decision { tick, winner: rules.winner, reason: rules.reason });
        }
        if rules.decided && before.played == rules.played && self.start_tick.is_none() {
            self.follow_score(&rules);
        }
        let mut moved = false;
        match self.decision {
            Some(decision) if before.played.checked_add(1) == Some(rules.played) => self.complete(decision, &rules),
            _ if before.played != rules.played || self.contradicts(&rules) => {
                self.restore(&rules);
                moved = true;
            }
            _ => {}
        }
        // The last round's end and the freeze after the match may come at the same tick: handle the end first.
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

    /// The rounds that count, in order. `knives` detects knife rounds; it is called only for rounds at the beginning.
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
            // Knife rounds precede all others; a later round won with knives alone is a normal round.
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

    /// Ends the period that belongs to the last decided round.
    fn close(&mut self, tick: i32) {
        if let Some(last) = self.decided.last_mut() {
            last.round.next_start_tick.get_or_insert(tick);
        }
    }

    fn complete(&mut self, decision: Decision, rules: &Rules) {
        if self.decided.len() == DECIDED {
            return;
        }
        let start_tick = self.start_tick.take().unwrap_or(decision.tick);
        self.decision = None;
        self.decided.push(Decided {
            played: rules.played,
            previous: self.last,
            score: agreeing(rules),
            round: Round {
                number: 0,
                start_tick,
                freeze_end_tick: self.freeze_end_tick.take().unwrap_or(start_tick),
                end_tick: decision.tick,
                next_start_tick: None,
                winner: decision.winner,
                reason: decision.reason,
            },
        });
        self.last = Some(self.decided.len() - 1);
    }

    /// The score may be updated some ticks after the decision.
    fn follow_score(&mut self, rules: &Rules) {
        if let Some(last) = self.decided.last_mut() {
            last.score = agreeing(rules).or(last.score);
        }
    }

    /// Whether the score contradicts the current state of the match: then a backup with the same number of rounds was
    /// loaded.
    fn contradicts(&self, rules: &Rules) -> bool {
        let stands = self.last.and_then(|last| self.decided.get(last)).and_then(|last| last.score);
        stands.zip(agreeing(rules)).is_some_and(|(stands, now)| stands != now)
    }

    /// Moves to another state of the match: the latest one with this number of rounds and this score. If there is
    /// none, the preceding rounds are not in this demo, and nothing before counts.
    fn restore(&mut self, rules: &Rules) {
        let score = agreeing(rules);
        let counted = |decided: &Decided| decided.played == rules.played;
        let same = |decided: &Decided| counted(decided) && score.is_some() && decided.score == score;
        let unknown = |decided: &Decided| counted(decided) && (score.is_none() || decided.score.is_none());
        self.last = self.decided.iter().rposition(same).or_else(|| self.decided.iter().rposition(unknown));
    }
}

/// The score in a fixed order, if it adds up to the number of rounds. If it does not, the demo was cut or the server
/// counts differently, and the score says nothing about which rounds were played.
fn agreeing(rules: &Rules) -> Option<[i64; 2]> {
    let [one, other] = rules.score;
    (one.checked_add(other) == Some(rules.played)).then(|| [one.min(other), one.max(other)])
}

#[cfg(test)]
mod tests;
