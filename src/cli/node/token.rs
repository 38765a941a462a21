//! Sources of a join token: standard input, a file, the environment, or the command line, which is the last resort
//! because every user of the machine can read it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;

use crate::cli::node::output;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::key::Secret;

/// Maximum bytes read; a token is far smaller.
const TOKEN_BYTES: u64 = 64 << 10;

/// The given token; `-` reads standard input. `is_argument`: whether it was given on the command line.
pub fn given(text: &str, is_argument: bool) -> Result<Secret> {
    if text == "-" {
        return on_stdin();
    }
    if is_argument {
        output::say(
            "warning: a token on the command line is visible to other users of this machine. Give it on standard input \
             (--join -), in a file (--join-file FILE) or as DINKEM_JOIN instead.",
        );
    }
    Ok(Secret::new(text.trim()))
}

/// Reads the token from a file.
pub fn in_file(path: &Path) -> Result<Secret> {
    let token = File::open(path).and_then(read_all).map_err(|error| {
        let message = format!("Cannot read the join token from {}: {error}.", path.display());
        Error::new(Kind::Invalid, ErrorCode::UnreadableFile, message)
    })?;
    not_empty(token, &path.display().to_string())
}

/// On a terminal, prompts for one line; otherwise reads everything.
fn on_stdin() -> Result<Secret> {
    let input = io::stdin();
    let token = if input.is_terminal() {
        output::say("Paste the join token, then press Enter:");
        let mut line = String::new();
        BufReader::new(input.lock().take(TOKEN_BYTES)).read_line(&mut line).map(|_| line)
    } else {
        read_all(input.lock())
    };
    let token = token.map_err(|error| Error::internal("Could not read the join token from standard input.", error))?;
    not_empty(token, "standard input")
}

fn read_all(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(TOKEN_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn not_empty(token: String, place: &str) -> Result<Secret> {
    let token = token.trim();
    if token.is_empty() {
        let message = format!("No join token was read from {place}. Create one on the server: admin nodes token.");
        return Err(Error::new(Kind::Invalid, ErrorCode::NoJoinToken, message));
    }
    Ok(Secret::new(token))
}
