//! Which entities and fields of a demo are read. Names become numbers once a pass: nothing is looked up by name at
//! every tick.

use awpy::entity::field_path::FieldPath;
use awpy::{Context, Entity, Serializer, cell_to_world};

use crate::render::scene::{GrenadeKind, Side};

/// Classes that scenes and surveys are read from, besides weapons.
pub(super) const PAWN: &str = "CCSPlayerPawn";
pub(super) const CONTROLLER: &str = "CCSPlayerController";
pub(super) const RULES: &str = "CCSGameRulesProxy";
pub(super) const TEAM: &str = "CCSTeam";
pub(super) const INFERNO: &str = "CInferno";
pub(super) const PLANTED: &str = "CPlantedC4";
pub(super) const BOMB: &str = "CC4";
/// Grenades in flight.
pub(super) const PROJECTILES: [(&str, GrenadeKind); 5] = [
    ("CSmokeGrenadeProjectile", GrenadeKind::Smoke),
    ("CHEGrenadeProjectile", GrenadeKind::He),
    ("CFlashbangProjectile", GrenadeKind::Flash),
    ("CMolotovProjectile", GrenadeKind::Fire),
    ("CDecoyProjectile", GrenadeKind::Decoy),
];

/// Highest index of a controller entity: the engine's limit of players.
pub(super) const CONTROLLERS: i32 = 64;

/// Cells of the world along one axis.
const WORLD_CELLS: u64 = 64;

/// A field's number; `None` where this demo's build has no such field, and then it reads as nothing.
pub(super) type Key = Option<u64>;

/// The side of a team number.
pub(super) fn side(team: i64) -> Side {
    match team {
        2 => Side::T,
        3 => Side::Ct,
        _ => Side::None,
    }
}

/// Finds the numbers of one class's fields.
pub(super) struct Fields<'a>(Option<&'a Serializer>);

impl<'a> Fields<'a> {
    pub fn of(context: &'a Context, class: &str) -> Self {
        Self(context.serializers().get(class))
    }

    pub fn key(&self, name: &str) -> Key {
        self.0.and_then(|serializer| serializer.resolve_field_key(name))
    }
}

/// The number of one element of an array field.
pub(super) fn element(array: Key, index: usize) -> Key {
    let mut path = FieldPath::unpack(array?);
    path.last += 1;
    *path.data.get_mut(path.last)? = i16::try_from(index).ok()?;
    path.try_pack()
}

/// Where an entity is.
#[derive(Clone, Copy)]
pub(super) struct PlaceKeys {
    cell: [Key; 3],
    offset: [Key; 3],
}

impl PlaceKeys {
    pub fn of(fields: &Fields<'_>) -> Self {
        let origin = |name: &str| fields.key(&format!("CBodyComponent.m_skeletonInstance.m_vecOrigin.{name}"));
        Self { cell: ["m_cellX", "m_cellY", "m_cellZ"].map(origin), offset: ["m_vecX", "m_vecY", "m_vecZ"].map(origin) }
    }

    /// The place; `None` where the demo says none, or one outside of any map: an unknown field reads as 0, and must
    /// not put a player into a corner of the world.
    pub fn read(&self, entity: &Entity) -> Option<[f32; 3]> {
        let mut place = [0.0; 3];
        for (axis, value) in place.iter_mut().enumerate() {
            let cell = entity.get_u64(self.cell[axis]).filter(|&cell| cell <= WORLD_CELLS)?;
            *value = cell_to_world(cell as i32, entity.get_f32(self.offset[axis]));
        }
        place.iter().all(|value| value.is_finite()).then_some(place)
    }
}

/// A player's pawn.
pub(super) struct PawnKeys {
    pub place: PlaceKeys,
    pub angles: Key,
    pub health: Key,
    pub armor: Key,
    pub team: Key,
    pub weapon: Key,
    pub flash: Key,
    pub defusing: Key,
    /// One bit a player's slot, in two words.
    pub spotted_by: [Key; 2],
}

impl PawnKeys {
    pub fn of(context: &Context) -> Self {
        let fields = Fields::of(context, PAWN);
        let spotted_by = fields.key("m_entitySpottedState.m_bSpottedByMask");
        Self {
            place: PlaceKeys::of(&fields),
            angles: fields.key("m_angEyeAngles"),
            health: fields.key("m_iHealth"),
            armor: fields.key("m_ArmorValue"),
            team: fields.key("m_iTeamNum"),
            weapon: fields.key("m_pWeaponServices.m_hActiveWeapon"),
            flash: fields.key("m_flFlashDuration"),
            defusing: fields.key("m_bIsDefusing"),
            spotted_by: [element(spotted_by, 0), element(spotted_by, 1)],
        }
    }

    /// Who has spotted the player: one bit a slot.
    pub fn spotted(&self, pawn: &Entity) -> u64 {
        let [low, high] = self.spotted_by.map(|key| u64::from(pawn.get_u32(key)));
        low | high << 32
    }
}

/// A player's controller: who it is.
pub(super) struct ControllerKeys {
    pub steam64: Key,
    pub name: Key,
    pub team: Key,
    pub pawn: Key,
    pub alive: Key,
}

impl ControllerKeys {
    pub fn of(context: &Context) -> Self {
        let fields = Fields::of(context, CONTROLLER);
        Self {
            steam64: fields.key("m_steamID"),
            name: fields.key("m_iszPlayerName"),
            team: fields.key("m_iTeamNum"),
            pawn: fields.key("m_hPlayerPawn"),
            alive: fields.key("m_bPawnIsAlive"),
        }
    }
}

/// The game rules.
pub(super) struct RulesKeys {
    pub warmup: Key,
    pub freeze: Key,
    pub played: Key,
    pub win_status: Key,
    pub end_winner: Key,
    pub round_seconds: Key,
}

impl RulesKeys {
    pub fn of(context: &Context) -> Self {
        let fields = Fields::of(context, RULES);
        Self {
            warmup: fields.key("m_pGameRules.m_bWarmupPeriod"),
            freeze: fields.key("m_pGameRules.m_bFreezePeriod"),
            played: fields.key("m_pGameRules.m_totalRoundsPlayed"),
            win_status: fields.key("m_pGameRules.m_iRoundWinStatus"),
            end_winner: fields.key("m_pGameRules.m_iRoundEndWinnerTeam"),
            round_seconds: fields.key("m_pGameRules.m_iRoundTime"),
        }
    }
}

/// A weapon's name as events have it. Some classes stand for two weapons: there the item's definition decides.
pub(super) fn weapon_name(context: &Context, weapon: &Entity) -> &'static str {
    let Some(info) = awpy::weapon_info(&weapon.class_name) else { return "" };
    let fields = Fields::of(context, &weapon.class_name);
    match weapon.get_i64(fields.key("m_AttributeManager.m_Item.m_iItemDefinitionIndex")) {
        1 => "deagle",
        16 => "m4a1",
        23 => "mp5sd",
        32 => "hkp2000",
        33 => "mp7",
        36 => "p250",
        60 => "m4a1_silencer",
        61 => "usp_silencer",
        63 => "cz75a",
        64 => "revolver",
        _ => info.name,
    }
}
