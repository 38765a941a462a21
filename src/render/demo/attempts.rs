//! Attempts to plant and to defuse the bomb: from events, from the state of the entities, and, where a demo has
//! neither, from the result.

use crate::render::scene::{Defuse, MAX_PLAYERS, Moment, PLANT_SECONDS, Planting};

/// Maximum number of attempts of one kind per round: a player who taps the key all round long makes fewer.
const ATTEMPTS: usize = 1_000;
/// Seconds it takes to defuse: with a kit, without.
const DEFUSE_SECONDS: [f32; 2] = [5.0, 10.0];
/// Distance in map units that does not count as moving while planting or defusing.
const STILL_UNITS: f32 = 16.0;
/// Seconds by which the end of an attempt and its result may differ.
const SLACK_SECONDS: f32 = 1.0;

/// Tracks all attempts of a round. Players are the roster's numbers.
#[derive(Default)]
pub(super) struct Attempts {
    pub planting: Attempt,
    pub defusing: Attempt,
    /// Who planted, and when.
    pub planted: Option<(usize, i32)>,
    /// Who defused, and when.
    pub defused: Option<(usize, i32)>,
}

/// One kind of attempt.
#[derive(Default)]
pub(super) struct Attempt {
    now: Option<Span>,
    /// Whether the entities show the current one, and will show its end.
    shown: bool,
    over: Vec<Span>,
}

#[derive(Clone, Copy)]
struct Span {
    player: usize,
    from: i32,
    to: i32,
    seconds: Option<f32>,
}

impl Attempt {
    /// A player begins. `seconds`: how long it will take, if known.
    pub fn begin(&mut self, player: usize, tick: i32, seconds: Option<f32>) {
        match &mut self.now {
            Some(now) if now.player == player => now.seconds = seconds.or(now.seconds),
            _ => {
                self.end(tick);
                self.now = Some(Span { player, from: tick, to: tick, seconds });
            }
        }
    }

    /// Ends the current attempt.
    pub fn end(&mut self, tick: i32) {
        self.shown = false;
        if let Some(now) = self.now.take().filter(|_| self.over.len() < ATTEMPTS) {
            self.over.push(Span { to: tick, ..now });
        }
    }

    /// A player stops, if at it.
    pub fn end_of(&mut self, player: usize, tick: i32) {
        if self.now.is_some_and(|now| now.player == player) {
            self.end(tick);
        }
    }

    /// Who is at it at this tick, as the entities show.
    pub fn show(&mut self, player: Option<usize>, tick: i32, seconds: Option<f32>) {
        match player {
            Some(player) => {
                self.begin(player, tick, seconds);
                self.shown = true;
            }
            None if self.shown => self.end(tick),
            None => {}
        }
    }

    fn has_end_near(&self, tick: i32, slack: f32) -> bool {
        self.over.iter().any(|span| (span.to.saturating_sub(tick) as f32).abs() <= slack)
    }
}

impl Attempts {
    /// A player died or left.
    pub fn gone(&mut self, player: usize, tick: i32) {
        [&mut self.planting, &mut self.defusing].into_iter().for_each(|attempt| attempt.end_of(player, tick));
    }

    /// The attempts to plant and to defuse. Those inferred are entered into the moments as well.
    pub fn finish(mut self, moments: &mut [Moment], tick_rate: f32) -> (Vec<Planting>, Vec<Defuse>) {
        let (first, last) = (moments.first().map_or(0, |it| it.tick), moments.last().map_or(0, |it| it.tick));
        self.planting.end(last);
        self.defusing.end(last);
        let back = |tick: i32, seconds: f32| tick.saturating_sub((seconds * tick_rate).round() as i32).max(first);
        let slack = SLACK_SECONDS * tick_rate;
        if let Some((player, to)) = self.planted.filter(|(_, tick)| !self.planting.has_end_near(*tick, slack)) {
            self.planting.over.push(Span { player, from: back(to, PLANT_SECONDS), to, seconds: None });
        }
        if let Some((player, to)) = self.defused.filter(|(_, tick)| !self.defusing.has_end_near(*tick, slack)) {
            let seconds = inferred_seconds(moments, player, to, tick_rate);
            let from = back(to, seconds);
            for moment in moments.iter_mut().filter(|moment| (from..to).contains(&moment.tick)) {
                moment.bomb.iter_mut().for_each(|bomb| bomb.being_defused = true);
                moment.players.iter_mut().skip(player).take(1).for_each(|defuser| defuser.defusing = true);
            }
            self.defusing.over.push(Span { player, from, to, seconds: Some(seconds) });
        }
        let planting = |span: Span| Planting { player: span.player, start_tick: span.from, end_tick: span.to };
        let defuse = |span: Span| Defuse {
            player: span.player,
            start_tick: span.from,
            end_tick: span.to,
            seconds: span.seconds.unwrap_or(DEFUSE_SECONDS[1]),
        };
        (self.planting.over.into_iter().map(planting).collect(), self.defusing.over.into_iter().map(defuse).collect())
    }
}

/// Seconds a defuse takes, given the kit.
pub(super) fn defuse_seconds(kit: bool) -> f32 {
    DEFUSE_SECONDS[usize::from(!kit)]
}

/// Seconds a successful defuse took: 5 if the player had a kit or came less than 10 seconds before its end.
fn inferred_seconds(moments: &[Moment], player: usize, end: i32, tick_rate: f32) -> f32 {
    let [with_kit, without] = DEFUSE_SECONDS;
    let there = |moment: &&Moment| moment.players.get(player).is_some_and(|it| it.present);
    let mut before = moments.iter().rev().filter(|moment| moment.tick <= end).filter(there);
    let Some(last) = before.next().filter(|_| player < MAX_PLAYERS) else { return without };
    if last.players[player].kit {
        return with_kit;
    }
    let at = last.players[player].at;
    let near = |moment: &&Moment| {
        let [x, y, _] = moment.players[player].at;
        (x - at[0]).hypot(y - at[1]) <= STILL_UNITS
    };
    let since = before.take_while(near).last().map_or(end, |moment| moment.tick);
    let seconds = end.saturating_sub(since) as f32 / tick_rate;
    if seconds + SLACK_SECONDS / 4.0 >= without { without } else { with_kit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::scene::{Bomb, BombState, PlayerAt};

    const RATE: f32 = 64.0;

    /// Twenty seconds in which player 0 comes to the bomb at a tick.
    fn moments(came: i32, kit: bool) -> Vec<Moment> {
        let moment = |tick: i32| {
            let at = [if tick < came { (came - tick) as f32 * 3.0 } else { 0.0 }, 0.0, 0.0];
            let mut moment = Moment { tick, ..Moment::default() };
            moment.players[0] = PlayerAt { present: true, health: 100, at, kit, ..PlayerAt::default() };
            moment.bomb = Some(Bomb { at: [0.0; 3], state: BombState::Planted, being_defused: false });
            moment
        };
        (0..=1_280).map(moment).collect()
    }

    #[test]
    fn a_defuse_without_traces_is_inferred_from_how_long_the_player_stood_there() {
        // Ticks of the arrival, kit; seconds.
        for (came, kit, seconds) in [(900, false, 5.0), (700, false, 5.0), (600, false, 10.0), (100, true, 5.0)] {
            let mut moments = moments(came, kit);
            let attempts = Attempts { defused: Some((0, 1_280)), planted: Some((3, 500)), ..Attempts::default() };
            let (plantings, defuses) = attempts.finish(&mut moments, RATE);
            let start = 1_280 - (seconds * RATE) as i32;
            assert_eq!((plantings[0].player, plantings[0].start_tick, plantings[0].end_tick), (3, 295, 500));
            assert_eq!((defuses[0].player, defuses[0].start_tick, defuses[0].end_tick), (0, start, 1_280));
            assert_eq!(defuses[0].seconds, seconds, "{came} {kit}");
            let defusing = |tick: i32| {
                let moment = &moments[tick as usize];
                (moment.players[0].defusing, moment.bomb.unwrap().being_defused)
            };
            assert_eq!(defusing(start), (true, true));
            assert_eq!(defusing(start - 1), (false, false));
            assert_eq!(defusing(1_280), (false, false));
        }
    }

    #[test]
    fn attempts_end_with_the_flag_the_event_the_result_or_death() {
        let mut attempts = Attempts::default();
        // By event, then death.
        attempts.defusing.begin(1, 10, Some(5.0));
        attempts.defusing.show(None, 10, None);
        attempts.gone(2, 11);
        attempts.gone(1, 20);
        // By flag, then by the flag's end; the event of the same attempt adds nothing.
        attempts.defusing.show(Some(2), 30, None);
        attempts.defusing.begin(2, 31, Some(10.0));
        attempts.defusing.show(None, 40, None);
        // Another player takes over; the demo ends.
        attempts.defusing.show(Some(3), 50, Some(5.0));
        attempts.defusing.show(Some(4), 60, None);
        let mut moments = vec![Moment { tick: 70, ..Moment::default() }];
        let (plantings, defuses) = attempts.finish(&mut moments, RATE);
        assert!(plantings.is_empty());
        let found: Vec<_> =
            defuses.iter().map(|it| (it.player, it.start_tick, it.end_tick, it.seconds as i32)).collect();
        assert_eq!(found, [(1, 10, 20, 5), (2, 30, 40, 10), (3, 50, 60, 5), (4, 60, 70, 10)]);
    }
}
