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
        } else if before.played.checked_add(1) == Some(rules.played) && !rules.warmup {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a match: `(ticks from here, rules)` in steps, with knives or guns used in between.
    #[derive(Default)]
    struct Match {
        tracker: RoundTracker,
        tick: i32,
        played: i64,
        warmup: bool,
    }

    impl Match {
        fn say(&mut self, ticks: i32, freeze: bool, winner: Side) -> &mut Self {
            self.tick += ticks;
            let (warmup, played, decided) = (self.warmup, self.played, winner != Side::None);
            self.tracker.observe(self.tick, Rules { warmup, freeze, played, decided, winner });
            self
        }

        fn freeze(&mut self) -> &mut Self {
            self.say(10, true, Side::None).say(100, false, Side::None)
        }

        fn win(&mut self, winner: Side) -> &mut Self {
            self.played += 1;
            self.say(1_000, false, winner)
        }

        fn round(&mut self, weapon: &str, winner: Side) -> &mut Self {
            self.freeze().tracker.weapon(weapon, true);
            self.win(winner)
        }

        /// What a restored backup or a restart does.
        fn go_back_to(&mut self, played: i64) -> &mut Self {
            self.played = played;
            self.say(10, true, Side::None).say(100, false, Side::None)
        }

        fn rounds(&mut self) -> Vec<Round> {
            std::mem::take(&mut self.tracker).finish()
        }
    }

    fn numbers(rounds: &[Round]) -> Vec<(u32, Side)> {
        rounds.iter().map(|round| (round.number, round.winner)).collect()
    }

    #[test]
    fn a_round_starts_with_its_freeze_time_and_ends_when_it_is_decided() {
        let rounds = Match::default().round("ak47", Side::T).round("awp", Side::Ct).rounds();
        assert_eq!(numbers(&rounds), [(1, Side::T), (2, Side::Ct)]);
        let [first, second] = &rounds[..] else { panic!("two rounds") };
        assert_eq!((first.start_tick, first.freeze_end_tick, first.end_tick), (10, 110, 1_110));
        assert_eq!(first.next_start_tick, Some(1_120));
        assert_eq!((second.start_tick, second.next_start_tick), (1_120, None));
        assert!(first.holds(1_119) && !first.holds(1_120) && second.holds(i32::MAX));
    }

    #[test]
    fn warm_up_is_no_round() {
        let mut game = Match { warmup: true, ..Match::default() };
        game.freeze().win(Side::T);
        (game.warmup, game.played) = (false, 0);
        assert_eq!(numbers(&game.round("ak47", Side::Ct).rounds()), [(1, Side::Ct)]);
    }

    #[test]
    fn a_knife_round_counts_neither_when_the_match_restarts_behind_it_nor_when_it_goes_on() {
        let mut goes_on = Match::default();
        goes_on.round("knife_karambit", Side::T).round("ak47", Side::Ct).round("awp", Side::T);
        assert_eq!(numbers(&goes_on.rounds()), [(1, Side::Ct), (2, Side::T)]);
        let mut restarts = Match::default();
        restarts.round("bayonet", Side::T).go_back_to(0).win(Side::Ct).round("awp", Side::T);
        assert_eq!(numbers(&restarts.rounds()), [(1, Side::Ct), (2, Side::T)]);
    }

    #[test]
    fn a_later_round_won_by_knives_alone_counts() {
        let mut game = Match::default();
        game.round("ak47", Side::T).round("knife", Side::Ct).round("awp", Side::Ct);
        assert_eq!(numbers(&game.rounds()), [(1, Side::T), (2, Side::Ct), (3, Side::Ct)]);
    }

    #[test]
    fn a_restart_takes_everything_back() {
        let mut game = Match::default();
        game.round("ak47", Side::T).round("ak47", Side::T).go_back_to(0).win(Side::Ct);
        assert_eq!(numbers(&game.rounds()), [(1, Side::Ct)]);
    }

    #[test]
    fn a_restored_backup_takes_back_what_it_undid_and_no_more() {
        let mut game = Match::default();
        for _ in 0..5 {
            game.round("ak47", Side::T);
        }
        let undone = game.tick;
        game.go_back_to(2).win(Side::Ct).round("awp", Side::Ct);
        let rounds = game.rounds();
        assert_eq!(numbers(&rounds), [(1, Side::T), (2, Side::T), (3, Side::Ct), (4, Side::Ct)]);
        assert!(rounds[2].start_tick > undone, "what was undone belongs to no round");
        assert!(!rounds[1].holds(undone), "nor to the round before");
    }

    #[test]
    fn a_round_begun_again_before_its_end_counts_from_its_last_start() {
        let mut game = Match::default();
        game.round("ak47", Side::T).freeze();
        let aborted = game.tick;
        game.round("awp", Side::Ct);
        let rounds = game.rounds();
        assert_eq!(numbers(&rounds), [(1, Side::T), (2, Side::Ct)]);
        assert!(rounds[1].start_tick > aborted && !rounds[0].holds(aborted));
    }

    #[test]
    fn overtime_goes_on_counting() {
        let mut game = Match::default();
        for _ in 0..30 {
            game.round("ak47", Side::T);
        }
        assert_eq!(game.rounds().last().map(|round| round.number), Some(30));
    }

    #[test]
    fn a_demo_that_begins_in_the_middle_of_a_match_keeps_the_match_s_numbers() {
        let mut game = Match { played: 7, ..Match::default() };
        game.round("ak47", Side::T).round("ak47", Side::Ct);
        assert_eq!(numbers(&game.rounds()), [(8, Side::T), (9, Side::Ct)]);
    }

    #[test]
    fn without_freeze_time_a_round_starts_when_the_one_before_is_over_and_done_with() {
        let mut game = Match::default();
        game.say(5, false, Side::None).win(Side::T).say(300, false, Side::None).win(Side::Ct);
        let rounds = game.rounds();
        assert_eq!(
            rounds.iter().map(|round| (round.start_tick, round.end_tick)).collect::<Vec<_>>(),
            [(5, 1_005), (1_305, 2_305)]
        );
    }
}
