//! Thrown items at one tick: grenades in flight, active smokes, burning flames.

use awpy::{Context, Entity};

use crate::render::scene::{Grenade, GrenadeKind, Moment, Side, Smoke};

use super::keys::{Fields, INFERNO, Key, PROJECTILES, PlaceKeys, element};

/// Maximum number of flames per fire: the length of the game's array.
const FLAMES: usize = 64;

/// Tracks thrown items from tick to tick.
#[derive(Default)]
pub(super) struct Throws {
    keys: Option<ThrowKeys>,
    smokes: Vec<Smoke>,
    /// Entities of detonated grenades that still exist.
    spent: Vec<i64>,
    flying: Vec<i32>,
}

struct ThrowKeys {
    /// In the order of [`PROJECTILES`].
    places: [PlaceKeys; 5],
    smoking: Key,
    fires: Key,
    burning: [Key; FLAMES],
    flames: [Key; FLAMES],
}

impl ThrowKeys {
    fn of(context: &Context) -> Self {
        let inferno = Fields::of(context, INFERNO);
        let elements = |name: &str| {
            let array = inferno.key(name);
            std::array::from_fn(|index| element(array, index))
        };
        Self {
            places: PROJECTILES.map(|(class, _)| PlaceKeys::of(&Fields::of(context, class))),
            smoking: Fields::of(context, PROJECTILES[0].0).key("m_bDidSmokeEffect"),
            fires: inferno.key("m_fireCount"),
            burning: elements("m_bFireIsBurning"),
            flames: elements("m_firePositions"),
        }
    }
}

impl Throws {
    fn keys(&mut self, context: &Context) -> &ThrowKeys {
        self.keys.get_or_insert_with(|| ThrowKeys::of(context))
    }

    /// A grenade detonated: its remaining entity is no longer in flight.
    pub fn detonated(&mut self, entity: i64) {
        self.spent.push(entity);
    }

    /// Updates from a thrown grenade.
    pub fn projectile(
        &mut self,
        context: &Context,
        index: i32,
        entity: &Entity,
        kind: GrenadeKind,
        moment: &mut Moment,
    ) {
        let which = PROJECTILES.iter().position(|&(_, known)| known == kind).unwrap_or(0);
        let keys = self.keys(context);
        let smoking = kind == GrenadeKind::Smoke && entity.get_bool(keys.smoking);
        let Some(at) = keys.places[which].read(entity) else { return };
        // Indices are reused; together with the serial number they are unique.
        let id = index | ((entity.serial & 0xffff) << 14) as i32;
        if smoking {
            let smoke = Smoke { id, at, since_tick: moment.tick };
            let known = self.smokes.iter().find(|known| known.id == id).copied();
            moment.smokes.push(known.unwrap_or_else(|| {
                self.smokes.push(smoke);
                smoke
            }));
            return;
        }
        if !self.flying.contains(&id) {
            self.flying.push(id);
            // The index may have belonged to another grenade.
            self.spent.retain(|&spent| spent != i64::from(index));
        }
        if !self.spent.contains(&i64::from(index)) {
            moment.grenades.push(Grenade { id, kind, side: Side::None, at });
        }
    }

    /// Updates from a fire.
    pub fn inferno(&mut self, context: &Context, entity: &Entity, moment: &mut Moment) {
        let keys = self.keys(context);
        let count = usize::try_from(entity.get_i64(keys.fires)).unwrap_or(0).min(FLAMES);
        for flame in 0..count {
            let at = entity.get_vector3(keys.flames[flame]);
            if entity.get_bool(keys.burning[flame]) && at.iter().all(|axis| axis.is_finite()) {
                moment.flames.push(at);
            }
        }
    }
}
