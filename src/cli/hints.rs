//! Commands that are named in what is printed: made so that they can be typed as they stand, on the data directory that
//! this command was given.

use std::path::Path;

use crate::cli::Call;
use crate::config;
use crate::domain::wording::quoted;

/// How a message names a command of the operator's: in backticks, without the program and its data directory.
const ADMIN: &str = "`admin ";

/// A message with the program's name, and the data directory where one was given, in every `admin` command that it names
/// in backticks.
pub fn complete(message: &str, call: &Call) -> String {
    message.replace(ADMIN, &format!("`{} admin ", program(call)))
}

/// `admin` and these words, on a line of its own or at the end of one.
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
