//! What the tools leave behind when they or the game are killed, and how to remove it.

use std::io;

use super::setup::GameSetup;

/// Ends the game on this machine and restores its directory to how Steam installed it.
pub fn sweep(_setup: &GameSetup) -> io::Result<()> {
    Ok(())
}
