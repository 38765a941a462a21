//! Tests of round detection on simulated matches.

use super::*;
use Side::{Ct, T};

/// Simulates a match step by step.
#[derive(Default)]
struct Match {
    tracker: RoundTracker,
    tick: i32,
    rules: Rules,
    /// Rounds in which only knives were used.
    knives: Vec<i32>,
}

impl Match {
    fn say(&mut self, ticks: i32) -> &mut Self {
        self.tick += ticks;
        self.tracker.observe(self.tick, self.rules);
        self
    }

    fn freeze(&mut self) -> &mut Self {
        (self.rules.decided, self.rules.winner, self.rules.freeze) = (false, Side::None, true);
        self.say(10);
        self.rules.freeze = false;
        self.say(100)
    }

    /// Decides the round: the number of rounds and the winner's score rise at the same tick.
    fn win(&mut self, winner: Side) -> &mut Self {
        self.rules.played += 1;
        match winner {
            T => self.rules.score[0] += 1,
            Ct => self.rules.score[1] += 1,
            Side::None => {}
        }
        (self.rules.decided, self.rules.winner) = (true, winner);
        self.say(1_000)
    }

    fn round(&mut self, winner: Side) -> &mut Self {
        self.freeze().win(winner)
    }

    fn knife_round(&mut self, winner: Side) -> &mut Self {
        self.round(winner);
        self.knives.push(self.tick);
        self
    }

    /// Restores a backup or restarts: sets the number and score without deciding a round.
    fn go_to(&mut self, played: i64, score: [i64; 2]) -> &mut Self {
        self.rules = Rules { played, score, ..Rules::default() };
        self.say(5)
    }

    fn found(&mut self) -> Vec<Round> {
        let knives = std::mem::take(&mut self.knives);
        std::mem::take(&mut self.tracker).finish(|round| knives.contains(&round.end_tick))
    }

    fn numbers(&mut self) -> Vec<(u32, Side)> {
        self.found().iter().map(|round| (round.number, round.winner)).collect()
    }
}

#[test]
fn round_starts_with_freeze_time_and_ends_when_decided() {
    let rounds = Match::default().round(T).round(Ct).found();
    let [first, second] = &rounds[..] else { panic!("two rounds") };
    assert_eq!((first.number, first.winner, second.number, second.winner), (1, T, 2, Ct));
    assert_eq!((first.start_tick, first.freeze_end_tick, first.end_tick), (10, 110, 1_110));
    assert_eq!(first.next_start_tick, Some(1_120));
    assert_eq!((second.start_tick, second.next_start_tick), (1_120, None));
    assert!(first.holds(1_119) && !first.holds(1_120) && second.holds(i32::MAX));
}

#[test]
fn warm_up_is_not_a_round() {
    let mut game = Match::default();
    game.rules.warmup = true;
    game.round(T);
    game.rules = Rules::default();
    assert_eq!(game.round(Ct).numbers(), [(1, Ct)]);
}

#[test]
fn warm_up_after_the_match_neither_removes_nor_adds_rounds() {
    let mut game = Match::default();
    game.round(T).round(Ct);
    let decided = game.tick;
    game.rules = Rules { warmup: true, ..Rules::default() };
    let rounds = game.say(500).round(T).found();
    assert_eq!(rounds.iter().map(|round| (round.number, round.winner)).collect::<Vec<_>>(), [(1, T), (2, Ct)]);
    assert_eq!(rounds[1].next_start_tick, Some(decided + 500));
}

#[test]
fn knife_round_does_not_count_with_or_without_a_restart_after_it() {
    assert_eq!(Match::default().knife_round(T).round(Ct).round(T).numbers(), [(1, Ct), (2, T)]);
    let mut restarts = Match::default();
    assert_eq!(restarts.knife_round(T).go_to(0, [0, 0]).round(Ct).round(T).numbers(), [(1, Ct), (2, T)]);
}

#[test]
fn later_round_won_with_knives_counts_even_if_first_in_the_demo() {
    assert_eq!(Match::default().round(T).knife_round(Ct).round(Ct).numbers(), [(1, T), (2, Ct), (3, Ct)]);
    let mut late = Match { rules: Rules { played: 7, ..Rules::default() }, ..Match::default() };
    assert_eq!(late.knife_round(T).round(Ct).numbers(), [(8, T), (9, Ct)]);
}

#[test]
fn final_path_of_a_match_counts_after_any_backups() {
    /// A round played, by winner; or a jump to a number and score.
    enum Step {
        Won(Side),
        To(i64, [i64; 2]),
    }
    use Step::{To, Won};
    let restart = || To(0, [0, 0]);
    /// Name, steps, and the rounds that remain with their winners.
    type Case = (&'static str, Vec<Step>, &'static [(u32, Side)]);
    let cases: [Case; 14] = [
        ("a restart", vec![Won(T), Won(T), restart(), Won(Ct)], &[(1, Ct)]),
        ("a restart, and nothing after it", vec![Won(T), Won(T), restart()], &[]),
        ("one round undone", vec![Won(T), Won(T), To(1, [1, 0]), Won(Ct)], &[(1, T), (2, Ct)]),
        (
            "three rounds undone",
            vec![Won(T), Won(T), Won(T), Won(T), Won(T), To(2, [2, 0]), Won(Ct), Won(Ct)],
            &[(1, T), (2, T), (3, Ct), (4, Ct)],
        ),
        (
            "the wrong backup first, then the right one",
            vec![Won(T), Won(Ct), Won(T), To(1, [1, 0]), To(2, [1, 1]), Won(Ct)],
            &[(1, T), (2, Ct), (3, Ct)],
        ),
        (
            "the same where the score is not restored with the count",
            vec![Won(T), Won(Ct), Won(T), To(1, [1, 0]), To(2, [1, 0]), Won(Ct)],
            &[(1, T), (2, Ct), (3, Ct)],
        ),
        (
            "two rounds back and two forward",
            vec![Won(T), Won(Ct), Won(T), To(1, [1, 0]), To(3, [2, 1]), Won(Ct)],
            &[(1, T), (2, Ct), (3, T), (4, Ct)],
        ),
        (
            "back to no rounds and forward again",
            vec![Won(T), Won(Ct), restart(), To(2, [1, 1]), Won(T)],
            &[(1, T), (2, Ct), (3, T)],
        ),
        (
            "forward and back twice",
            vec![Won(T), Won(T), To(0, [0, 0]), To(1, [1, 0]), To(0, [0, 0]), To(2, [2, 0]), Won(Ct)],
            &[(1, T), (2, T), (3, Ct)],
        ),
        (
            "back to the first path after a round on another",
            vec![Won(T), Won(T), To(1, [1, 0]), Won(Ct), To(2, [2, 0]), Won(Ct)],
            &[(1, T), (2, T), (3, Ct)],
        ),
        (
            "and to the other path",
            vec![Won(T), Won(T), To(1, [1, 0]), Won(Ct), To(2, [1, 1]), Won(Ct)],
            &[(1, T), (2, Ct), (3, Ct)],
        ),
        ("a backup from before the recording", vec![To(1, [0, 1]), Won(Ct)], &[(2, Ct)]),
        ("a backup from far ahead, whose rounds are not in the demo", vec![Won(T), To(5, [3, 2]), Won(Ct)], &[(6, Ct)]),
        (
            "a backup with the same number of rounds, but other rounds",
            vec![Won(T), Won(T), restart(), To(2, [1, 1]), Won(Ct)],
            &[(3, Ct)],
        ),
    ];
    for (what, steps, expected) in cases {
        let mut game = Match::default();
        game.say(5);
        for step in steps {
            match step {
                Won(winner) => game.round(winner),
                To(played, score) => game.go_to(played, score),
            };
        }
        let ends = game.tick;
        let rounds = game.found();
        let found: Vec<_> = rounds.iter().map(|round| (round.number, round.winner)).collect();
        assert_eq!(found, expected, "{what}");
        for round in &rounds {
            assert_eq!(round.end_tick - round.freeze_end_tick, 1_000, "{what}: round {}", round.number);
            assert_eq!(round.freeze_end_tick - round.start_tick, 100, "{what}: round {}", round.number);
            assert!(round.end_tick <= ends);
        }
        assert!(rounds.windows(2).all(|pair| pair[0].next_start_tick.unwrap() <= pair[1].start_tick), "{what}");
    }
}

#[test]
fn swapped_sides_keep_their_score() {
    let mut game = Match::default();
    game.round(T).round(T).round(Ct);
    game.rules.score.reverse();
    game.go_to(1, [0, 1]).go_to(3, [1, 2]);
    assert_eq!(game.round(Ct).numbers(), [(1, T), (2, T), (3, Ct), (4, Ct)]);
}

#[test]
fn backup_loaded_while_the_previous_winner_is_shown_makes_no_round() {
    let mut game = Match::default();
    game.round(T).round(Ct).round(T);
    for (played, score) in [(1, [1, 0]), (2, [1, 1])] {
        (game.rules.played, game.rules.score) = (played, score);
        game.say(5);
    }
    assert_eq!(game.round(Ct).numbers(), [(1, T), (2, Ct), (3, Ct)]);
}

#[test]
fn round_without_a_winner_has_no_number() {
    assert_eq!(Match::default().round(T).round(Side::None).round(Ct).numbers(), [(1, T), (2, Ct)]);
}

#[test]
fn undone_ticks_belong_to_no_round() {
    let mut game = Match::default();
    game.round(T).round(T).round(T);
    let undone = game.tick;
    let rounds = game.go_to(2, [2, 0]).round(Ct).found();
    assert!(rounds[2].start_tick > undone && !rounds[1].holds(undone));
}

#[test]
fn restarted_round_begins_at_its_last_start() {
    let mut game = Match::default();
    game.round(T).freeze();
    let aborted = game.tick;
    let rounds = game.round(Ct).found();
    assert_eq!(rounds.len(), 2);
    assert!(rounds[1].start_tick > aborted && !rounds[0].holds(aborted));
}

#[test]
fn overtime_continues_the_numbering() {
    let mut game = Match::default();
    for _ in 0..30 {
        game.round(T);
    }
    assert_eq!(game.numbers().last(), Some(&(30, T)));
}

#[test]
fn demo_that_begins_mid_match_keeps_the_match_numbering() {
    let mut game = Match { rules: Rules { played: 7, ..Rules::default() }, ..Match::default() };
    assert_eq!(game.round(T).round(Ct).numbers(), [(8, T), (9, Ct)]);
}

#[test]
fn number_that_rises_only_at_the_next_start_counts_the_same() {
    let mut game = Match::default();
    for winner in [T, Ct] {
        game.freeze();
        (game.rules.decided, game.rules.winner) = (true, winner);
        game.say(1_000);
        game.rules = Rules { played: game.rules.played + 1, freeze: true, ..Rules::default() };
        game.say(300);
    }
    let rounds = game.found();
    assert_eq!(rounds.iter().map(|round| round.end_tick - round.freeze_end_tick).collect::<Vec<_>>(), [1_000; 2]);
    assert_eq!(rounds.iter().map(|round| (round.number, round.winner)).collect::<Vec<_>>(), [(1, T), (2, Ct)]);
}

#[test]
fn without_freeze_time_a_round_starts_when_the_previous_one_ends() {
    let mut game = Match::default();
    game.say(5).win(T);
    (game.rules.decided, game.rules.winner) = (false, Side::None);
    let rounds = game.say(300).win(Ct).found();
    let spans: Vec<_> = rounds.iter().map(|round| (round.start_tick, round.end_tick)).collect();
    assert_eq!(spans, [(5, 1_005), (1_305, 2_305)]);
}
