//! Thrown items at one tick: grenades in flight, active smokes, burning flames.

use awpy::{Context, Entity};

use crate::render::scene::{Grenade, GrenadeKind, Moment, Side, Smoke};

use super::keys::{Fields, INFERNO, Key, PAWN, PROJECTILES, PlaceKeys, element, side};

/// Maximum number of flames per fire: the length of the game's array.
const FLAMES: usize = 64;

/// Tracks thrown items from tick to tick.
#[derive(Default)]
pub(super) struct Throws {
    keys: Option<ThrowKeys>,
    smokes: Vec<Smoke>,
    /// Entities of detonated grenades that still exist.
    spent: Vec<i64>,
    /// Grenades that were seen in flight, and the sides of their throwers.
    flying: Vec<(i32, Side)>,
}

struct ThrowKeys {
    /// In the order of [`PROJECTILES`].
    places: [PlaceKeys; 5],
    throwers: [Key; 5],
    teams: [Key; 5],
    pawn_team: Key,
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
            throwers: PROJECTILES.map(|(class, _)| Fields::of(context, class).key("m_hThrower")),
            teams: PROJECTILES.map(|(class, _)| Fields::of(context, class).key("m_iTeamNum")),
            pawn_team: Fields::of(context, PAWN).key("m_iTeamNum"),
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
        let (thrower, team, pawn_team) = (keys.throwers[which], keys.teams[which], keys.pawn_team);
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
        let known = self.flying.iter().find(|(known, _)| *known == id).map(|(_, side)| *side);
        let side = known.unwrap_or_else(|| {
            let thrower = entity.get_handle(thrower).and_then(|handle| context.entities().get_by_handle(handle));
            let thrower = thrower.filter(|pawn| &*pawn.class_name == PAWN);
            let side = side(thrower.map_or(entity.get_i64(team), |pawn| pawn.get_i64(pawn_team)));
            self.flying.push((id, side));
            // The index may have belonged to another grenade.
            self.spent.retain(|&spent| spent != i64::from(index));
            side
        });
        if !self.spent.contains(&i64::from(index)) {
            moment.grenades.push(Grenade { id, kind, side, at });
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
