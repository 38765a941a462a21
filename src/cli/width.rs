//! How many columns a text takes on a terminal, and texts that are cut to fit.

/// Characters that take two columns: the wide ones of East Asian writing, and pictures.
const WIDE: [(char, char); 14] = [
    ('\u{1100}', '\u{115F}'),
    ('\u{231A}', '\u{231B}'),
    ('\u{2E80}', '\u{303E}'),
    ('\u{3041}', '\u{A4CF}'),
    ('\u{A960}', '\u{A97F}'),
    ('\u{AC00}', '\u{D7A3}'),
    ('\u{F900}', '\u{FAFF}'),
    ('\u{FE30}', '\u{FE6F}'),
    ('\u{FF00}', '\u{FF60}'),
    ('\u{FFE0}', '\u{FFE6}'),
    ('\u{1F300}', '\u{1F64F}'),
    ('\u{1F680}', '\u{1F6FF}'),
    ('\u{1F900}', '\u{1FAFF}'),
    ('\u{20000}', '\u{3FFFD}'),
];
/// Characters that take none: they join the one before.
const JOINED: [(char, char); 8] = [
    ('\u{0300}', '\u{036F}'),
    ('\u{0483}', '\u{0489}'),
    ('\u{0591}', '\u{05BD}'),
    ('\u{064B}', '\u{065F}'),
    ('\u{1AB0}', '\u{1AFF}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{20D0}', '\u{20FF}'),
    ('\u{FE00}', '\u{FE0F}'),
];

/// Columns of a text without control characters.
pub fn columns(text: &str) -> usize {
    text.chars().map(of).sum()
}

/// The text, or its beginning and `…` where it is wider than `most` columns.
pub fn fit(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = |c: &char| {
        let width = of(*c);
        left.checked_sub(width).map(|rest| left = rest).is_some()
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.push('…');
    cut
}

/// The text with spaces behind it, up to so many columns.
pub fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(columns(text))))
}

fn of(c: char) -> usize {
    let within = |ranges: &[(char, char)]| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
    match c {
        _ if c.is_ascii() => 1,
        _ if within(&JOINED) => 0,
        _ if within(&WIDE) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_wide_as_a_terminal_shows_it() {
        let cases =
            [("", 0), ("queued", 6), ("Ünï", 3), ("日本", 4), ("e\u{301}", 1), ("한국어", 6), ("🎮", 2), ("…", 1)];
        for (text, width) in cases {
            assert_eq!(columns(text), width, "{text}");
        }
    }

    #[test]
    fn a_text_is_cut_to_the_columns_there_are() {
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
