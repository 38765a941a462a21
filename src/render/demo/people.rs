//! What the first pass records about the people in a demo: when they were alive, deaths, weapon use.

use crate::render::scene::Side;

use super::events::Arm;
use super::rounds::Round;

/// Ticks between samples of who is there.
pub(super) const SAMPLE_TICKS: i32 = 16;

/// Maximum number of recorded changes of a person's controller.
const RECONNECTS: usize = 1_000;

/// A person in the demo.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// 0 for a bot.
    pub steam64: u64,
    /// The last name seen.
    pub name: String,
    /// First and last tick at which they were seen on a side.
    pub seen: [i32; 2],
    /// Index of their controller, from each tick on: it changes when they reconnect.
    controllers: Vec<(i32, u32)>,
    /// When they were alive, and on which side: first and last sample of each life. In order.
    lives: Vec<(i32, i32, Side)>,
}

impl Person {
    /// Someone not seen yet.
    pub fn new(steam64: u64, name: String) -> Self {
        Self { steam64, name, seen: [i32::MAX, i32::MIN], controllers: Vec::new(), lives: Vec::new() }
    }

    /// Bots have no Steam ID and are identified by name.
    pub fn is(&self, steam64: u64, name: &str) -> bool {
        if steam64 == 0 { self.steam64 == 0 && self.name == name } else { self.steam64 == steam64 }
    }

    /// Whether they were alive at any time in a round, including freeze time.
    pub fn lived_in(&self, round: &Round) -> bool {
        self.side_between(round.start_tick, round.end_tick).is_some()
    }

    /// Their side when first alive within a range of ticks. Includes lives that began between two samples.
    pub fn side_between(&self, from: i32, to: i32) -> Option<Side> {
        let first = self.lives.partition_point(|(_, last, _)| last.saturating_add(SAMPLE_TICKS) <= from);
        self.lives.get(first).filter(|(first, ..)| *first <= to).map(|&(_, _, side)| side)
    }

    /// Index of their controller at a tick; 0 if they were not there yet.
    pub fn controller_at(&self, tick: i32) -> u32 {
        let after = self.controllers.partition_point(|(from, _)| *from <= tick);
        after.checked_sub(1).map_or(0, |last| self.controllers[last].1)
    }

    /// Records that they were on a side at a tick, with the index of their controller.
    pub fn record(&mut self, tick: i32, controller: i32, on: Side, alive: bool) {
        self.seen = [self.seen[0].min(tick), tick];
        let controller = u32::try_from(controller).unwrap_or(0);
        if self.controllers.last().is_none_or(|(_, last)| *last != controller) && self.controllers.len() < RECONNECTS {
            self.controllers.push((tick, controller));
        }
        match self.lives.last_mut() {
            _ if !alive => {}
            Some((_, last, side)) if *side == on && tick.saturating_sub(*last) <= SAMPLE_TICKS => *last = tick,
            _ => self.lives.push((tick, tick, on)),
        }
    }
}

/// A death, and who gets the kill: nobody for suicides and team kills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death {
    pub tick: i32,
    /// Index into the people of the survey.
    pub killer: Option<usize>,
    /// Index into the people of the survey.
    pub victim: Option<usize>,
    /// Suicide, or killed by nobody.
    pub own: bool,
}

/// A shot, stab, or throw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub tick: i32,
    /// The user: index into the people of the survey.
    pub person: Option<usize>,
    pub arm: Arm,
    /// Whether it killed somebody.
    pub kills: bool,
}

/// The events within a range of ticks. The result is unspecified if events are out of order, as in a damaged demo.
pub(super) fn between<T>(events: &[T], tick: impl Fn(&T) -> i32, from: i32, to: i32) -> &[T] {
    let (first, end) =
        (events.partition_point(|event| tick(event) < from), events.partition_point(|event| tick(event) <= to));
    events.get(first..end).unwrap_or_default()
}
