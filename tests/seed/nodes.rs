//! Render nodes in every state.

use dinkem_appliance::config;
use dinkem_appliance::domain::key::{KeyHash, Secret};
use dinkem_appliance::domain::protocol;
use rusqlite::params;
use uuid::Builder;

use crate::store::{DAY, HOUR, MINUTE, Seed};
use crate::words::HARD_NODES;

/// Build of the game on the nodes that have it.
pub const GAME_BUILD: i64 = 14_160;
/// A build whose demos that game does not play.
pub const LATER_BUILD: i64 = 14_170;

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Rendering,
    Draining,
    Drained,
    Benched,
    Stopped,
    Gone,
    GameIdle,
    GameRendering,
    GameNotReady,
    SharedKey,
}

impl Role {
    pub fn has_game(self) -> bool {
        matches!(self, Self::GameIdle | Self::GameRendering | Self::GameNotReady)
    }

    /// Whether all of its slots are busy.
    pub fn is_busy(self) -> bool {
        matches!(self, Self::Rendering | Self::Draining | Self::GameRendering | Self::SharedKey)
    }
}

/// A node as the other parts need it.
pub struct Node {
    pub id: i64,
    pub name: String,
    pub role: Role,
    pub slots: i64,
    /// Its key in clear.
    pub key: String,
}

/// The first nodes, so that even a few show every state.
const FIRST: [Role; 12] = [
    Role::Rendering,
    Role::GameRendering,
    Role::GameIdle,
    Role::Draining,
    Role::Gone,
    Role::Benched,
    Role::Stopped,
    Role::GameNotReady,
    Role::SharedKey,
    Role::Drained,
    Role::Gone,
    Role::Rendering,
];

/// Creates this many. `ahead_ms`: by how much later than now the live ones seem to have been seen.
pub fn create(seed: &mut Seed, count: usize, ahead_ms: i64) -> Vec<Node> {
    let mut roles: Vec<Role> = (0..count)
        .map(|at| match (FIRST.get(at), at % 40) {
            (Some(role), _) => *role,
            (None, 0 | 13) => Role::Gone,
            (None, 20) => Role::Draining,
            (None, 30) => Role::GameIdle,
            _ => Role::Rendering,
        })
        .collect();
    seed.rng.shuffle(&mut roles);
    let hard = seed.wanted(&HARD_NODES);
    let mut nodes: Vec<Node> = Vec::new();
    for role in roles {
        let id = nodes.len() as i64 + 1;
        let name = name(&hard, id, role);
        nodes.push(node(seed, id, name, role, ahead_ms, None));
    }
    let removed = count as i64 + 1;
    let name = format!("render-900 (removed, {})", Builder::from_random_bytes(seed.rng.bytes()).into_uuid());
    node(seed, removed, name, Role::Gone, 0, Some(seed.now - 9 * DAY));
    nodes
}

fn name(hard: &[&str], id: i64, role: Role) -> String {
    match (role, id % 17) {
        (Role::Rendering, 5) if id < 17 * hard.len() as i64 => hard[(id / 17) as usize].to_owned(),
        (Role::Rendering, 9) => format!("slurm-{}", 4_400 + id),
        _ if role.has_game() => format!("game-{id:02}"),
        _ => format!("render-{id:03}"),
    }
}

fn node(seed: &mut Seed, id: i64, name: String, role: Role, ahead_ms: i64, removed: Option<i64>) -> Node {
    let rng = &mut seed.rng;
    let now = seed.now;
    let slots = if role.has_game() { 1 } else { 1 + i64::from(rng.percent(40)) };
    let seen = match role {
        Role::Gone => now - rng.between(3, 3_000) * MINUTE,
        Role::Stopped => now - 5 * HOUR,
        _ => now - rng.between(0, 9_000) + ahead_ms,
    };
    let (version, protocol) = match id % 29 {
        7 => ("0.0.9", protocol::OURS - 1),
        11 => ("0.2.0-rc.1", protocol::OURS + 1),
        _ => (config::VERSION, protocol::OURS),
    };
    let joined = now - rng.between(10, 300) * DAY;
    let public_id = Builder::from_random_bytes(rng.bytes()).into_uuid();
    let key = Builder::from_random_bytes(rng.bytes()).into_uuid().hyphenated().to_string();
    let hash = KeyHash::of(&Secret::new(key.as_str())).0;
    let renderers = match role {
        Role::GameNotReady => "",
        _ if role.has_game() => "game",
        _ => "builtin",
    };
    let is_benched = role == Role::Benched;
    let game = role.has_game();
    let not_ready = "The game was updated and has not passed a try yet: <b>no frames</b>.";
    seed.insert(
        "INSERT INTO nodes (
             id, public_id, name, key_hash, joined_at_ms, seen_at_ms, slots, renderers, draining, removed_at_ms,
             version, protocol, stopped_at_ms, benched_until_ms, benched_because, benchings, doubled_at_ms,
             resolutions, has_game, game_build, game_tools, game_canary, game_not_ready
         )
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id,
            public_id.as_bytes(),
            name,
            hash,
            joined,
            seen,
            slots,
            renderers,
            matches!(role, Role::Draining | Role::Drained),
            removed,
            version,
            protocol,
            (role == Role::Stopped).then_some(now - 5 * HOUR),
            is_benched.then_some(now + 17 * MINUTE),
            if is_benched { "It delivered a video of 12 s instead of 24 s." } else { "" },
            i64::from(is_benched) * 2,
            (role == Role::SharedKey).then_some(now - 2 * MINUTE),
            if game { "1080" } else { "1080,1440" },
            game,
            game.then_some(GAME_BUILD),
            if game { "HLAE 2.187.7, ffmpeg 7.1" } else { "" },
            if game { "recorded 120 frames on de_nuke" } else { "" },
            (role == Role::GameNotReady).then_some(not_ready),
        ],
    );
    Node { id, name, role, slots, key }
}
