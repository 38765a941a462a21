//! Misbehavior on order. The words:
//!
//! - HLAE: `hlae-fails`, `no-game`, `error-window` (shown by `tasklist`).
//! - The game: `crash-start`, `crash-seeking`, `crash-recording`, `hang-start`, `hang-seeking`, `hang-recording`,
//!   `never-quits`, `no-video`, `no-sound`, `wrong-player`, `no-pov`, `leaves-child`.
//! - CS Demo Manager: `says MESSAGE` (and fails), `analysis-says MESSAGE`, `hang-analyzing`, `no-plugin`, `no-output`,
//!   `version X`.
//! - A renderer: the names of its endings, see `renderer.rs`.

use std::fs;
use std::path::Path;

/// The file with the orders.
const FILE: &str = "misbehave.txt";

/// Orders that were found.
pub struct Orders(Vec<String>);

impl Orders {
    /// From the closest file next to a program or above it.
    pub fn near(program: &Path) -> Self {
        let text = program.ancestors().skip(1).find_map(|folder| fs::read_to_string(folder.join(FILE)).ok());
        Self(
            text.unwrap_or_default()
                .lines()
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect(),
        )
    }

    /// Whether a word was ordered.
    pub fn has(&self, word: &str) -> bool {
        self.0.iter().any(|order| order == word)
    }

    /// What follows a word.
    pub fn value(&self, word: &str) -> Option<&str> {
        self.0.iter().find_map(|order| order.strip_prefix(word)?.strip_prefix(' '))
    }

    /// The first order.
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }
}
