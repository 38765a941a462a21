//! Entity classes and fields that are read from a demo. Field names are resolved to keys once per pass, not on every
//! tick.

use awpy::entity::field_path::FieldPath;
use awpy::{Context, Entity, Serializer, cell_to_world};

use crate::render::scene::{GrenadeKind, Side};

/// Entity classes, besides weapons.
pub(super) const PAWN: &str = "CCSPlayerPawn";
pub(super) const CONTROLLER: &str = "CCSPlayerController";
pub(super) const RULES: &str = "CCSGameRulesProxy";
pub(super) const TEAM: &str = "CCSTeam";
pub(super) const INFERNO: &str = "CInferno";
pub(super) const PLANTED: &str = "CPlantedC4";
pub(super) const BOMB: &str = "CC4";
pub(super) const RESOURCE: &str = "CCSPlayerResource";
/// Grenades in flight.
pub(super) const PROJECTILES: [(&str, GrenadeKind); 5] = [
    ("CSmokeGrenadeProjectile", GrenadeKind::Smoke),
    ("CHEGrenadeProjectile", GrenadeKind::He),
    ("CFlashbangProjectile", GrenadeKind::Flash),
    ("CMolotovProjectile", GrenadeKind::Fire),
    ("CDecoyProjectile", GrenadeKind::Decoy),
];

/// Highest index of a controller entity: the engine's player limit.
pub(super) const CONTROLLERS: i32 = 64;

/// Maximum number of weapons that are read per player. More than anybody can carry.
pub(super) const CARRIED: usize = 16;

/// Distance in map units from the middle of the world to its edge.
const WORLD_UNITS: f32 = 16_384.0;
/// Number of world cells along an axis.
const WORLD_CELLS: u64 = 64;

/// A field's key; `None` if this demo's build does not have the field, which then reads as 0 or empty.
pub(super) type Key = Option<u64>;

/// The side of a team number.
pub(super) fn side(team: i64) -> Side {
    match team {
        2 => Side::T,
        3 => Side::Ct,
        _ => Side::None,
    }
}

/// Resolves the field keys of one class.
pub(super) struct Fields<'a>(Option<&'a Serializer>);

impl<'a> Fields<'a> {
    pub fn of(context: &'a Context, class: &str) -> Self {
        Self(context.serializers().get(class))
    }

    pub fn key(&self, name: &str) -> Key {
        self.0.and_then(|serializer| serializer.resolve_field_key(name))
    }
}

/// The key of one element of an array field.
pub(super) fn element(array: Key, index: usize) -> Key {
    let mut path = FieldPath::unpack(array?);
    path.last += 1;
    *path.data.get_mut(path.last)? = i16::try_from(index).ok()?;
    path.try_pack()
}

/// Keys of an entity's position.
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

    /// The position; `None` if it is missing or outside any map: an unknown field reads as 0 and must not put a
    /// player into a corner of the world.
    pub fn read(&self, entity: &Entity) -> Option<[f32; 3]> {
        let mut place = [0.0; 3];
        for (axis, value) in place.iter_mut().enumerate() {
            let cell = entity.get_u64(self.cell[axis]).filter(|&cell| cell <= WORLD_CELLS)?;
            *value = cell_to_world(cell as i32, entity.get_f32(self.offset[axis]));
        }
        // Not a number fails as well.
        place.iter().all(|value| value.abs() <= WORLD_UNITS).then_some(place)
    }
}

/// Keys of a player's pawn.
pub(super) struct PawnKeys {
    pub place: PlaceKeys,
    pub angles: Key,
    pub health: Key,
    pub armor: Key,
    pub team: Key,
    pub helmet: Key,
    pub kit: Key,
    /// The weapon in hand.
    pub weapon: Key,
    /// How many weapons are carried…
    pub weapons: Key,
    /// …and which.
    pub carried: [Key; CARRIED],
    pub flash: Key,
    pub defusing: Key,
    /// One bit per slot, in two words.
    pub spotted_by: [Key; 2],
}

impl PawnKeys {
    pub fn of(context: &Context) -> Self {
        let fields = Fields::of(context, PAWN);
        let weapons = fields.key("m_pWeaponServices.m_hMyWeapons");
        let spotted_by = fields.key("m_entitySpottedState.m_bSpottedByMask");
        Self {
            place: PlaceKeys::of(&fields),
            angles: fields.key("m_angEyeAngles"),
            health: fields.key("m_iHealth"),
            armor: fields.key("m_ArmorValue"),
            team: fields.key("m_iTeamNum"),
            helmet: fields.key("m_pItemServices.m_bHasHelmet"),
            kit: fields.key("m_pItemServices.m_bHasDefuser"),
            weapon: fields.key("m_pWeaponServices.m_hActiveWeapon"),
            weapons,
            carried: std::array::from_fn(|index| element(weapons, index)),
            flash: fields.key("m_flFlashDuration"),
            defusing: fields.key("m_bIsDefusing"),
            spotted_by: [element(spotted_by, 0), element(spotted_by, 1)],
        }
    }

    /// Who has spotted the player: one bit per slot.
    pub fn spotted(&self, pawn: &Entity) -> u64 {
        let [low, high] = self.spotted_by.map(|key| u64::from(pawn.get_u32(key)));
        low | high << 32
    }
}

/// Keys of a player's controller, which identifies the player.
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

/// Keys of the game rules.
pub(super) struct RulesKeys {
    pub warmup: Key,
    pub freeze: Key,
    pub played: Key,
    pub win_status: Key,
    pub end_winner: Key,
    pub win_reason: Key,
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
            win_reason: fields.key("m_pGameRules.m_eRoundWinReason"),
            round_seconds: fields.key("m_pGameRules.m_iRoundTime"),
        }
    }
}

/// A weapon's name as used in events. Some classes cover two weapons, told apart by the item definition index.
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
