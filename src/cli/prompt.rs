//! Confirmation prompts.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use crate::domain::error::{Error, Result};

/// Maximum bytes of an answer.
const ANSWER_BYTES: u64 = 1_024;

/// Whether there is a terminal to prompt on.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Prompts on standard error; true for `y` and `yes`, false for anything else and for end of input.
pub fn agrees(question: &str) -> Result<bool> {
    let unanswered = |error| Error::internal("Could not show the confirmation prompt.", error);
    write!(io::stderr(), "{question} [y/N] ").map_err(unanswered)?;
    io::stderr().flush().map_err(unanswered)?;
    let mut answer = String::new();
    io::stdin().lock().take(ANSWER_BYTES).read_line(&mut answer).map_err(unanswered)?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}
