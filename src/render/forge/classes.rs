//! The entity classes of a forged demo: the few of the game's some two hundred that demo readers use, with the few
//! fields that matter. Names, types, and encoders are the game's.

use super::schema::{Field, Kind, Prop, Serializer, Wire};

const U8: Wire = Wire::Unsigned("uint8");
const U16: Wire = Wire::Unsigned("uint16");
const U32: Wire = Wire::Unsigned("uint32");
const ENTITY: Wire = Wire::Handle("CHandle< CBaseEntity >");
/// Handle of a weapon.
pub const WEAPON_HANDLE: Wire = Wire::Handle("CHandle< CBasePlayerWeapon >");
const PAWN_HANDLE: Wire = Wire::Handle("CHandle< CCSPlayerPawn >");

const fn leaf(name: &'static str, wire: Wire) -> Field {
    Field { node: "", name, kind: Kind::Leaf(wire) }
}

const fn part(name: &'static str, serializer: &'static Serializer, type_name: &'static str) -> Field {
    Field { node: "", name, kind: Kind::Part(serializer, type_name) }
}

/// A component with a position.
const fn body(version: i32, fields: &'static [Field]) -> Serializer {
    Serializer { name: "CBodyComponentBaseAnimGraph", version, fields }
}

const fn origin(name: &'static str, wire: Wire) -> Field {
    Field { node: "m_skeletonInstance.m_vecOrigin", name, kind: Kind::Leaf(wire) }
}

static COARSE_BODY: Serializer = body(
    0,
    &[
        origin("m_cellX", U16),
        origin("m_cellY", U16),
        origin("m_cellZ", U16),
        origin("m_vecX", Wire::Coarse),
        origin("m_vecY", Wire::Coarse),
        origin("m_vecZ", Wire::Coarse),
    ],
);
/// Players' positions use full floats.
static FINE_BODY: Serializer = body(
    1,
    &[
        origin("m_cellX", U16),
        origin("m_cellY", U16),
        origin("m_cellZ", U16),
        origin("m_vecX", Wire::Fine),
        origin("m_vecY", Wire::Fine),
        origin("m_vecZ", Wire::Fine),
    ],
);

/// The fields of an entity's position: three cells, and an offset in each.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Cell.
    pub cell: [Prop; 3],
    /// Offset within the cell.
    pub within: [Prop; 3],
}

const fn origin_of(class: &Serializer) -> Origin {
    Origin {
        cell: [
            class.prop("CBodyComponent.m_skeletonInstance.m_vecOrigin.m_cellX"),
            class.prop("CBodyComponent.m_skeletonInstance.m_vecOrigin.m_cellY"),
            class.prop("CBodyComponent.m_skeletonInstance.m_vecOrigin.m_cellZ"),
        ],
        within: [
            class.prop("CBodyComponent.m_skeletonInstance.m_vecOrigin.m_vecX"),
            class.prop("CBodyComponent.m_skeletonInstance.m_vecOrigin.m_vecY"),
            class.prop("CBodyComponent.m_skeletonInstance.m_vecOrigin.m_vecZ"),
        ],
    }
}

static MONEY: Serializer = Serializer {
    name: "CCSPlayerController_InGameMoneyServices",
    version: 0,
    fields: &[leaf("m_iAccount", Wire::Int32)],
};
static WEAPON_SERVICES: Serializer = Serializer {
    name: "CCSPlayer_WeaponServices",
    version: 0,
    fields: &[
        Field {
            node: "",
            name: "m_hMyWeapons",
            kind: Kind::List(WEAPON_HANDLE, "CNetworkUtlVectorBase< CHandle< CBasePlayerWeapon > >"),
        },
        leaf("m_hActiveWeapon", WEAPON_HANDLE),
    ],
};
static ITEM_SERVICES: Serializer = Serializer {
    name: "CCSPlayer_ItemServices",
    version: 0,
    fields: &[leaf("m_bHasDefuser", Wire::Bool), leaf("m_bHasHelmet", Wire::Bool)],
};
static RULES: Serializer = Serializer {
    name: "CCSGameRules",
    version: 0,
    fields: &[
        leaf("m_bFreezePeriod", Wire::Bool),
        leaf("m_bWarmupPeriod", Wire::Bool),
        leaf("m_iRoundTime", Wire::Int32),
        leaf("m_fRoundStartTime", Wire::Time),
        leaf("m_gamePhase", Wire::Int32),
        leaf("m_totalRoundsPlayed", Wire::Int32),
        leaf("m_nOvertimePlaying", Wire::Int32),
        leaf("m_bHasMatchStarted", Wire::Bool),
        leaf("m_bBombPlanted", Wire::Bool),
        leaf("m_iRoundWinStatus", Wire::Int32),
        leaf("m_eRoundWinReason", Wire::Int32),
    ],
};

/// The world: entity 0.
pub static WORLD: Serializer = Serializer { name: "CWorld", version: 0, fields: &[leaf("m_hOwnerEntity", ENTITY)] };
/// A player's controller.
pub static CONTROLLER: Serializer = Serializer {
    name: "CCSPlayerController",
    version: 0,
    fields: &[
        leaf("m_iTeamNum", U8),
        leaf("m_hPawn", Wire::Handle("CHandle< CBasePlayerPawn >")),
        leaf("m_iConnected", Wire::Unsigned("PlayerConnectedState")),
        leaf("m_iszPlayerName", Wire::Text("char[128]")),
        leaf("m_steamID", Wire::Fixed64),
        part("m_pInGameMoneyServices", &MONEY, "CCSPlayerController_InGameMoneyServices*"),
        leaf("m_hPlayerPawn", PAWN_HANDLE),
        leaf("m_bPawnIsAlive", Wire::Bool),
        leaf("m_iPawnHealth", U32),
    ],
};
/// One of the four teams.
pub static TEAM: Serializer = Serializer {
    name: "CCSTeam",
    version: 0,
    fields: &[
        leaf("m_iTeamNum", U8),
        leaf("m_iScore", Wire::Int32),
        leaf("m_szTeamname", Wire::Text("char[129]")),
        leaf("m_szClanTeamname", Wire::Text("char[129]")),
    ],
};
/// The entity that carries the game rules.
pub static GAME_RULES: Serializer =
    Serializer { name: "CCSGameRulesProxy", version: 0, fields: &[part("m_pGameRules", &RULES, "CCSGameRules*")] };
/// Fields of a grenade in flight.
const PROJECTILE: &[Field] = &[
    leaf("m_hOwnerEntity", ENTITY),
    part("CBodyComponent", &COARSE_BODY, "CBodyComponent"),
    leaf("m_hThrower", PAWN_HANDLE),
];
/// Fields of a weapon.
const WEAPON: &[Field] = &[leaf("m_hOwnerEntity", ENTITY), part("CBodyComponent", &COARSE_BODY, "CBodyComponent")];
/// A smoke grenade, in flight and while its smoke is active.
pub static SMOKE: Serializer = Serializer {
    name: "CSmokeGrenadeProjectile",
    version: 0,
    fields: &[
        leaf("m_hOwnerEntity", ENTITY),
        part("CBodyComponent", &COARSE_BODY, "CBodyComponent"),
        leaf("m_hThrower", PAWN_HANDLE),
        leaf("m_nSmokeEffectTickBegin", Wire::Int32),
        leaf("m_bDidSmokeEffect", Wire::Bool),
        leaf("m_vSmokeDetonationPos", Wire::Point),
    ],
};
/// Maximum number of points of a fire.
pub const FIRE_POINTS: u16 = 64;
/// A fire on the ground.
pub static INFERNO: Serializer = Serializer {
    name: "CInferno",
    version: 0,
    fields: &[
        leaf("m_hOwnerEntity", ENTITY),
        part("CBodyComponent", &COARSE_BODY, "CBodyComponent"),
        Field { node: "", name: "m_firePositions", kind: Kind::Array(Wire::Point, FIRE_POINTS, "Vector[64]") },
        Field { node: "", name: "m_bFireIsBurning", kind: Kind::Array(Wire::Bool, FIRE_POINTS, "bool[64]") },
        leaf("m_fireCount", Wire::Int32),
    ],
};
/// The planted bomb.
pub static PLANTED_C4: Serializer = Serializer {
    name: "CPlantedC4",
    version: 0,
    fields: &[
        leaf("m_hOwnerEntity", ENTITY),
        part("CBodyComponent", &COARSE_BODY, "CBodyComponent"),
        leaf("m_bBombTicking", Wire::Bool),
        leaf("m_flC4Blow", Wire::Time),
        leaf("m_nBombSite", Wire::Int32),
        leaf("m_bHasExploded", Wire::Bool),
        leaf("m_flTimerLength", Wire::Float),
        leaf("m_bBeingDefused", Wire::Bool),
        leaf("m_flDefuseLength", Wire::Float),
        leaf("m_flDefuseCountDown", Wire::Time),
        leaf("m_bBombDefused", Wire::Bool),
        leaf("m_hBombDefuser", PAWN_HANDLE),
    ],
};
/// A player's pawn.
pub static PAWN: Serializer = Serializer {
    name: "CCSPlayerPawn",
    version: 0,
    fields: &[
        leaf("m_angEyeAngles", Wire::Angle),
        leaf("m_iHealth", Wire::Int32),
        leaf("m_lifeState", U8),
        part("CBodyComponent", &FINE_BODY, "CBodyComponent"),
        leaf("m_iTeamNum", U8),
        part("m_pWeaponServices", &WEAPON_SERVICES, "CPlayer_WeaponServices*"),
        part("m_pItemServices", &ITEM_SERVICES, "CPlayer_ItemServices*"),
        leaf("m_hController", Wire::Handle("CHandle< CBasePlayerController >")),
        leaf("m_flFlashDuration", Wire::Float),
        leaf("m_hOriginalController", Wire::Handle("CHandle< CCSPlayerController >")),
        Field { node: "m_entitySpottedState", name: "m_bSpottedByMask", kind: Kind::Array(U32, 2, "uint32[2]") },
        leaf("m_bIsScoped", Wire::Bool),
        leaf("m_bIsDefusing", Wire::Bool),
        leaf("m_ArmorValue", Wire::Int32),
    ],
};

const fn weapon(name: &'static str) -> Serializer {
    Serializer { name, version: 0, fields: WEAPON }
}

const fn projectile(name: &'static str) -> Serializer {
    Serializer { name, version: 0, fields: PROJECTILE }
}

/// The bomb, carried or dropped.
pub static C4: Serializer = Serializer {
    name: "CC4",
    version: 0,
    fields: &[
        leaf("m_hOwnerEntity", ENTITY),
        part("CBodyComponent", &COARSE_BODY, "CBodyComponent"),
        leaf("m_bStartedArming", Wire::Bool),
    ],
};
/// Grenades in flight.
pub static HE: Serializer = projectile("CHEGrenadeProjectile");
/// See [`HE`].
pub static FLASH: Serializer = projectile("CFlashbangProjectile");
/// See [`HE`].
pub static MOLOTOV: Serializer = projectile("CMolotovProjectile");
/// See [`HE`].
pub static DECOY: Serializer = projectile("CDecoyProjectile");

/// Weapon names in events, and their classes.
pub static WEAPONS: [(&str, Serializer); 17] = [
    ("knife", weapon("CKnife")),
    ("glock", weapon("CWeaponGlock")),
    ("usp_silencer", weapon("CWeaponUSPSilencer")),
    ("deagle", weapon("CDEagle")),
    ("p250", weapon("CWeaponP250")),
    ("ak47", weapon("CAK47")),
    ("galilar", weapon("CWeaponGalilAR")),
    ("m4a1", weapon("CWeaponM4A1")),
    ("m4a1_silencer", weapon("CWeaponM4A1Silencer")),
    ("awp", weapon("CWeaponAWP")),
    ("mac10", weapon("CWeaponMAC10")),
    ("mp9", weapon("CWeaponMP9")),
    ("hegrenade", weapon("CHEGrenade")),
    ("flashbang", weapon("CFlashbang")),
    ("smokegrenade", weapon("CSmokeGrenade")),
    ("molotov", weapon("CMolotovGrenade")),
    ("decoy", weapon("CDecoyGrenade")),
];

/// All classes in the order of their IDs. Components of one version are grouped, because a later version of a
/// serializer replaces the earlier one.
pub fn all() -> Vec<&'static Serializer> {
    let mut all = vec![&WORLD, &CONTROLLER, &TEAM, &GAME_RULES, &SMOKE, &INFERNO, &PLANTED_C4, &C4];
    all.extend([&HE, &FLASH, &MOLOTOV, &DECOY]);
    all.extend(WEAPONS.iter().map(|(_, class)| class));
    all.push(&PAWN);
    all
}

/// The class of a weapon by its name in events; unknown weapons are knives.
pub fn weapon_class(name: &str) -> &'static Serializer {
    let (_, class) = WEAPONS.iter().find(|(known, _)| *known == name).unwrap_or(&WEAPONS[0]);
    class
}

/// Position of a player's pawn.
pub const PAWN_ORIGIN: Origin = origin_of(&PAWN);
/// Position of anything else: everything with an owner and a body begins with the same two fields.
pub const THING_ORIGIN: Origin = origin_of(&SMOKE);
/// Owner of an entity.
pub const OWNER: Prop = SMOKE.prop("m_hOwnerEntity");
