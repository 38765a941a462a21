//! Which game a demo is of. Other games of the same engine record in the same container.

use awpy::Parser;

use crate::domain::error::Result;
use crate::domain::failure::FailureCode;

use super::failure;
use super::keys::{CONTROLLER, RULES};

/// The folders of games that are likely to be mistaken for this one, and the names of the games.
const GAMES: [(&str, &str); 3] = [("citadel", "Deadlock"), ("dota", "Dota 2"), ("hlvr", "Half-Life: Alyx")];
/// The folder of Counter-Strike 2, which has kept the name of its predecessor's.
const COUNTER_STRIKE: &str = "csgo";
/// Characters of an unknown game's folder that are quoted.
const FOLDER_CHARS: usize = 32;

/// Refuses what another game has recorded. Where the folder in the header is not the game's own, or there is none, what
/// a demo consists of decides; the folder then gives the other game its name.
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
        // Too damaged to tell: then the folder must do.
        Err(_) => folder.is_empty(),
    };
    if ours {
        return Ok(());
    }
    let message = format!("This is a demo of {}. Only Counter-Strike 2 demos can be rendered.", name(&folder));
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
    fn a_game_is_called_by_its_name_and_an_unknown_one_by_its_folder() {
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
