//! Rounds from what the game rules say, tick by tick. Newer demos have no events for a round's start and end.
//!
//! A round counts on the final line of the match only: a restart or a restored backup takes back what it undid.
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

struct Completed {
    /// Rounds played after it, as the rules count.
    played: i64,
    knife: bool,
    round: Round,
}

/// Follows the game rules through a demo.
#[derive(Default)]
pub(super) struct RoundTracker {
    completed: Vec<Completed>,
    before: Option<Rules>,
    start_tick: Option<i32>,
    freeze_end_tick: Option<i32>,
    knife_kills: u32,
    guns: u32,
}

impl RoundTracker {
    /// Takes the rules at a tick. Ticks come in order.
    pub fn observe(&mut self, tick: i32, rules: Rules) {
        let before = self.before.unwrap_or(Rules { played: rules.played, ..Rules::default() });
        let taken_back = rules.played < before.played;
        if taken_back {
            self.completed.retain(|completed| completed.played <= rules.played);
        } else if rules.played == before.played + 1 && !rules.warmup {
            self.complete(tick, rules);
        }
        // The deciding round and the freeze after the match may come at the same tick: first the end, then the start.
        let froze = rules.freeze && !before.freeze;
        let undecided = before.decided && !rules.decided;
        if !rules.warmup && (froze || undecided || taken_back || self.before.is_none_or(|before| before.warmup)) {
            self.start(tick);
        }
        if !rules.freeze && before.freeze {
            self.freeze_end_tick = Some(tick);
        }
        self.before = Some(rules);
    }

    /// Takes note of a weapon: a knife round is told from others by what is not used in it.
    pub fn weapon(&mut self, name: &str, kills: bool) {
        let knife = name.contains("knife") || name.contains("bayonet");
        if knife && kills {
            self.knife_kills += 1;
        } else if !knife && !matches!(name, "" | "world" | "planted_c4" | "worldspawn") {
            self.guns += 1;
        }
    }

    /// The rounds that count, in order.
    pub fn finish(self) -> Vec<Round> {
        let mut knives = 0;
        let mut rounds = Vec::new();
        for mut completed in self.completed {
            // A knife round comes before all others; later on, a round won by knives alone is a round like any.
            if completed.knife && rounds.is_empty() {
                knives += 1;
                continue;
            }
            completed.round.number = u32::try_from(completed.played - knives).unwrap_or(0);
            rounds.push(completed.round);
        }
        rounds
    }

    fn start(&mut self, tick: i32) {
        if let Some(last) = self.completed.last_mut() {
            last.round.next_start_tick.get_or_insert(tick);
        }
        self.start_tick = Some(tick);
        self.freeze_end_tick = None;
        (self.knife_kills, self.guns) = (0, 0);
    }

    fn complete(&mut self, tick: i32, rules: Rules) {
        let start_tick = self.start_tick.take().unwrap_or(tick);
        self.completed.push(Completed {
            played: rules.played,
            knife: self.knife_kills > 0 && self.guns == 0,
            round: Round {
                number: 0,
                start_tick,
                freeze_end_tick: self.freeze_end_tick.take().unwrap_or(start_tick),
                end_tick: tick,
                next_start_tick: None,
                winner: rules.winner,
            },
        });
    }
}
