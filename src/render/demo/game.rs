//! Checks which game a demo is from. Other Source 2 games use the same container.

use awpy::Parser;

use crate::domain::error::Result;
use crate::domain::failure::FailureCode;

use super::failure;
use super::keys::{CONTROLLER, RULES};

/// Directory and name of games whose demos are likely to be submitted by mistake.
const GAMES: [(&str, &str); 3] = [("citadel", "Deadlock"), ("dota", "Dota 2"), ("hlvr", "Half-Life: Alyx")];
/// The directory of Counter-Strike 2, which kept the name of its predecessor.
const COUNTER_STRIKE: &str = "csgo";
/// Maximum length of an unknown game's directory to be quoted.
const FOLDER_CHARS: usize = 32;

/// Rejects demos of other games. If the header's directory is missing or unknown, the demo's entity classes decide;
/// the directory then names the other game.
pub(super) fn refuse_others(sign_on: &Parser) -> Result<()> {
    let directory = sign_on.file_header().ok().and_then(|header| header.game_directory).unwrap_or_default();
    let folder = directory.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default().to_ascii_lowercase();
    if folder == COUNTER_STRIKE {
        return Ok(());
    }
    let ours = match sign_on.parse_class_info() {
        Ok(info) => {
            [RULES, CONTROLLER].iter().all(|ours| info.classes().iter().any(|class| &*class.network_name == *ours))
        }
        // Too damaged to tell: rely on the directory.
        Err(_) => folder.is_empty(),
    };
    if ours {
        return Ok(());
    }
    let message = format!("This is a demo of {}. Only Counter-Strike 2 demos are supported.", name(&folder));
    Err(failure(FailureCode::DemoUnsupported, message))
}

fn name(folder: &str) -> String {
    if let Some((_, name)) = GAMES.iter().find(|(known, _)| *known == folder) {
        return (*name).to_owned();
    }
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if folder.is_empty() || folder.len() > FOLDER_CHARS || !folder.chars().all(plain) {
        return "another game".to_owned();
    }
    format!("another game (\"{folder}\")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_games_are_named_and_others_quoted_by_directory() {
        for (folder, said) in [
            ("citadel", "Deadlock"),
            ("dota", "Dota 2"),
            ("some_mod-2", "another game (\"some_mod-2\")"),
            ("", "another game"),
            ("evil\u{202e}\n", "another game"),
            ("a folder", "another game"),
            (&"x".repeat(33), "another game"),
        ] {
            assert_eq!(name(folder), said, "{folder:?}");
        }
    }
}
