//! Entity kinds and field keys of a demo, resolved once per pass.

use awpy::{Context, Entity};

use crate::render::scene::GrenadeKind;

use super::keys::{self, ControllerKeys, Fields, Key, PawnKeys, RulesKeys};

/// The role of an entity class in a scene.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Other,
    Pawn,
    Controller,
    Rules,
    Team,
    Inferno,
    Planted,
    Bomb,
    Projectile(GrenadeKind),
}

/// Keys of a team.
pub(super) struct TeamKeys {
    pub number: Key,
    pub name: Key,
    pub score: Key,
}

impl TeamKeys {
    pub fn of(context: &Context) -> Self {
        let team = Fields::of(context, keys::TEAM);
        Self { number: team.key("m_iTeamNum"), name: team.key("m_szClanTeamname"), score: team.key("m_iScore") }
    }
}

/// Everything that is resolved by name.
pub(super) struct Schema {
    /// By class number.
    kinds: Vec<Kind>,
    pub pawn: PawnKeys,
    pub controller: ControllerKeys,
    pub rules: RulesKeys,
    pub team: TeamKeys,
}

impl Schema {
    /// Resolves everything.
    pub fn of(context: &Context) -> Self {
        let classes = context.class_info().classes();
        let highest = classes.iter().map(|class| class.class_id).max().unwrap_or(0);
        let mut kinds = vec![Kind::Other; usize::try_from(highest).unwrap_or(0) + 1];
        for class in classes {
            if let Some(kind) = usize::try_from(class.class_id).ok().and_then(|id| kinds.get_mut(id)) {
                *kind = Kind::of(&class.network_name);
            }
        }
        Self {
            kinds,
            pawn: PawnKeys::of(context),
            controller: ControllerKeys::of(context),
            rules: RulesKeys::of(context),
            team: TeamKeys::of(context),
        }
    }

    /// The kind of an entity.
    pub fn kind(&self, entity: &Entity) -> Kind {
        usize::try_from(entity.class_id).ok().and_then(|id| self.kinds.get(id)).copied().unwrap_or(Kind::Other)
    }
}

impl Kind {
    fn of(class: &str) -> Self {
        match class {
            keys::PAWN => Self::Pawn,
            keys::CONTROLLER => Self::Controller,
            keys::RULES => Self::Rules,
            keys::TEAM => Self::Team,
            keys::INFERNO => Self::Inferno,
            keys::PLANTED => Self::Planted,
            keys::BOMB => Self::Bomb,
            _ => keys::PROJECTILES
                .iter()
                .find(|(projectile, _)| *projectile == class)
                .map_or(Self::Other, |&(_, kind)| Self::Projectile(kind)),
        }
    }
}
