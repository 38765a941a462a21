//! Commands named in messages, completed with the current data directory so that they can be copied and run.

use std::path::Path;

use crate::cli::Call;
use crate::config;
use crate::domain::wording::quoted;

/// How a message names an operator command: in backticks, without the program name and data directory.
const ADMIN: &str = "`admin ";

/// Adds the program name, and the data directory if one was given, to each `admin` command in backticks in a message.
pub fn complete(message: &str, call: &Call) -> String {
    message.replace(ADMIN, &format!("`{} admin ", program(call)))
}

/// A full `admin` command with these arguments, for a line of its own or the end of one.
pub fn admin(call: &Call, words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    format!("{} admin {}", program(call), words.join(" "))
}

fn program(call: &Call) -> String {
    match &call.repeated_dir {
        Some(dir) => format!("{} --data-dir {}", config::NAME, quoted(&Path::to_string_lossy(dir))),
        None => config::NAME.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_backticks_are_completed_and_other_words_are_left() {
        let call = |dir: Option<&str>| Call { json: false, data_dir: None, repeated_dir: dir.map(Into::into) };
        let message = "The admin says: see `admin doctor`.";
        assert_eq!(complete(message, &call(None)), "The admin says: see `dinkem-appliance admin doctor`.");
        let here = "The admin says: see `dinkem-appliance --data-dir 'my data' admin doctor`.";
        if cfg!(unix) {
            assert_eq!(complete(message, &call(Some("my data"))), here);
        }
    }
}
