//! Cleans text from outside before it is stored or shown: text from nodes, child processes and demos must neither
//! control a terminal nor fill the store.

/// Characters kept of a message from a node or a child process.
pub const SENTENCE_CHARS: usize = 300;

/// Whether a character must not be shown to people: it controls terminals, breaks lines, or changes the direction of
/// the surrounding text.
pub fn is_unclean(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
}

/// One line of at most `chars` characters: unclean characters become spaces, and the ends are trimmed.
pub fn one_line(text: &str, chars: usize) -> String {
    let line: String = text.replace(is_unclean, " ").trim().chars().take(chars).collect();
    line.trim_end().to_owned()
}

/// The same lines without their unclean characters.
pub fn lines(text: &str) -> String {
    text.replace(|c| c != '\n' && is_unclean(c), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_becomes_one_clean_line() {
        let cases = [
            ("plain words.", 300, "plain words."),
            ("  \u{1b}[31mred\u{1b}[0m\n", 300, "[31mred [0m"),
            ("two\r\nlines\tand a tab", 300, "two  lines and a tab"),
            ("evil\u{202e}txt.exe", 300, "evil txt.exe"),
            ("\u{0}\u{7f}\u{9b}", 300, ""),
            ("ünïcode 文字", 9, "ünïcode 文"),
            ("cut at a space", 4, "cut"),
        ];
        for (text, chars, expected) in cases {
            assert_eq!(one_line(text, chars), expected, "{text:?}");
        }
    }

    #[test]
    fn a_log_keeps_its_lines_but_no_terminal_control_characters() {
        assert_eq!(lines("one\ttab\n\u{1b}]0;title\u{7}\nthree\r\n"), "one tab\n ]0;title \nthree \n");
    }
}
