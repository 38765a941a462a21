//! Wording of messages: counted nouns, and names quoted for the shell.

use std::fmt::Display;

/// `1 job`, `2 jobs`, `0 jobs`: a number and its noun, with a plural `s` if needed.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let end = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{end}")
}

/// `37.5 MB`, in decimal units.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return counted(bytes, "byte");
    }
    let mut number = bytes as f64 / 1e3;
    let mut unit = 0;
    // Values that would round to 1000.0 use the next unit.
    while number >= 999.95 && unit + 1 < UNITS.len() {
        number /= 1e3;
        unit += 1;
    }
    format!("{number:.1} {}", UNITS[unit])
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
    fn sizes_have_one_decimal_and_a_decimal_unit() {
        let cases = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (321_695, "321.7 kB"),
            (999_960, "1.0 MB"),
            (37_500_000, "37.5 MB"),
            (1_073_741_824, "1.1 GB"),
            (5_000_000_000_000_000, "5000.0 TB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }

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
