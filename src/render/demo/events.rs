//! Interprets game events, which the parser delivers as text.

use awpy::GameEvent;

use crate::render::scene::{Effect, EffectKind, Kill};

/// Typed access to the values of one event.
pub(super) struct Values<'a>(&'a GameEvent);

impl<'a> Values<'a> {
    pub fn of(event: &'a GameEvent) -> Self {
        Self(event)
    }

    /// A value as text; empty if the event does not have it.
    pub fn text(&self, key: &str) -> &'a str {
        self.0.keys.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value.as_str())
    }

    pub fn number(&self, key: &str) -> i64 {
        self.text(key).parse().unwrap_or(0)
    }

    pub fn flag(&self, key: &str) -> bool {
        matches!(self.text(key), "true" | "1")
    }

    /// `x`, `y`, `z`; `None` if they are missing or invalid.
    pub fn place(&self) -> Option<[f32; 3]> {
        let axis = |key| self.text(key).parse::<f32>().ok().filter(|value| value.is_finite());
        Some([axis("x")?, axis("y")?, axis("z")?])
    }

    /// A player: `userid`, `attacker`, `assister`. `None` for nobody.
    pub fn actor(&self, key: &str) -> Option<Actor> {
        let slot = match self.text(key) {
            "" => None,
            text => Some(text.parse::<i64>().ok()?),
        };
        if slot == Some(NOBODY) {
            return None;
        }
        // Handles in events have 15 index bits (14 in entities) and may be negative.
        let pawn = self.0.keys.iter().find(|(name, _)| name.strip_prefix(key) == Some("_pawn"));
        let pawn = pawn.and_then(|(_, value)| value.parse::<i64>().ok()).map(|handle| (handle & 0x7fff) as i32);
        let pawn = pawn.filter(|&index| index > 0 && index <= 0x3fff);
        // A slot is the controller index minus one; its upper byte is to be ignored.
        let controller = slot.map(|slot| (slot & 0xff) as i32 + 1);
        (pawn.is_some() || controller.is_some()).then_some(Actor { pawn, controller })
    }
}

/// What an event has in place of a player when there is none.
const NOBODY: i64 = 65_535;

/// A player as referenced by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    /// Index of the pawn entity.
    pub pawn: Option<i32>,
    /// Index of the controller entity.
    pub controller: Option<i32>,
}

impl Values<'_> {
    /// A `player_death`; `None` if the victim is not in the round.
    pub fn kill(&self, tick: i32, player: impl Fn(&str) -> Option<usize>) -> Option<Kill> {
        Some(Kill {
            tick,
            killer: player("attacker"),
            victim: player("userid")?,
            assister: player("assister"),
            weapon: self.text("weapon").to_owned(),
            headshot: self.flag("headshot"),
            wallbang: self.number("penetrated") > 0,
            through_smoke: self.flag("thrusmoke"),
            noscope: self.flag("noscope"),
            blind: self.flag("attackerblind"),
            flash_assist: self.flag("assistedflash"),
        })
    }

    /// A `weapon_fire`; `None` for weapons without a visible shot.
    pub fn shot(&self, tick: i32, player: impl Fn(&str) -> Option<usize>) -> Option<Effect> {
        let weapon = self.text("weapon").trim_start_matches("weapon_");
        if weapon.contains("knife") || weapon.contains("grenade") || SILENT.contains(&weapon) {
            return None;
        }
        Some(Effect { tick, kind: EffectKind::Shot(player("userid")?), at: [0.0; 3] })
    }

    /// A `hegrenade_detonate` or `flashbang_detonate`.
    pub fn detonation(&self, tick: i32) -> Option<Effect> {
        let he = self.0.name == "hegrenade_detonate";
        Some(Effect { tick, kind: if he { EffectKind::He } else { EffectKind::Flash }, at: self.place()? })
    }
}

/// Kind of weapon, as far as knife rounds are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arm {
    Knife,
    /// Guns, grenades, the taser: anything not used in a knife round.
    Gun,
}

impl Arm {
    /// Classifies a weapon name from an event or entity. `None` for the bomb and for non-weapons.
    pub fn of(name: &str) -> Option<Self> {
        let name = name.trim_start_matches("weapon_");
        match name {
            "" | "world" | "worldspawn" | "c4" | "planted_c4" => None,
            _ if name.contains("knife") || name.contains("bayonet") => Some(Self::Knife),
            _ => Some(Self::Gun),
        }
    }
}

/// Other weapons that fire events but have no visible shot, besides knives and grenades.
const SILENT: [&str; 7] = ["bayonet", "flashbang", "molotov", "decoy", "c4", "healthshot", "fists"];
