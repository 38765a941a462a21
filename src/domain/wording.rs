//! Wording of messages: counted nouns, and names quoted for the shell.

use std::fmt::Display;

/// `1 job`, `2 jobs`, `0 jobs`: a number and its noun, with a plural `s` if needed.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let end = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{end}")
}

/// A word that can be pasted into a shell, quoted if necessary.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c) || (cfg!(windows) && c == '\\');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if cfg!(windows) {
        format!("\"{}\"", word.replace('"', "\\\""))
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_every_other_number_plural() {
        assert_eq!(
            [counted(0_u64, "job"), counted(1_u32, "job"), counted(2_usize, "job")],
            ["0 jobs", "1 job", "2 jobs"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn quoted_word_survives_the_shell() {
        let cases = [
            ("studio-a", "studio-a"),
            ("/srv/dinkem", "/srv/dinkem"),
            ("Studio One", "'Studio One'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("$HOME", "'$HOME'"),
            ("a;b", "'a;b'"),
            ("~x", "'~x'"),
            ("Ünï", "'Ünï'"),
        ];
        for (word, typed) in cases {
            assert_eq!(quoted(word), typed);
        }
    }
}
