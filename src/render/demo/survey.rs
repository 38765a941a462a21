//! The first pass over a demo: its rounds, its people, who killed whom. Cheap: it reads the game rules, the
//! controllers and the kills, and nothing that moves.

use std::collections::HashSet;

use awpy::{Context, Entity, GameEvent};

use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::render::scene::Side;

use super::container::{Container, unreadable};
use super::events::{Actor, Values};
use super::failure;
use super::keys::{CONTROLLER, ControllerKeys, RULES, RulesKeys, side};
use super::rounds::{Round, RoundTracker, Rules};

/// Ticks between two looks at who is there.
const ROLL_CALL_TICKS: i32 = 16;
/// People kept of one demo. A match has ten, and servers with hundreds do not exist.
const PEOPLE: usize = 256;
/// Highest index of a controller entity: the engine's limit of players.
const CONTROLLERS: i32 = 64;

/// What the first pass finds.
pub(super) struct Survey {
    /// Ticks a second.
    pub tick_rate: f32,
    /// First and last tick of the demo.
    pub ticks: [i32; 2],
    /// Completed rounds that count.
    pub rounds: Vec<Round>,
    /// Whether something behind them could not be read.
    pub damaged: bool,
    /// Everybody who was on a side at some time.
    pub people: Vec<Person>,
    /// All kills, also those outside of the rounds that count.
    pub kills: Vec<Death>,
}

/// Somebody in the demo.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// 0 for a bot.
    pub steam64: u64,
    /// The last name seen.
    pub name: String,
    /// First and last tick at which somebody saw them on a side.
    pub seen: [i32; 2],
}

impl Person {
    /// Bots have no Steam ID: they are told apart by their names.
    pub fn is(&self, steam64: u64, name: &str) -> bool {
        if steam64 == 0 { self.steam64 == 0 && self.name == name } else { self.steam64 == steam64 }
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
}

impl Survey {
    /// Everybody who may have played: a recorder who left in the warm-up has not. Without rounds, everybody.
    pub fn players(&self) -> impl Iterator<Item = (usize, &Person)> {
        let span = self.rounds.first().zip(self.rounds.last());
        let span = span.map_or(self.ticks, |(first, last)| [first.freeze_end_tick, last.end_tick]);
        let played = move |person: &Person| person.seen[0] <= span[1] && person.seen[1] >= span[0];
        self.people.iter().enumerate().filter(move |(_, person)| person.steam64 != 0 && played(person))
    }

    /// Kills and deaths of a person in a round.
    pub fn kills_and_deaths(&self, person: usize, round: &Round) -> (u32, u32) {
        let deaths = self.kills.iter().filter(|death| round.holds(death.tick));
        deaths.fold((0, 0), |(kills, died), death| {
            (kills + u32::from(death.killer == Some(person)), died + u32::from(death.victim == Some(person)))
        })
    }
}

/// Reads the demo once. Damage in the middle ends the survey there: rounds that were complete before it count.
pub(super) fn survey(demo: &Container) -> Result<Survey> {
    let mut surveyor = Surveyor::default();
    let filter = HashSet::from([RULES, CONTROLLER]);
    let run = demo.parser.run_to_end_with_events_filtered(&filter, |context, events| surveyor.tick(context, events));
    let rounds = surveyor.rounds.finish();
    let damaged = match run {
        Ok(()) => false,
        Err(error) if rounds.is_empty() => return Err(unreadable(error)),
        Err(_) => true,
    };
    let Some(ticks) = surveyor.ticks else {
        let message = "The demo breaks off before the match begins.";
        return Err(failure(FailureCode::DemoUnreadable, message));
    };
    Ok(Survey {
        tick_rate: surveyor.tick_rate,
        ticks,
        rounds,
        damaged: damaged || demo.cut,
        people: surveyor.people,
        kills: surveyor.kills,
    })
}

#[derive(Default)]
struct Surveyor {
    keys: Option<(RulesKeys, ControllerKeys)>,
    tick_rate: f32,
    ticks: Option<[i32; 2]>,
    rules: Option<i32>,
    rounds: RoundTracker,
    people: Vec<Person>,
    kills: Vec<Death>,
}

impl Surveyor {
    fn tick(&mut self, context: &Context, events: &[GameEvent]) {
        let tick = context.tick();
        let keys = self.keys.take().unwrap_or_else(|| (RulesKeys::of(context), ControllerKeys::of(context)));
        self.tick_rate = 1.0 / context.tick_interval();
        let first = self.ticks.map_or(tick, |[first, _]| first);
        self.ticks = Some([first, tick]);

        for event in events {
            self.event(context, event, &keys.1);
        }
        if let Some(rules) = self.rules(context) {
            self.rounds.observe(tick, read_rules(rules, &keys.0));
        }
        if tick % ROLL_CALL_TICKS == 0 || first == tick {
            for index in 1..=CONTROLLERS {
                self.person(context, index, &keys.1);
            }
        }
        self.keys = Some(keys);
    }

    fn rules<'a>(&mut self, context: &'a Context) -> Option<&'a Entity> {
        let is_rules = |entity: &&Entity| &*entity.class_name == RULES;
        let known = self.rules.and_then(|index| context.entities().get(index)).filter(is_rules);
        let rules = known.or_else(|| context.entities().iter().map(|(_, entity)| entity).find(is_rules))?;
        self.rules = Some(rules.index);
        Some(rules)
    }

    fn event(&mut self, context: &Context, event: &GameEvent, keys: &ControllerKeys) {
        let values = Values::of(event);
        match event.name.as_str() {
            "weapon_fire" => self.rounds.weapon(values.text("weapon"), false),
            "player_death" => {
                self.rounds.weapon(values.text("weapon"), true);
                let mut person = |key| {
                    let index = controller_of(context, values.actor(key)?, keys)?;
                    self.person(context, index, keys)
                };
                let (victim, killer) = (person("userid"), person("attacker"));
                let enemies = |killer: (usize, Side)| victim.is_none_or(|victim| victim.1 != killer.1);
                let killer = killer.filter(|&killer| enemies(killer)).map(|(person, _)| person);
                self.kills.push(Death { tick: event.tick, killer, victim: victim.map(|(person, _)| person) });
            }
            _ => {}
        }
    }

    /// Notes who is behind a controller, if it is somebody on a side.
    fn person(&mut self, context: &Context, index: i32, keys: &ControllerKeys) -> Option<(usize, Side)> {
        let controller = context.entities().get(index).filter(|entity| &*entity.class_name == CONTROLLER)?;
        let side = side(controller.get_i64(keys.team));
        if side == Side::None {
            return None;
        }
        let steam64 = controller.get_u64(keys.steam64).unwrap_or(0);
        let name = String::from_utf8_lossy(controller.get_bytes(keys.name).unwrap_or_default());
        if let Some(known) = self.people.iter().position(|person| person.is(steam64, &name)) {
            let person = &mut self.people[known];
            person.seen[1] = context.tick();
            if person.name != name {
                person.name = name.into_owned();
            }
            return Some((known, side));
        }
        if self.people.len() == PEOPLE {
            return None;
        }
        self.people.push(Person { steam64, name: name.into_owned(), seen: [context.tick(); 2] });
        Some((self.people.len() - 1, side))
    }
}

/// The controller whom an event means: the one of the pawn, else the one of the slot.
fn controller_of(context: &Context, actor: Actor, keys: &ControllerKeys) -> Option<i32> {
    let of_pawn = (1..=CONTROLLERS).find(|&index| {
        let controller = context.entities().get(index).filter(|entity| &*entity.class_name == CONTROLLER);
        let pawn = controller.and_then(|controller| controller.get_handle(keys.pawn));
        pawn.is_some_and(|handle| Some((handle & awpy::ENTITY_HANDLE_INDEX_MASK) as i32) == actor.pawn)
    });
    of_pawn.or(actor.controller)
}

fn read_rules(rules: &Entity, keys: &RulesKeys) -> Rules {
    let status = rules.get_i64(keys.win_status);
    let winner = match side(status) {
        Side::None => side(rules.get_i64(keys.end_winner)),
        winner => winner,
    };
    Rules {
        warmup: rules.get_bool(keys.warmup),
        freeze: rules.get_bool(keys.freeze),
        played: rules.get_i64(keys.played),
        decided: status != 0,
        winner,
    }
}
