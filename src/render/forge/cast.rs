//! The players on the server: controllers, pawns, and active weapons; spawning, damage, and death.

use std::collections::BTreeMap;

use super::classes::{self, CONTROLLER, OWNER, PAWN, PAWN_ORIGIN, WEAPON_HANDLE};
use super::description::{Kill, Player, Side};
use super::events::{self, NOBODY, Word};
use super::recorder::Recorder;
use super::schema::{NO_HANDLE, Prop, Value};
use super::walk::{Pose, bearing, distance};

const CONTROLLER_TEAM: Prop = CONTROLLER.prop("m_iTeamNum");
const CONTROLLER_PAWN: [Prop; 2] = [CONTROLLER.prop("m_hPawn"), CONTROLLER.prop("m_hPlayerPawn")];
const NAME: Prop = CONTROLLER.prop("m_iszPlayerName");
const STEAM_ID: Prop = CONTROLLER.prop("m_steamID");
const ALIVE: Prop = CONTROLLER.prop("m_bPawnIsAlive");
const PAWN_HEALTH: Prop = CONTROLLER.prop("m_iPawnHealth");
const MONEY: Prop = CONTROLLER.prop("m_pInGameMoneyServices.m_iAccount");
const ANGLES: Prop = PAWN.prop("m_angEyeAngles");
const HEALTH: Prop = PAWN.prop("m_iHealth");
const LIFE_STATE: Prop = PAWN.prop("m_lifeState");
const TEAM: Prop = PAWN.prop("m_iTeamNum");
const WEAPON: Prop = PAWN.prop("m_pWeaponServices.m_hActiveWeapon");
const WEAPONS: Prop = PAWN.prop("m_pWeaponServices.m_hMyWeapons");
const PAWN_CONTROLLER: [Prop; 2] = [PAWN.prop("m_hController"), PAWN.prop("m_hOriginalController")];
const FLASH: Prop = PAWN.prop("m_flFlashDuration");
const SPOTTED: Prop = PAWN.prop("m_entitySpottedState.m_bSpottedByMask");
const DEFUSING: Prop = PAWN.prop("m_bIsDefusing");
const HELMET: Prop = PAWN.prop("m_pItemServices.m_bHasHelmet");
const DEFUSER: Prop = PAWN.prop("m_pItemServices.m_bHasDefuser");
const ARMOR: Prop = PAWN.prop("m_ArmorValue");

/// The game's numbers for life states.
const LIVING: i32 = 0;
const DEAD: i32 = 2;
/// The same for everyone and constant: no reader uses it.
const MONEY_HELD: i32 = 4000;
/// The game's hit groups.
const HIT_HEAD: i64 = 1;
const HIT_CHEST: i64 = 2;
/// Range and half angle of vision for the radar's "spotted" state.
const SIGHT_UNITS: f32 = 1100.0;
const SIGHT_DEGREES: f32 = 45.0;

/// A player on the server.
#[derive(Debug)]
pub struct Seat {
    /// Index in the description, and slot on the server.
    pub player: usize,
    controller: u16,
    pawn: u16,
    /// The pawn's handle as used in fields.
    pub handle: i64,
    event_handle: i64,
    /// Current position and view direction.
    pub pose: Pose,
    /// The side in this round.
    pub side: Side,
    /// 0 when dead.
    pub health: i32,
    armor: i32,
    /// The active weapon, by its name in events.
    pub weapon: &'static str,
    weapons: BTreeMap<&'static str, u16>,
    /// Length of the list of weapons, which never shrinks: readers differ in what they make of that.
    listed: usize,
}

/// Everyone on the server, by player.
pub type Cast = BTreeMap<usize, Seat>;

impl Seat {
    /// A player joins.
    pub fn join(recorder: &mut Recorder, number: usize, player: &Player, side: Side) -> Self {
        let world = &mut recorder.world;
        let controller = world.create_at(number as u16 + 1, &CONTROLLER);
        let pawn = world.create(&PAWN);
        world.set(controller, NAME, Value::Text(player.name.to_owned()));
        world.set(controller, STEAM_ID, Value::Int(player.steam64 as i64));
        world.set_int(controller, MONEY, MONEY_HELD);
        let (pawn_handle, controller_handle) = (world.handle(pawn), world.handle(controller));
        CONTROLLER_PAWN.iter().for_each(|prop| world.set_int(controller, *prop, pawn_handle));
        PAWN_CONTROLLER.iter().for_each(|prop| world.set_int(pawn, *prop, controller_handle));
        let pose = Pose { at: [0.0; 3], yaw: 0.0 };
        Self {
            player: number,
            controller,
            pawn,
            handle: pawn_handle,
            event_handle: world.event_handle(pawn),
            pose,
            side,
            health: 0,
            armor: 0,
            weapon: "",
            weapons: BTreeMap::new(),
            listed: 0,
        }
    }

    /// The player leaves.
    pub fn leave(self, recorder: &mut Recorder, player: &Player) {
        let steam = format!("[U:1:{}]", player.steam64 & 0xffff_ffff);
        let mut words = vec![("userid", self.user())];
        words.extend([("name", player.name.into()), ("networkid", steam.as_str().into())]);
        recorder.say(&events::PLAYER_DISCONNECT, &words);
        self.weapons.values().for_each(|slot| recorder.world.delete(*slot));
        recorder.world.delete(self.pawn);
        recorder.world.delete(self.controller);
    }

    /// Spawns for a new round with full health and one weapon.
    pub fn spawn(&mut self, recorder: &mut Recorder, side: Side, weapon: &'static str) {
        self.side = side;
        self.hide(recorder, false);
        let world = &mut recorder.world;
        world.set_int(self.controller, CONTROLLER_TEAM, side as i32);
        world.set_int(self.pawn, TEAM, side as i32);
        world.set_int(self.pawn, FLASH, 0);
        world.set_int(self.pawn, DEFUSING, false);
        world.set_int(self.pawn, HELMET, true);
        world.set_int(self.pawn, DEFUSER, side == Side::Ct);
        self.armor = 100;
        self.weapons.retain(|name, slot| {
            let kept = *name == weapon;
            if !kept {
                recorder.world.delete(*slot);
            }
            kept
        });
        self.set_health(recorder, 100);
        self.hold(recorder, weapon);
        recorder.say(&events::PLAYER_SPAWN, &self.words());
    }

    /// Switches to a weapon.
    pub fn hold(&mut self, recorder: &mut Recorder, weapon: &'static str) {
        let slot = self.carry(recorder, weapon);
        self.take(recorder, weapon, slot);
    }

    /// Gives the player a weapon if they do not have it; returns its entity slot.
    pub fn carry(&mut self, recorder: &mut Recorder, weapon: &'static str) -> u16 {
        let world = &mut recorder.world;
        let pawn_handle = self.handle;
        let slot = *self.weapons.entry(weapon).or_insert_with(|| {
            let slot = world.create(classes::weapon_class(weapon));
            world.set_int(slot, OWNER, pawn_handle);
            slot
        });
        self.listed = self.listed.max(self.weapons.len());
        world.set_int(self.pawn, WEAPONS, self.listed as i64);
        let handles: Vec<_> = self.weapons.values().map(|slot| world.handle(*slot)).collect();
        for (place, handle) in (0..).zip(handles.into_iter().chain(std::iter::repeat(NO_HANDLE)).take(self.listed)) {
            world.set_int(self.pawn, WEAPONS.item(place, WEAPON_HANDLE), handle);
        }
        slot
    }

    /// Makes the entity in a slot the active weapon.
    pub fn take(&mut self, recorder: &mut Recorder, weapon: &'static str, slot: u16) {
        self.weapon = weapon;
        recorder.world.set_int(self.pawn, WEAPON, recorder.world.handle(slot));
    }

    /// Moves to the next pose. Dead players stay where they are.
    pub fn pose(&mut self, recorder: &mut Recorder, pose: Pose) {
        if self.health > 0 {
            self.pose = pose;
            recorder.world.place(self.pawn, &PAWN_ORIGIN, pose.at);
            recorder.world.set(self.pawn, ANGLES, Value::Angle(0.0, pose.yaw));
        }
    }

    /// Flashes the player for this many seconds.
    pub fn blind(&self, recorder: &mut Recorder, seconds: f32) {
        recorder.world.set(self.pawn, FLASH, Value::Float(seconds));
    }

    /// Hides the player from the recorder, or shows the player again.
    pub fn hide(&self, recorder: &mut Recorder, hide: bool) {
        recorder.world.hide(self.pawn, hide);
    }

    /// Starts or stops defusing.
    pub fn defusing(&self, recorder: &mut Recorder, defusing: bool) {
        recorder.world.set_int(self.pawn, DEFUSING, defusing);
    }

    fn set_health(&mut self, recorder: &mut Recorder, health: i32) {
        self.health = health;
        let world = &mut recorder.world;
        world.set_int(self.pawn, HEALTH, health);
        world.set_int(self.pawn, ARMOR, self.armor);
        world.set_int(self.pawn, LIFE_STATE, if health > 0 { LIVING } else { DEAD });
        world.set_int(self.controller, ALIVE, health > 0);
        world.set_int(self.controller, PAWN_HEALTH, health);
    }

    /// Takes damage to health and armor, from a player or from the world.
    pub fn hurt(&mut self, recorder: &mut Recorder, by: Option<&Seat>, harm: [i32; 2], head: bool) {
        let [health, armor] = [harm[0].min(self.health), harm[1].min(self.armor)];
        self.armor -= armor;
        self.set_health(recorder, self.health - health);
        let mut words = self.words();
        words.extend(attacker(by));
        words.extend([("health", Word::from(i64::from(self.health))), ("armor", i64::from(self.armor).into())]);
        words.extend([("dmg_health", Word::from(i64::from(health))), ("dmg_armor", i64::from(armor).into())]);
        words.push(("hitgroup", if head { HIT_HEAD } else { HIT_CHEST }.into()));
        recorder.say(&events::PLAYER_HURT, &words);
    }

    /// Kills the player.
    pub fn die(&mut self, recorder: &mut Recorder, killer: &Seat, assister: Option<&Seat>, kill: &Kill) {
        let harm = [self.health, 4];
        self.hurt(recorder, Some(killer), harm, kill.headshot);
        self.defusing(recorder, false);
        let mut words = self.words();
        words.extend(attacker(Some(killer)));
        words.push(("assister", assister.map_or(NOBODY.into(), Seat::user)));
        words.push(("assister_pawn", assister.map_or(0.into(), |seat| seat.event_handle.into())));
        words.extend([("assistedflash", kill.flash_assist.into()), ("headshot", kill.headshot.into())]);
        words.extend([("penetrated", kill.wallbang.into()), ("thrusmoke", kill.through_smoke.into())]);
        words.extend([("noscope", kill.noscope.into()), ("attackerblind", kill.blind.into())]);
        words.push(("distance", (distance(self.pose.at, killer.pose.at) * 0.0254).into()));
        recorder.say(&events::PLAYER_DEATH, &words);
    }

    /// Suicide by console command.
    pub fn die_alone(&mut self, recorder: &mut Recorder) {
        self.set_health(recorder, 0);
        self.defusing(recorder, false);
        let mut words = self.words();
        words.extend([("attacker", self.user()), ("attacker_pawn", self.event_handle.into())]);
        words.extend([("assister", NOBODY.into()), ("weapon", "world".into())]);
        recorder.say(&events::PLAYER_DEATH, &words);
    }

    /// Fires the active weapon.
    pub fn shoot(&self, recorder: &mut Recorder) {
        let mut words = self.words();
        words.push(("weapon", format!("weapon_{}", self.weapon).as_str().into()));
        recorder.say(&events::WEAPON_FIRE, &words);
    }

    /// The player's keys in an event.
    pub fn words(&self) -> Vec<(&'static str, Word)> {
        vec![("userid", self.user()), ("userid_pawn", self.event_handle.into())]
    }

    fn user(&self) -> Word {
        (self.player as i64).into()
    }
}

fn attacker(by: Option<&Seat>) -> [(&'static str, Word); 3] {
    let (user, pawn) = by.map_or((NOBODY.into(), 0.into()), |seat| (seat.user(), seat.event_handle.into()));
    [("attacker", user), ("attacker_pawn", pawn), ("weapon", by.map_or("world", |seat| seat.weapon).into())]
}

/// Updates who has spotted whom.
pub fn spot(recorder: &mut Recorder, cast: &Cast) {
    for seat in cast.values() {
        let spotters = cast.values().filter(|other| other.side != seat.side && sees(other, seat));
        let mask = spotters.fold(0_u64, |mask, other| mask | 1_u64.checked_shl(other.player as u32).unwrap_or(0));
        recorder.world.set_int(seat.pawn, SPOTTED.element(0), (mask & 0xffff_ffff) as i64);
        recorder.world.set_int(seat.pawn, SPOTTED.element(1), (mask >> 32) as i64);
    }
}

fn sees(viewer: &Seat, seen: &Seat) -> bool {
    let off = (bearing(viewer.pose.at, seen.pose.at) - viewer.pose.yaw + 540.0).rem_euclid(360.0) - 180.0;
    let near = distance(viewer.pose.at, seen.pose.at) < SIGHT_UNITS;
    viewer.health > 0 && seen.health > 0 && near && off.abs() < SIGHT_DEGREES
}
