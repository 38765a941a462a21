//! Detects knife rounds, which decide the choice of sides and do not count.
//!
//! Usually the round's events tell. If no weapon was used at all, as in a round that ended by time, the carried
//! weapons tell: in a pistol round without a shot there are still pistols.

use awpy::{Context, Entity, WeaponSlot, weapon_info};

use crate::render::scene::Side;

use super::container::Container;
use super::events::Arm;
use super::keys::{Fields, PAWN, PawnKeys, side};
use super::people::{Death, Use, between};
use super::rounds::Round;

/// Whether only knives were used in the round or, if no weapon was used, carried.
pub(super) fn knives_only(demo: &Container, round: &Round, uses: &[Use], deaths: &[Death]) -> bool {
    // A weapon used for suicide does not count: coaches do that in knife rounds too.
    let own = |used: &&Use| {
        let mut then = between(deaths, |death| death.tick, used.tick, used.tick).iter();
        used.person.is_some() && then.any(|death| death.own && death.victim == used.person)
    };
    let uses = between(uses, |used| used.tick, round.start_tick, round.end_tick);
    let used = || uses.iter().filter(|used| !own(used));
    if used().any(|used| used.arm == Arm::Gun) {
        return false;
    }
    if used().any(|used| used.kills) {
        return true;
    }
    let looks = [round.freeze_end_tick, round.end_tick.saturating_sub(1)].map(|tick| knives_carried(demo, tick));
    looks.contains(&Some(true)) && !looks.contains(&Some(false))
}

/// Whether living players carry only knives, apart from the bomb; `None` if that cannot be seen.
fn knives_carried(demo: &Container, tick: i32) -> Option<bool> {
    let context = demo.state_at(tick).ok()?;
    let keys = PawnKeys::of(&context);
    let lives = |pawn: &&Entity| {
        &*pawn.class_name == PAWN && pawn.get_i64(keys.health) > 0 && side(pawn.get_i64(keys.team)) != Side::None
    };
    let mut knives = 0;
    for (_, weapon) in context.entities().iter() {
        let Some(info) = weapon_info(&weapon.class_name) else { continue };
        if !owner(&context, weapon).as_ref().is_some_and(lives) {
            continue;
        }
        match info.slot {
            WeaponSlot::Melee => knives += 1,
            WeaponSlot::C4 => {}
            _ => return Some(false),
        }
    }
    (knives > 0).then_some(true)
}

fn owner<'a>(context: &'a Context, weapon: &Entity) -> Option<&'a Entity> {
    let key = Fields::of(context, &weapon.class_name).key("m_hOwnerEntity");
    weapon.get_handle(key).and_then(|handle| context.entities().get_by_handle(handle))
}
