//! The weapons that players hold and carry.

use std::collections::HashMap;

use awpy::{Context, Entity, WeaponSlot, weapon_info};

use crate::render::scene::MAX_PLAYERS;

use super::keys::{PawnKeys, weapon_name};

/// What a player has: indices into [`Scene::weapons`](crate::render::scene::Scene::weapons).
#[derive(Clone, Copy, Default)]
pub(super) struct Carried {
    /// The weapon in hand.
    pub hand: u16,
    pub primary: u16,
    pub pistol: u16,
}

/// Tracks everyone's weapons.
pub(super) struct Arms {
    /// Weapon names as in the demo. The first is empty: no weapon.
    pub names: Vec<String>,
    /// By entity index and serial number, so that a reused index counts as another weapon.
    known: HashMap<(i32, u32), (u16, Option<WeaponSlot>)>,
    /// By player: what was last in hand, for demos that do not list who carries what.
    last: [Carried; MAX_PLAYERS],
    /// By player: ticks at which the weapon in hand was not on the list.
    unlisted: [u32; MAX_PLAYERS],
}

/// Ticks with an unlisted weapon in hand from which a list counts as out of date. Many demos have the list that was
/// true when recording began, and never another.
const OUT_OF_DATE_TICKS: u32 = 32;

impl Default for Arms {
    fn default() -> Self {
        Self {
            names: vec![String::new()],
            known: HashMap::new(),
            last: Default::default(),
            unlisted: Default::default(),
        }
    }
}

impl Arms {
    /// The weapons of a living player at this tick.
    pub fn of(&mut self, context: &Context, player: usize, pawn: &Entity, keys: &PawnKeys) -> Carried {
        let weapon = |handle| context.entities().get_by_handle(handle);
        let mut carried = Carried::default();
        let mut listed = Vec::with_capacity(keys.carried.len());
        let count = usize::try_from(pawn.get_i64(keys.weapons)).unwrap_or(0);
        for weapon in keys.carried.iter().take(count).filter_map(|&key| weapon(pawn.get_handle(key)?)) {
            let (name, slot) = self.known(context, weapon);
            listed.push(name);
            carried.put(name, slot);
        }
        let (hand, slot) =
            pawn.get_handle(keys.weapon).and_then(weapon).map_or((0, None), |it| self.known(context, it));
        let last = &mut self.last[player];
        last.put(hand, slot);
        let unlisted = &mut self.unlisted[player];
        *unlisted = unlisted.saturating_add(u32::from(hand != 0 && !listed.contains(&hand)));
        let carried = if *unlisted < OUT_OF_DATE_TICKS && !listed.is_empty() { carried } else { *last };
        Carried { hand, ..carried }
    }

    /// A player died, and will have other weapons in another life.
    pub fn lost(&mut self, player: usize) {
        self.last[player] = Carried::default();
    }

    fn known(&mut self, context: &Context, weapon: &Entity) -> (u16, Option<WeaponSlot>) {
        let names = &mut self.names;
        *self.known.entry((weapon.index, weapon.serial)).or_insert_with(|| {
            let name = weapon_name(context, weapon);
            let known = names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            });
            (u16::try_from(known).unwrap_or(0), weapon_info(&weapon.class_name).map(|info| info.slot))
        })
    }
}

impl Carried {
    fn put(&mut self, name: u16, slot: Option<WeaponSlot>) {
        match slot {
            Some(WeaponSlot::Primary) => self.primary = name,
            Some(WeaponSlot::Secondary) => self.pistol = name,
            _ => {}
        }
    }
}
