//! The game events of a forged demo: IDs, keys, and encoding.

use awpy_proto::proto::c_msg_source1_legacy_game_event::KeyT;
use awpy_proto::proto::c_msg_source1_legacy_game_event_list::{self as list, DescriptorT};
use awpy_proto::proto::{CMsgSource1LegacyGameEvent, CMsgSource1LegacyGameEventList};

/// Marks the absence of a player in an event.
pub const NOBODY: i64 = 65535;

/// Types of keys, with the game's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text = 1,
    /// A float.
    Float = 2,
    /// 32 bits.
    Long = 3,
    /// 16 bits.
    Short = 4,
    /// 8 bits.
    Byte = 5,
    /// A flag.
    Bool = 6,
    /// Pawn handle.
    Pawn = 8,
    /// Player slot.
    Player = 9,
}
use Type::{Bool, Byte, Float, Long, Pawn, Player, Short, Text};

/// Definition of an event.
#[derive(Debug)]
pub struct Event {
    id: i32,
    name: &'static str,
    keys: &'static [(&'static str, Type)],
}

macro_rules! events {
    ($($constant:ident $id:literal $name:literal [$($key:literal: $type:ident),*];)*) => {
        $(#[doc = concat!("`", $name, "`")]
        pub static $constant: Event = Event { id: $id, name: $name, keys: &[$(($key, $type)),*] };)*
        static ALL: &[&Event] = &[$(&$constant),*];
    };
}

events! {
    PLAYER_DISCONNECT 9 "player_disconnect" ["userid": Player, "reason": Short, "name": Text, "networkid": Text];
    PLAYER_SPAWN 11 "player_spawn" ["userid": Player, "userid_pawn": Pawn];
    PLAYER_HURT 16 "player_hurt" ["userid": Player, "userid_pawn": Pawn, "attacker": Player, "attacker_pawn": Pawn,
        "health": Byte, "armor": Byte, "weapon": Text, "dmg_health": Short, "dmg_armor": Byte, "hitgroup": Byte];
    ROUND_FREEZE_END 51 "round_freeze_end" [];
    PLAYER_DEATH 53 "player_death" ["userid": Player, "userid_pawn": Pawn, "attacker": Player, "attacker_pawn": Pawn,
        "assister": Player, "assister_pawn": Pawn, "assistedflash": Bool, "weapon": Text, "headshot": Bool,
        "dominated": Short, "revenge": Short, "penetrated": Short, "noscope": Bool, "thrusmoke": Bool,
        "attackerblind": Bool, "distance": Float, "dmg_health": Short, "dmg_armor": Byte, "hitgroup": Byte,
        "attackerinair": Bool];
    MATCH_START 102 "round_announce_match_start" [];
    ROUND_OFFICIALLY_ENDED 106 "round_officially_ended" [];
    BEGIN_NEW_MATCH 113 "begin_new_match" [];
    BOMB_BEGIN_PLANT 135 "bomb_beginplant" ["userid": Player, "userid_pawn": Pawn, "site": Short];
    BOMB_ABORT_PLANT 136 "bomb_abortplant" ["userid": Player, "userid_pawn": Pawn, "site": Short];
    BOMB_PLANTED 137 "bomb_planted" ["userid": Player, "userid_pawn": Pawn, "site": Short];
    BOMB_DEFUSED 138 "bomb_defused" ["userid": Player, "userid_pawn": Pawn, "site": Short];
    BOMB_EXPLODED 139 "bomb_exploded" ["userid": Player, "userid_pawn": Pawn, "site": Short];
    BOMB_DROPPED 140 "bomb_dropped" ["userid": Player, "userid_pawn": Pawn, "entindex": Long];
    BOMB_PICKUP 141 "bomb_pickup" ["userid_pawn": Pawn];
    BOMB_BEGIN_DEFUSE 146 "bomb_begindefuse" ["userid": Player, "userid_pawn": Pawn, "haskit": Bool];
    BOMB_ABORT_DEFUSE 147 "bomb_abortdefuse" ["userid": Player, "userid_pawn": Pawn];
    WEAPON_FIRE 159 "weapon_fire" ["userid": Player, "userid_pawn": Pawn, "weapon": Text, "silenced": Bool];
    GRENADE_THROWN 161 "grenade_thrown" ["userid": Player, "userid_pawn": Pawn, "weapon": Text];
    ROUND_PRESTART 185 "round_prestart" [];
    HE_DETONATE 188 "hegrenade_detonate" ["userid": Player, "userid_pawn": Pawn, "entityid": Short,
        "x": Float, "y": Float, "z": Float];
    FLASH_DETONATE 189 "flashbang_detonate" ["userid": Player, "userid_pawn": Pawn, "entityid": Short,
        "x": Float, "y": Float, "z": Float];
    SMOKE_DETONATE 190 "smokegrenade_detonate" ["userid": Player, "userid_pawn": Pawn, "entityid": Short,
        "x": Float, "y": Float, "z": Float];
    SMOKE_EXPIRED 191 "smokegrenade_expired" ["userid": Player, "userid_pawn": Pawn, "entityid": Short,
        "x": Float, "y": Float, "z": Float];
    INFERNO_STARTBURN 196 "inferno_startburn" ["entityid": Short, "x": Float, "y": Float, "z": Float];
    INFERNO_EXPIRE 197 "inferno_expire" ["entityid": Short, "x": Float, "y": Float, "z": Float];
    WIN_PANEL_MATCH 215 "cs_win_panel_match" [];
}

/// A value in an event.
#[derive(Clone, Debug)]
pub enum Word {
    /// A number, flag, or handle.
    Int(i64),
    /// A length or coordinate.
    Float(f32),
    /// A string.
    Text(String),
}

impl From<i64> for Word {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Word {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<f32> for Word {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Word {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl Event {
    /// Encodes the event with these values; missing keys are zero or empty.
    pub fn say(&self, words: &[(&str, Word)]) -> CMsgSource1LegacyGameEvent {
        let keys = self.keys.iter().map(|(key, kind)| {
            let word = words.iter().find(|(said, _)| said == key).map(|(_, word)| word);
            value(*kind, word.unwrap_or(&Word::Int(0)))
        });
        CMsgSource1LegacyGameEvent { eventid: Some(self.id), keys: keys.collect(), ..Default::default() }
    }
}

fn value(kind: Type, word: &Word) -> KeyT {
    let (int, float, text) = match word {
        Word::Int(value) => (*value, *value as f32, ""),
        Word::Float(value) => (*value as i64, *value, ""),
        Word::Text(text) => (0, 0.0, text.as_str()),
    };
    let mut key = KeyT { r#type: Some(kind as i32), ..KeyT::default() };
    match kind {
        Text => key.val_string = Some(text.to_owned()),
        Float => key.val_float = Some(float),
        Long | Pawn => key.val_long = Some(int as i32),
        Short | Player => key.val_short = Some(int as i32),
        Byte => key.val_byte = Some(int as i32),
        Bool => key.val_bool = Some(int != 0),
    }
    key
}

/// The list of event definitions.
pub fn list() -> CMsgSource1LegacyGameEventList {
    let descriptor = |event: &&Event| DescriptorT {
        eventid: Some(event.id),
        name: Some(event.name.to_owned()),
        keys: event
            .keys
            .iter()
            .map(|(name, kind)| list::KeyT { r#type: Some(*kind as i32), name: Some((*name).to_owned()) })
            .collect(),
    };
    CMsgSource1LegacyGameEventList { descriptors: ALL.iter().map(descriptor).collect() }
}
