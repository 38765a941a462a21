//! The bomb of a round: carried, dropped, planted, defused, exploded.

use super::cast::Seat;
use super::classes::{C4, OWNER, PLANTED_C4, THING_ORIGIN};
use super::events::{self, Word};
use super::recorder::Recorder;
use super::schema::{NO_HANDLE, Prop, Value};

const ARMING: Prop = C4.prop("m_bStartedArming");
const TICKING: Prop = PLANTED_C4.prop("m_bBombTicking");
const BLOW: Prop = PLANTED_C4.prop("m_flC4Blow");
const SITE: Prop = PLANTED_C4.prop("m_nBombSite");
const EXPLODED: Prop = PLANTED_C4.prop("m_bHasExploded");
const TIMER: Prop = PLANTED_C4.prop("m_flTimerLength");
const BEING_DEFUSED: Prop = PLANTED_C4.prop("m_bBeingDefused");
const DEFUSE_LENGTH: Prop = PLANTED_C4.prop("m_flDefuseLength");
const DEFUSE_END: Prop = PLANTED_C4.prop("m_flDefuseCountDown");
const DEFUSED: Prop = PLANTED_C4.prop("m_bBombDefused");
const DEFUSER: Prop = PLANTED_C4.prop("m_hBombDefuser");

/// Seconds a defuse takes with a kit.
const KIT_SECONDS: f32 = 5.0;

/// The bomb.
#[derive(Debug)]
pub struct Bomb {
    slot: u16,
    /// The player carrying it, if any.
    pub carrier: Option<usize>,
    planted: Option<Planted>,
}

#[derive(Debug)]
struct Planted {
    site: i64,
    /// The tick at which it will explode; `None` once it has exploded or was defused.
    blows: Option<i32>,
    planter: Vec<(&'static str, Word)>,
    defuse: Option<Defuse>,
}

#[derive(Debug)]
struct Defuse {
    by: usize,
    done: i32,
    words: Vec<(&'static str, Word)>,
}

impl Bomb {
    /// Starts in a player's possession.
    pub fn new(recorder: &mut Recorder, carrier: &Seat) -> Self {
        let slot = recorder.world.create(&C4);
        let mut bomb = Self { slot, carrier: None, planted: None };
        bomb.take(recorder, carrier);
        bomb
    }

    /// A player picks it up.
    pub fn take(&mut self, recorder: &mut Recorder, by: &Seat) {
        recorder.world.set_int(self.slot, OWNER, by.handle);
        recorder.world.place(self.slot, &THING_ORIGIN, by.pose.at);
        recorder.say(&events::BOMB_PICKUP, &by.words());
        self.carrier = Some(by.player);
    }

    /// Its carrier switches to it.
    pub fn hold(&self, recorder: &mut Recorder, by: &mut Seat) {
        if self.carrier == Some(by.player) {
            by.take(recorder, "c4", self.slot);
        }
    }

    /// Its carrier drops it.
    pub fn drop(&mut self, recorder: &mut Recorder, by: &Seat) {
        recorder.world.set_int(self.slot, ARMING, false);
        recorder.world.set_int(self.slot, OWNER, NO_HANDLE);
        recorder.world.place(self.slot, &THING_ORIGIN, by.pose.at);
        let mut words = by.words();
        words.push(("entindex", i64::from(self.slot).into()));
        recorder.say(&events::BOMB_DROPPED, &words);
        self.carrier = None;
    }

    /// Its carrier starts to plant it.
    pub fn begin_plant(&self, recorder: &mut Recorder, by: &Seat, site: char) {
        if self.carrier == Some(by.player) {
            recorder.world.set_int(self.slot, ARMING, true);
            let mut words = by.words();
            words.push(("site", i64::from(site == 'B').into()));
            recorder.say(&events::BOMB_BEGIN_PLANT, &words);
        }
    }

    /// Its carrier stops planting it.
    pub fn abort_plant(&self, recorder: &mut Recorder, by: &Seat) {
        recorder.world.set_int(self.slot, ARMING, false);
        recorder.say(&events::BOMB_ABORT_PLANT, &by.words());
    }

    /// Its carrier plants it.
    pub fn plant(&mut self, recorder: &mut Recorder, by: &Seat, site: char, fuse_ticks: i32) {
        recorder.world.delete(self.slot);
        let blows = recorder.tick() + fuse_ticks;
        let site = i64::from(site == 'B');
        let (fuse_seconds, blow) = (recorder.length(fuse_ticks), recorder.seconds(blows));
        let world = &mut recorder.world;
        self.slot = world.create(&PLANTED_C4);
        world.place(self.slot, &THING_ORIGIN, by.pose.at);
        world.set_int(self.slot, OWNER, by.handle);
        world.set_int(self.slot, TICKING, true);
        world.set_int(self.slot, SITE, site);
        world.set(self.slot, TIMER, Value::Float(fuse_seconds));
        world.set(self.slot, BLOW, Value::Float(blow));
        let mut planter = by.words();
        planter.push(("site", site.into()));
        recorder.say(&events::BOMB_PLANTED, &planter);
        self.carrier = None;
        self.planted = Some(Planted { site, blows: Some(blows), planter, defuse: None });
    }

    /// A player starts to defuse it.
    pub fn defuse(&mut self, recorder: &mut Recorder, by: &Seat, ticks: i32) {
        let Some(planted) = &mut self.planted else { return };
        let done = recorder.tick() + ticks;
        by.defusing(recorder, true);
        let (length, end) = (recorder.length(ticks), recorder.seconds(done));
        let world = &mut recorder.world;
        world.set_int(self.slot, BEING_DEFUSED, true);
        world.set_int(self.slot, DEFUSER, by.handle);
        world.set(self.slot, DEFUSE_LENGTH, Value::Float(length));
        world.set(self.slot, DEFUSE_END, Value::Float(end));
        let mut words = by.words();
        words.extend([("haskit", (length <= KIT_SECONDS).into()), ("site", planted.site.into())]);
        recorder.say(&events::BOMB_BEGIN_DEFUSE, &words);
        planted.defuse = Some(Defuse { by: by.player, done, words });
    }

    /// A player stops defusing it.
    pub fn abort_defuse(&mut self, recorder: &mut Recorder, by: &Seat) {
        by.defusing(recorder, false);
        self.interrupt(recorder, by.player);
        recorder.say(&events::BOMB_ABORT_DEFUSE, &by.words());
    }

    /// A player died, who may have been defusing it.
    pub fn interrupt(&mut self, recorder: &mut Recorder, dead: usize) {
        let defuse = self.planted.as_mut().map(|planted| &mut planted.defuse);
        if let Some(defuse) = defuse.filter(|defuse| defuse.as_ref().is_some_and(|defuse| defuse.by == dead)) {
            *defuse = None;
            recorder.world.set_int(self.slot, BEING_DEFUSED, false);
        }
    }

    /// Advances by a tick.
    pub fn tick(&mut self, recorder: &mut Recorder, cast: &super::cast::Cast) {
        let now = recorder.tick();
        let Some(planted) = &mut self.planted else { return };
        if let Some(defuse) = planted.defuse.take_if(|defuse| defuse.done <= now) {
            planted.blows = None;
            recorder.world.set_int(self.slot, BEING_DEFUSED, false);
            recorder.world.set_int(self.slot, TICKING, false);
            recorder.world.set_int(self.slot, DEFUSED, true);
            if let Some(seat) = cast.get(&defuse.by) {
                seat.defusing(recorder, false);
            }
            recorder.say(&events::BOMB_DEFUSED, &defuse.words);
        }
        if planted.blows.take_if(|blows| *blows <= now).is_some() {
            recorder.world.set_int(self.slot, TICKING, false);
            recorder.world.set_int(self.slot, EXPLODED, true);
            recorder.say(&events::BOMB_EXPLODED, &planted.planter);
        }
    }

    /// Removes it at the end of the round.
    pub fn clear(self, recorder: &mut Recorder) {
        recorder.world.delete(self.slot);
    }
}
