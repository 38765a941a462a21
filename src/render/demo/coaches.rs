//! Detects coaches, who join a side to talk to their team and are killed by a plugin when freeze time ends.
//!
//! A coach commits "suicide" around the end of freeze time and neither shoots nor moves in that round. Someone killed
//! like that who never actually plays is a coach also in rounds where the plugin left them alive.

use std::collections::HashSet;

use awpy::Context;

use super::container::Container;
use super::keys::{CONTROLLER, CONTROLLERS, ControllerKeys, PAWN, PawnKeys};
use super::people::{Death, Person, Use, between};
use super::rounds::Round;

/// Seconds after the end of freeze time within which coaches are killed.
const LATE_SECONDS: f32 = 3.0;
/// Distance in map units that does not count as moving: players get pushed or settle on the ground.
const STILL_UNITS: f32 = 48.0;
/// Ticks between movement checks.
const LOOK_TICKS: i32 = 4;

/// Results of the first pass.
pub(super) struct Seen<'a> {
    pub tick_rate: f32,
    pub rounds: &'a [Round],
    pub people: &'a [Person],
    pub deaths: &'a [Death],
    pub uses: &'a [Use],
}

/// Someone without any action in a round, as far as events tell.
struct Idle<'a> {
    person: usize,
    round: &'a Round,
    sent_off: bool,
    at: Option<[f32; 3]>,
    moved: bool,
}

/// Who coached in which round: index of the person and round number. If nobody died the way coaches do, this does not
/// read the demo.
pub(super) fn coaches(demo: &Container, seen: &Seen<'_>) -> HashSet<(usize, u32)> {
    let own = seen.deaths.iter().filter(|death| death.own);
    let suspects: HashSet<usize> = own.filter_map(|death| seen.sent_off(death)).collect();
    if suspects.is_empty() {
        return HashSet::new();
    }
    let (mut idle, mut active) = (Vec::new(), HashSet::new());
    for person in suspects {
        for round in seen.rounds.iter().filter(|round| seen.people[person].lived_in(round)) {
            match seen.idle(person, round) {
                Some(found) => idle.push(found),
                None => drop(active.insert(person)),
            }
        }
    }
    watch(demo, seen.people, &mut idle);
    active.extend(idle.iter().filter(|idle| idle.moved).map(|idle| idle.person));
    let still = idle.iter().filter(|idle| !idle.moved);
    let sent_off: HashSet<usize> = still.clone().filter(|idle| idle.sent_off).map(|idle| idle.person).collect();
    let coach = |idle: &&Idle<'_>| idle.sent_off || (sent_off.contains(&idle.person) && !active.contains(&idle.person));
    still.filter(coach).map(|idle| (idle.person, idle.round.number)).collect()
}

impl<'a> Seen<'a> {
    /// The victim, if the death looks like a coach being killed.
    fn sent_off(&self, death: &Death) -> Option<usize> {
        let round = self.rounds.iter().rev().find(|round| round.holds(death.tick))?;
        let person = death.victim?;
        self.idle(person, round).filter(|idle| idle.sent_off).map(|_| person)
    }

    /// `None` for anyone who fired, killed, or was killed by somebody else.
    fn idle(&self, person: usize, round: &'a Round) -> Option<Idle<'a>> {
        let (from, to) = (round.start_tick, round.end_tick);
        let deaths = || between(self.deaths, |death| death.tick, from, to).iter();
        if deaths().any(|death| death.killer == Some(person) || (death.victim == Some(person) && !death.own)) {
            return None;
        }
        let died = deaths().find(|death| death.victim == Some(person)).map(|death| death.tick);
        let mut uses = between(self.uses, |used| used.tick, from, to).iter();
        if uses.any(|used| used.person == Some(person) && Some(used.tick) != died) {
            return None;
        }
        let late = (LATE_SECONDS * self.tick_rate) as i32;
        let sent_off = died.is_some_and(|tick| tick <= round.freeze_end_tick.saturating_add(late));
        Some(Idle { person, round, sent_off, at: None, moved: false })
    }
}

impl Idle<'_> {
    /// Whether a player would be moving at this tick. Deaths do not matter: someone who respawns and plays is a
    /// player.
    fn live(&self, tick: i32) -> bool {
        (self.round.freeze_end_tick..=self.round.end_tick).contains(&tick)
    }
}

/// Checks whether those without any action moved. Damage ends the check, as it ended the first pass.
fn watch(demo: &Container, people: &[Person], idle: &mut [Idle<'_>]) {
    let classes = HashSet::from([CONTROLLER, PAWN]);
    let mut keys = None;
    let run = demo.play(&classes, |context, _| {
        let tick = context.tick();
        if tick % LOOK_TICKS != 0 || !idle.iter().any(|idle| idle.live(tick)) {
            return;
        }
        let keys = keys.get_or_insert_with(|| (ControllerKeys::of(context), PawnKeys::of(context)));
        for (controller, at) in living(context, keys) {
            for idle in idle.iter_mut().filter(|idle| idle.live(tick)) {
                let (steam64, name) = &controller;
                if people[idle.person].is(*steam64, name) {
                    let from = *idle.at.get_or_insert(at);
                    let way = from.iter().zip(at).map(|(from, to)| (from - to).powi(2)).sum::<f32>().sqrt();
                    idle.moved |= way > STILL_UNITS;
                }
            }
        }
    });
    if let Err(error) = run {
        log::debug!("The demo is damaged: {error}");
    }
}

/// Everyone alive: Steam ID and name, and position.
fn living(context: &Context, (controllers, pawns): &(ControllerKeys, PawnKeys)) -> Vec<((u64, String), [f32; 3])> {
    let one = |index: i32| {
        let controller = context.entities().get(index).filter(|entity| &*entity.class_name == CONTROLLER)?;
        let pawn = context.entities().get_by_handle(controller.get_handle(controllers.pawn)?)?;
        let alive = &*pawn.class_name == PAWN && pawn.get_i64(pawns.health) > 0;
        let name = String::from_utf8_lossy(controller.get_bytes(controllers.name).unwrap_or_default()).into_owned();
        let steam64 = controller.get_u64(controllers.steam64).unwrap_or(0);
        alive.then_some(())?;
        Some(((steam64, name), pawns.place.read(pawn)?))
    };
    (1..=CONTROLLERS).filter_map(one).collect()
}
