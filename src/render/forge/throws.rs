//! Grenades: flight, smoke, fire, and flashes.

use super::TICK_RATE;
use super::cast::{Cast, Seat};
use super::classes::{self, FIRE_POINTS, INFERNO, OWNER, SMOKE, THING_ORIGIN};
use super::description::{Grenade, Throw};
use super::events::{self, Word};
use super::recorder::{Recorder, SERVER_START_TICK};
use super::schema::{Prop, Serializer, Value};
use super::walk::distance;

const THROWER: Prop = SMOKE.prop("m_hThrower");
const SMOKE_BEGIN: Prop = SMOKE.prop("m_nSmokeEffectTickBegin");
const SMOKE_DID: Prop = SMOKE.prop("m_bDidSmokeEffect");
const SMOKE_AT: Prop = SMOKE.prop("m_vSmokeDetonationPos");
const FIRE_AT: Prop = INFERNO.prop("m_firePositions");
const FIRE_BURNS: Prop = INFERNO.prop("m_bFireIsBurning");
const FIRE_COUNT: Prop = INFERNO.prop("m_fireCount");

/// Speed of a grenade over the map, minimum time of flight, and height of the arc.
const THROW_SPEED: f32 = 720.0;
const FLIGHT_TICKS: i32 = 40;
const ARC_UNITS: f32 = 150.0;
/// Height from which it is thrown.
const HAND_UNITS: f32 = 56.0;
const SMOKE_TICKS: i32 = 18 * TICK_RATE;
const FIRE_TICKS: i32 = 7 * TICK_RATE;
/// Number of flames of a fire, and ticks between them as it spreads.
const FLAMES: u16 = 16;
const SPREAD_TICKS: i32 = 5;

/// Active grenades of a round.
#[derive(Debug, Default)]
pub struct Throws {
    flying: Vec<Flying>,
    lasting: Vec<Lasting>,
}

#[derive(Debug)]
struct Flying {
    slot: u16,
    throw: Throw,
    from: [f32; 3],
    since: i32,
    lands: i32,
    thrower: i64,
    words: Vec<(&'static str, Word)>,
}

#[derive(Debug)]
struct Lasting {
    slot: u16,
    fire: bool,
    at: [f32; 3],
    since: i32,
    until: i32,
    words: Vec<(&'static str, Word)>,
}

/// A grenade's weapon name, and its class in flight.
pub fn grenade(kind: Grenade) -> (&'static str, &'static Serializer) {
    match kind {
        Grenade::Smoke => ("smokegrenade", &SMOKE),
        Grenade::He => ("hegrenade", &classes::HE),
        Grenade::Flash => ("flashbang", &classes::FLASH),
        Grenade::Fire => ("molotov", &classes::MOLOTOV),
        Grenade::Decoy => ("decoy", &classes::DECOY),
    }
}

impl Throws {
    /// A player throws a grenade.
    pub fn throw(&mut self, recorder: &mut Recorder, by: &Seat, throw: Throw) {
        let (name, class) = grenade(throw.grenade);
        let slot = recorder.world.create(class);
        recorder.world.set_int(slot, OWNER, by.handle);
        recorder.world.set_int(slot, THROWER, by.handle);
        let [x, y, z] = by.pose.at;
        let from = [x, y, z + HAND_UNITS];
        recorder.world.place(slot, &THING_ORIGIN, from);
        let mut words = by.words();
        words.push(("weapon", name.into()));
        recorder.say(&events::GRENADE_THROWN, &words);
        let flight = (distance(from, throw.to) / THROW_SPEED * TICK_RATE as f32) as i32;
        let since = recorder.tick();
        let lands = since.saturating_add(flight.max(FLIGHT_TICKS));
        self.flying.push(Flying { slot, throw, from, since, lands, thrower: by.handle, words: by.words() });
    }

    /// Advances by a tick.
    pub fn tick(&mut self, recorder: &mut Recorder, cast: &Cast) {
        let now = recorder.tick();
        let (landed, flying): (Vec<_>, Vec<_>) = self.flying.drain(..).partition(|flying| flying.lands <= now);
        self.flying = flying;
        for flying in &self.flying {
            recorder.world.place(flying.slot, &THING_ORIGIN, flying.at(now));
        }
        for flying in landed {
            self.lasting.extend(flying.land(recorder, cast));
        }
        for lasting in &self.lasting {
            lasting.spread(recorder);
        }
        let (over, lasting) = self.lasting.drain(..).partition(|lasting| lasting.until <= now);
        self.lasting = lasting;
        over.into_iter().for_each(|lasting| lasting.end(recorder));
    }

    /// Removes everything at the end of the round.
    pub fn clear(&mut self, recorder: &mut Recorder) {
        self.flying.drain(..).for_each(|flying| recorder.world.delete(flying.slot));
        self.lasting.drain(..).for_each(|lasting| lasting.end(recorder));
    }
}

impl Flying {
    fn at(&self, tick: i32) -> [f32; 3] {
        let part = (tick - self.since) as f32 / (self.lands - self.since) as f32;
        let mut at = self.from;
        for (axis, value) in at.iter_mut().enumerate() {
            *value += (self.throw.to[axis] - self.from[axis]) * part;
        }
        at[2] += ARC_UNITS * 4.0 * part * (1.0 - part);
        at
    }

    /// Detonates it; returns what remains.
    fn land(self, recorder: &mut Recorder, cast: &Cast) -> Option<Lasting> {
        let (now, at) = (recorder.tick(), self.throw.to);
        let mut words = self.words;
        let place = |slot: u16| {
            let slot = ("entityid", Word::from(i64::from(slot)));
            [slot, ("x", at[0].into()), ("y", at[1].into()), ("z", at[2].into())]
        };
        match self.throw.grenade {
            Grenade::Smoke => {
                words.extend(place(self.slot));
                recorder.world.place(self.slot, &THING_ORIGIN, at);
                recorder.world.set_int(self.slot, SMOKE_BEGIN, SERVER_START_TICK + now);
                recorder.world.set_int(self.slot, SMOKE_DID, true);
                recorder.world.set(self.slot, SMOKE_AT, Value::Point(at));
                recorder.say(&events::SMOKE_DETONATE, &words);
                return Some(Lasting { slot: self.slot, fire: false, at, since: now, until: now + SMOKE_TICKS, words });
            }
            Grenade::Fire => {
                recorder.world.delete(self.slot);
                let slot = recorder.world.create(&INFERNO);
                recorder.world.set_int(slot, OWNER, self.thrower);
                recorder.world.place(slot, &THING_ORIGIN, at);
                let words = place(slot).to_vec();
                recorder.say(&events::INFERNO_STARTBURN, &words);
                return Some(Lasting { slot, fire: true, at, since: now, until: now + FIRE_TICKS, words });
            }
            Grenade::Flash => {
                words.extend(place(self.slot));
                recorder.say(&events::FLASH_DETONATE, &words);
                for (player, seconds) in &self.throw.blinds {
                    if let Some(seat) = cast.get(player) {
                        seat.blind(recorder, *seconds);
                    }
                }
            }
            Grenade::He => {
                words.extend(place(self.slot));
                recorder.say(&events::HE_DETONATE, &words);
            }
            Grenade::Decoy => {}
        }
        recorder.world.delete(self.slot);
        None
    }
}

impl Lasting {
    /// Spreads a fire from its center outwards.
    fn spread(&self, recorder: &mut Recorder) {
        let age = recorder.tick() - self.since;
        if !self.fire || age % SPREAD_TICKS != 0 {
            return;
        }
        let flame = (age / SPREAD_TICKS) as u16;
        if flame < FLAMES.min(FIRE_POINTS) {
            let (turn, out) = (f32::from(flame) * 2.4, 30.0 * f32::from(flame).sqrt());
            let at = [self.at[0] + turn.cos() * out, self.at[1] + turn.sin() * out, self.at[2]];
            recorder.world.set(self.slot, FIRE_AT.element(flame), Value::Point(at));
            recorder.world.set_int(self.slot, FIRE_BURNS.element(flame), true);
            recorder.world.set_int(self.slot, FIRE_COUNT, i32::from(flame) + 1);
        }
    }

    fn end(self, recorder: &mut Recorder) {
        let event = if self.fire { &events::INFERNO_EXPIRE } else { &events::SMOKE_EXPIRED };
        recorder.say(event, &self.words);
        recorder.world.delete(self.slot);
    }
}
