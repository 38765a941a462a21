//! The short forged demo that most tests use, and a job for it.

use dinkem_appliance::render::forge;
use serde_json::{Value, json};

use super::file_server::{Answer, FileServer};

/// The player whom the tests follow.
pub const PLAYER: u64 = forge::SAMPLE_PLAYER;
/// The round that the tests render.
pub const ROUND: u32 = 2;

/// Serves the demo as `/quick.dem`.
pub fn server() -> FileServer {
    FileServer::serve(vec![("/quick.dem", Answer::Bytes(forge::quick().into()))])
}

/// The body of `POST /api/clips`.
pub fn job(files: &FileServer) -> Value {
    json!({"demo_url": files.url("/quick.dem"), "steam64_id": PLAYER.to_string(), "round": ROUND})
}
