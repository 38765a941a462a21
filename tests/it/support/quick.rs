//! The short forged demo of most tests, and an order for a clip of it.

use dinkem_appliance::render::forge;
use serde_json::{Value, json};

use super::file_server::{Answer, FileServer};

/// Whom the tests follow.
pub const PLAYER: u64 = forge::SAMPLE_PLAYER;
/// The round they ask for.
pub const ROUND: u32 = 2;

/// A server that has it as `/quick.dem`.
pub fn server() -> FileServer {
    FileServer::serve(vec![("/quick.dem", Answer::Bytes(forge::quick().into()))])
}

/// The body of `POST /api/clips` for a clip of it.
pub fn job(files: &FileServer) -> Value {
    json!({"demo_url": files.url("/quick.dem"), "steam64_id": PLAYER.to_string(), "round": ROUND})
}
