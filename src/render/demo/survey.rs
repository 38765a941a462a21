//! First pass over a demo: its rounds, people, and kills. It is cheap because it reads only game rules, teams,
//! controllers, and events, nothing that moves. Suspicious findings get a closer look ([`knives`], [`coaches`]).

use std::collections::HashSet;

use awpy::{Context, Entity, GameEvent};

use crate::domain::clip::{CLIP_LEAD_SECONDS, CLIP_SECONDS, CLIP_TAIL_SECONDS};
use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::render::scene::Side;

use super::coaches::{self, Seen};
use super::container::{Container, unreadable};
use super::events::{Actor, Arm, Values};
use super::keys::{CONTROLLER, CONTROLLERS, ControllerKeys, RULES, RulesKeys, TEAM, side};
use super::land::Land;
use super::people::{Death, Person, SAMPLE_TICKS, Use};
use super::rounds::{Round, RoundTracker, Rules};
use super::schema::TeamKeys;
use super::{failure, knives};

/// Maximum number of people per demo. A match has ten, and no server has hundreds.
const PEOPLE: usize = 256;
/// Maximum number of changes of the teams' names, which follow the sides: a long match has ten.
const NAMINGS: usize = 1_000;
/// Maximum number of recorded weapon uses: a long match has some ten thousand.
const USES: usize = 1_000_000;

/// Results of the first pass.
pub(super) struct Survey {
    /// Ticks per second.
    pub tick_rate: f32,
    /// First and last tick of the demo.
    pub ticks: [i32; 2],
    /// Completed rounds that count.
    pub rounds: Vec<Round>,
    /// Whether the demo is damaged after these rounds.
    pub damaged: bool,
    /// Everyone who was ever on a side.
    pub people: Vec<Person>,
    /// All deaths except those of coaches, including those outside rounds that count.
    deaths: Vec<Death>,
    /// Who coached: index into `people` and round number.
    coaches: HashSet<(usize, u32)>,
    /// Names of the terrorists and the counter-terrorists, each from a tick on.
    namings: Vec<(i32, [String; 2])>,
}

impl Survey {
    /// Everyone who may have played, but not a recorder who left during warm-up or someone who only coached. Without
    /// rounds, everyone.
    pub fn players(&self) -> impl Iterator<Item = (usize, &Person)> {
        let span = self.rounds.first().zip(self.rounds.last());
        let span = span.map_or(self.ticks, |(first, last)| [first.freeze_end_tick, last.end_tick]);
        let played = move |person: &Person| person.seen[0] <= span[1] && person.seen[1] >= span[0];
        let people = self.people.iter().enumerate();
        people.filter(move |(index, person)| person.steam64 != 0 && played(person) && !self.only_coaches(*index))
    }

    /// Whether someone coached in every round in which they were alive.
    pub fn only_coaches(&self, person: usize) -> bool {
        let mut lived = self.rounds.iter().filter(|round| self.people[person].lived_in(round)).peekable();
        lived.peek().is_some() && lived.all(|round| self.coaches.contains(&(person, round.number)))
    }

    /// Who coached in a round.
    pub fn coaches(&self, round: &Round) -> Vec<Person> {
        let coached = |index: &usize| self.coaches.contains(&(*index, round.number));
        (0..self.people.len()).filter(coached).map(|index| self.people[index].clone()).collect()
    }

    /// Everyone who played in a round, with the side on which they began it.
    pub fn roster(&self, round: &Round) -> Vec<(&Person, Side)> {
        self.sides(round).into_iter().map(|(index, side)| (&self.people[index], side)).collect()
    }

    /// The same, by index into `people`.
    pub fn sides(&self, round: &Round) -> Vec<(usize, Side)> {
        let played = (0..self.people.len()).filter(|index| !self.coaches.contains(&(*index, round.number)));
        let side = |index: usize| self.people[index].side_between(round.freeze_end_tick, round.end_tick);
        played.filter_map(|index| Some((index, side(index)?))).collect()
    }

    /// Names of the terrorists and the counter-terrorists of a round; empty if the demo has none.
    pub fn team_names(&self, round: &Round) -> [&str; 2] {
        let at = self.namings.partition_point(|(tick, _)| *tick <= round.end_tick);
        let naming = at.checked_sub(1).and_then(|last| self.namings.get(last));
        naming.map_or(["", ""], |(_, names)| names.each_ref().map(String::as_str))
    }

    /// First and last tick of a round's clip: from before the end of freeze time to after the end of the round,
    /// within the demo.
    pub fn clip_ticks(&self, round: &Round) -> [i32; 2] {
        let [first, last] = self.ticks;
        let start = round.freeze_end_tick.saturating_sub(self.ticks_in(CLIP_LEAD_SECONDS as f32)).max(first);
        let longest = start.saturating_add(self.ticks_in(CLIP_SECONDS as f32));
        let end = round.end_tick.saturating_add(self.ticks_in(CLIP_TAIL_SECONDS as f32));
        [start, end.min(last).min(longest)]
    }

    /// Converts seconds to ticks.
    pub fn ticks_in(&self, seconds: f32) -> i32 {
        (seconds * self.tick_rate).round() as i32
    }

    /// Deaths in a round, in order.
    pub fn deaths(&self, round: &Round) -> impl Iterator<Item = &Death> {
        self.deaths.iter().filter(|death| round.holds(death.tick))
    }

    /// Kills and deaths of a person in a round.
    pub fn kills_and_deaths(&self, person: usize, round: &Round) -> (u32, u32) {
        self.deaths(round).fold((0, 0), |(kills, died), death| {
            (kills + u32::from(death.killer == Some(person)), died + u32::from(death.victim == Some(person)))
        })
    }
}

/// Reads the demo once. Damage in the middle ends the survey; rounds completed before it count. `land`: gathers more
/// on the way.
pub(super) fn survey(demo: &Container, land: Option<Land>) -> Result<(Survey, Option<Land>)> {
    let mut filter = HashSet::from([RULES, TEAM, CONTROLLER]);
    filter.extend(land.iter().flat_map(Land::classes));
    let mut surveyor = Surveyor { land, ..Surveyor::default() };
    let run = demo.play(&filter, |context, events| surveyor.tick(context, events));
    let Surveyor { uses, mut deaths, people, tick_rate, namings, land, .. } = surveyor;
    let rounds = surveyor.rounds.finish(|round| knives::knives_only(demo, round, &uses, &deaths));
    let damaged = match run {
        Ok(()) => false,
        Err(error) if rounds.is_empty() => return Err(unreadable(error)),
        Err(_) => true,
    };
    let Some(ticks) = surveyor.ticks else {
        let message = "The demo ends before the match begins.";
        return Err(failure(FailureCode::DemoUnreadable, message));
    };
    let seen = Seen { tick_rate, rounds: &rounds, people: &people, deaths: &deaths, uses: &uses };
    let coaches = coaches::coaches(demo, &seen);
    let round_of = |tick: i32| rounds.iter().rev().find(|round| round.holds(tick)).map(|round| round.number);
    deaths.retain(|death| match (death.victim, round_of(death.tick)) {
        (Some(victim), Some(round)) => !coaches.contains(&(victim, round)),
        _ => true,
    });
    let damaged = damaged || demo.is_cut();
    Ok((Survey { tick_rate, ticks, rounds, damaged, people, deaths, coaches, namings }, land))
}

#[derive(Default)]
struct Surveyor {
    keys: Option<(RulesKeys, ControllerKeys, TeamKeys)>,
    tick_rate: f32,
    ticks: Option<[i32; 2]>,
    rules: Option<i32>,
    /// Indices of the four team entities.
    teams: Vec<i32>,
    rounds: RoundTracker,
    people: Vec<Person>,
    deaths: Vec<Death>,
    uses: Vec<Use>,
    namings: Vec<(i32, [String; 2])>,
    land: Option<Land>,
}

impl Surveyor {
    fn tick(&mut self, context: &Context, events: &[GameEvent]) {
        let tick = context.tick();
        let keys = self.keys.take();
        let keys = keys.unwrap_or_else(|| (RulesKeys::of(context), ControllerKeys::of(context), TeamKeys::of(context)));
        self.tick_rate = 1.0 / context.tick_interval();
        let first = self.ticks.map_or(tick, |[first, _]| first);
        self.ticks = Some([first, tick]);

        for event in events {
            self.event(context, event, &keys.1);
            self.land.iter_mut().for_each(|land| land.event(event));
        }
        if let Some(rules) = self.rules(context) {
            let score = self.score(context, &keys.2);
            self.rounds.observe(tick, read_rules(rules, &keys.0, score));
        }
        if tick % SAMPLE_TICKS == 0 || first == tick {
            for index in 1..=CONTROLLERS {
                self.person(context, index, &keys.1);
            }
            self.name_teams(context, &keys.2);
        }
        self.land.iter_mut().for_each(|land| land.tick(context));
        self.keys = Some(keys);
    }

    fn rules<'a>(&mut self, context: &'a Context) -> Option<&'a Entity> {
        let is_rules = |entity: &&Entity| &*entity.class_name == RULES;
        let known = self.rules.and_then(|index| context.entities().get(index)).filter(is_rules);
        let rules = known.or_else(|| context.entities().iter().map(|(_, entity)| entity).find(is_rules))?;
        self.rules = Some(rules.index);
        Some(rules)
    }

    /// Rounds won by the two playing teams.
    fn score(&mut self, context: &Context, keys: &TeamKeys) -> [i64; 2] {
        if self.teams.is_empty() {
            let teams = context.entities().iter().filter(|(_, entity)| is_team(entity));
            self.teams.extend(teams.map(|(index, _)| index));
        }
        self.playing_teams(context, keys).map(|team| team.map_or(0, |team| team.get_i64(keys.score)))
    }

    /// Records the names of the teams on the two sides.
    fn name_teams(&mut self, context: &Context, keys: &TeamKeys) {
        let name = |team: &Entity| String::from_utf8_lossy(team.get_bytes(keys.name).unwrap_or_default()).into_owned();
        let names = self.playing_teams(context, keys).map(|team| team.map(name).unwrap_or_default());
        if self.namings.last().is_none_or(|(_, last)| *last != names) && self.namings.len() < NAMINGS {
            self.namings.push((context.tick(), names));
        }
    }

    /// The teams that play as terrorists and counter-terrorists.
    fn playing_teams<'a>(&self, context: &'a Context, keys: &TeamKeys) -> [Option<&'a Entity>; 2] {
        let mut playing = [None; 2];
        for team in self.teams.iter().filter_map(|&index| context.entities().get(index)).filter(is_team) {
            match side(team.get_i64(keys.number)) {
                Side::T => playing[0] = Some(team),
                Side::Ct => playing[1] = Some(team),
                Side::None => {}
            }
        }
        playing
    }

    fn event(&mut self, context: &Context, event: &GameEvent, keys: &ControllerKeys) {
        let values = Values::of(event);
        let mut person = |key| {
            let index = controller_of(context, values.actor(key)?, keys)?;
            self.person(context, index, keys)
        };
        match event.name.as_str() {
            "weapon_fire" => {
                let user = person("userid").map(|(person, _)| person);
                self.used(&values, event.tick, user, false);
            }
            "player_death" => {
                let (victim, attacker) = (person("userid"), person("attacker"));
                let enemies = |killer: (usize, Side)| victim.is_none_or(|victim| victim.1 != killer.1);
                let killer = attacker.filter(|&killer| enemies(killer)).map(|(person, _)| person);
                let by_nobody = values.actor("attacker").is_none() && values.text("weapon") != "planted_c4";
                let by_self = attacker.is_some() && attacker == victim;
                let victim = victim.map(|(person, _)| person);
                self.deaths.push(Death { tick: event.tick, killer, victim, own: by_self || by_nobody });
                self.used(&values, event.tick, attacker.map(|(person, _)| person), true);
            }
            _ => {}
        }
    }

    fn used(&mut self, values: &Values<'_>, tick: i32, person: Option<usize>, kills: bool) {
        if let Some(arm) = Arm::of(values.text("weapon")).filter(|_| self.uses.len() < USES) {
            self.uses.push(Use { tick, person, arm, kills });
        }
    }

    /// Records the person behind a controller, if on a side.
    fn person(&mut self, context: &Context, index: i32, keys: &ControllerKeys) -> Option<(usize, Side)> {
        let controller = context.entities().get(index).filter(|entity| &*entity.class_name == CONTROLLER)?;
        let side = side(controller.get_i64(keys.team));
        if side == Side::None {
            return None;
        }
        let steam64 = controller.get_u64(keys.steam64).unwrap_or(0);
        let name = String::from_utf8_lossy(controller.get_bytes(keys.name).unwrap_or_default());
        // If a demo does not say who is alive, everyone is.
        let alive = keys.alive.is_none() || controller.get_bool(keys.alive);
        if let Some(known) = self.people.iter().position(|person| person.is(steam64, &name)) {
            let person = &mut self.people[known];
            person.record(context.tick(), index, side, alive);
            if person.name != name {
                person.name = name.into_owned();
            }
            return Some((known, side));
        }
        if self.people.len() == PEOPLE {
            return None;
        }
        let mut person = Person::new(steam64, name.into_owned());
        person.record(context.tick(), index, side, alive);
        self.people.push(person);
        Some((self.people.len() - 1, side))
    }
}

fn is_team(entity: &&Entity) -> bool {
    &*entity.class_name == TEAM
}

/// The controller referenced by an event: by pawn, else by slot.
fn controller_of(context: &Context, actor: Actor, keys: &ControllerKeys) -> Option<i32> {
    let of_pawn = (1..=CONTROLLERS).find(|&index| {
        let controller = context.entities().get(index).filter(|entity| &*entity.class_name == CONTROLLER);
        let pawn = controller.and_then(|controller| controller.get_handle(keys.pawn));
        pawn.is_some_and(|handle| Some((handle & awpy::ENTITY_HANDLE_INDEX_MASK) as i32) == actor.pawn)
    });
    of_pawn.or(actor.controller)
}

fn read_rules(rules: &Entity, keys: &RulesKeys, score: [i64; 2]) -> Rules {
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
        reason: rules.get_i64(keys.win_reason),
        score,
    }
}
