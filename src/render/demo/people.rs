//! What the first pass notes of the people in a demo: when they lived, how they died, what they used.

use crate::render::scene::Side;

use super::events::Arm;
use super::rounds::Round;

/// Ticks between two looks at who is there.
pub(super) const ROLL_CALL_TICKS: i32 = 16;

/// Somebody in the demo.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// 0 for a bot.
    pub steam64: u64,
    /// The last name seen.
    pub name: String,
    /// First and last tick at which somebody saw them on a side.
    pub seen: [i32; 2],
    /// When they lived, and on which side: from the first to the last look at them. In order.
    lives: Vec<(i32, i32, Side)>,
}

impl Person {
    /// Somebody who has not been seen yet.
    pub fn new(steam64: u64, name: String) -> Self {
        Self { steam64, name, seen: [i32::MAX, i32::MIN], lives: Vec::new() }
    }

    /// Bots have no Steam ID: they are told apart by their names.
    pub fn is(&self, steam64: u64, name: &str) -> bool {
        if steam64 == 0 { self.steam64 == 0 && self.name == name } else { self.steam64 == steam64 }
    }

    /// Whether they lived at some time in a round, freeze time included.
    pub fn lived_in(&self, round: &Round) -> bool {
        self.side_between(round.start_tick, round.end_tick).is_some()
    }

    /// The side on which they first lived in a span of ticks. Who is seen only between two looks counts too.
    pub fn side_between(&self, from: i32, to: i32) -> Option<Side> {
        let first = self.lives.partition_point(|(_, last, _)| last.saturating_add(ROLL_CALL_TICKS) <= from);
        self.lives.get(first).filter(|(first, ..)| *first <= to).map(|&(_, _, side)| side)
    }

    /// Notes that somebody was on a side at a tick.
    pub fn saw(&mut self, tick: i32, on: Side, alive: bool) {
        self.seen = [self.seen[0].min(tick), tick];
        match self.lives.last_mut() {
            _ if !alive => {}
            Some((_, last, side)) if *side == on && tick.saturating_sub(*last) <= ROLL_CALL_TICKS => *last = tick,
            _ => self.lives.push((tick, tick, on)),
        }
    }
}

/// A death, and who counts it as a kill: nobody for one's own and for a team mate's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death {
    pub tick: i32,
    /// Index into [`Survey::people`].
    pub killer: Option<usize>,
    /// Index into [`Survey::people`].
    pub victim: Option<usize>,
    /// By the victim's own hand, or by nobody's.
    pub own: bool,
}

/// A shot, a blow or a throw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub tick: i32,
    /// Whose: index into [`Survey::people`].
    pub person: Option<usize>,
    pub arm: Arm,
    /// Whether somebody died of it.
    pub kills: bool,
}

/// What happened in a span of ticks. Of what is not in order, as in a damaged demo, this may be anything.
pub(super) fn between<T>(events: &[T], tick: impl Fn(&T) -> i32, from: i32, to: i32) -> &[T] {
    let (first, end) =
        (events.partition_point(|event| tick(event) < from), events.partition_point(|event| tick(event) <= to));
    events.get(first..end).unwrap_or_default()
}
