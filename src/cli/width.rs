//! Display width of text on a terminal, truncation and padding.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Display width of text without control characters.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// Truncates text to `most` columns, ending in `…`.
pub fn fit(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        left.checked_sub(width).map(|rest| left = rest).is_some()
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

/// Pads text with spaces to this many columns.
pub fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(columns(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_is_that_of_a_terminal() {
        let cases =
            [("", 0), ("queued", 6), ("Ünï", 3), ("日本", 4), ("e\u{301}", 1), ("한국어", 6), ("🎮", 2), ("…", 1)];
        for (text, width) in cases {
            assert_eq!(columns(text), width, "{text}");
        }
    }

    #[test]
    fn text_is_truncated_to_the_given_columns() {
        let cases = [
            ("short", 10, "short"),
            ("exactly ten", 11, "exactly ten"),
            ("exactly ten", 10, "exactly t…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("x", 0, "…"),
        ];
        for (text, most, cut) in cases {
            assert_eq!(fit(text, most), cut, "{text} {most}");
        }
        assert_eq!([padded("日本", 6), padded("abc", 2)], ["日本  ".to_owned(), "abc".to_owned()]);
    }
}
