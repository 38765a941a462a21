//! Makes player and team names displayable: names in a demo may contain any characters.

use unicode_bidi::{BidiClass, bidi_class};

use super::fonts::Fonts;

/// Maximum length of a displayed name.
const NAME_CHARS: usize = 24;
/// Maximum number of marks on a letter.
const MARKS: u8 = 2;
/// Zero-width non-joiner.
const NON_JOINER: char = '\u{200c}';

/// The displayed name of each player, in order.
pub fn of_players<'a>(names: impl Iterator<Item = &'a str>, fonts: &Fonts) -> Vec<String> {
    names
        .zip(1..)
        .map(|(name, number)| {
            let name = clean(name, fonts);
            if name.is_empty() { format!("Player {number}") } else { name }
        })
        .collect()
}

/// A name on one line, reduced to characters that the fonts have, truncated with an ellipsis.
pub fn clean(name: &str, fonts: &Fonts) -> String {
    let mut shown = String::new();
    let mut marks = MARKS;
    for character in name.chars() {
        if character.is_whitespace() {
            // Collapse runs of whitespace.
            if !shown.is_empty() && !shown.ends_with(' ') {
                shown.push(' ');
            }
            marks = MARKS;
        } else if character == NON_JOINER {
            // It keeps letters apart that would be joined, as Persian needs it; elsewhere it is invisible.
            if shown.chars().next_back().is_some_and(|last| bidi_class(last) == BidiClass::AL) {
                shown.push(character);
            }
        } else if is_invisible(character) || !fonts.has(character) {
            continue;
        } else if bidi_class(character) == BidiClass::NSM {
            // A mark needs a letter below it, and a letter has few.
            if marks < MARKS {
                marks += 1;
                shown.push(character);
            }
        } else {
            marks = 0;
            shown.push(character);
        }
    }
    let shown = shown.trim_end();
    if shown.chars().count() <= NAME_CHARS {
        return shown.to_owned();
    }
    let short: String = shown.chars().take(NAME_CHARS - 1).collect();
    format!("{}…", short.trim_end())
}

/// The title of a map: `DUST II` for `de_dust2`.
pub fn of_map(map: &str, fonts: &Fonts) -> String {
    let name = ["de_", "cs_", "ar_"].into_iter().find_map(|prefix| map.strip_prefix(prefix)).unwrap_or(map);
    let title = clean(&name.replace('_', " "), fonts).to_uppercase();
    if title == "DUST2" { "DUST II".to_owned() } else { title }
}

/// Controls, joiners, direction marks, accents of letters that have them built in, and blank letters.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0xad | 0x300..=0x36f | 0x483..=0x489 | 0x1ab0..=0x1aff | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f
            | 0x20d0..=0x20ff | 0x3164 | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xfeff | 0xffa0 | 0xfff0..=0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_reduced_to_one_line_of_supported_characters() {
        let fonts = Fonts::load().unwrap();
        for (name, shown) in [
            ("magixx", "magixx"),
            ("  two \t\n words ", "two words"),
            ("\u{7}bell\u{0}", "bell"),
            ("Ľuboš Žižka", "Ľuboš Žižka"),
            ("Дмитрий", "Дмитрий"),
            ("Σωκράτης", "Σωκράτης"),
            ("龙之队", "龙之队"),
            ("さくらカナ", "さくらカナ"),
            ("한국인", "한국인"),
            ("🔥Bob🔥", "🔥Bob🔥"),
            ("❤\u{fe0f} 👍🏽 👨\u{200d}👩", "❤ 👍 👨👩"),
            ("محمد علي", "محمد علي"),
            ("می\u{200c}روم", "می\u{200c}روم"),
            ("a\u{200c}b", "ab"),
            ("שלום", "שלום"),
            ("ที่นี่", "ที่นี่"),
            ("ท\u{e48}\u{e48}\u{e48}\u{e48}\u{e48}x", "ท\u{e48}\u{e48}x"),
            ("\u{e48}x", "x"),
            ("\u{202e}evil\u{202c}", "evil"),
            ("z\u{300}\u{301}\u{302}a\u{336}lgo", "zalgo"),
            ("a\u{200b}\u{feff}b", "ab"),
            ("abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwx"),
            ("abcdefghijklmnopqrstuvwxy", "abcdefghijklmnopqrstuvw…"),
            ("\u{3164}", ""),
            ("", ""),
        ] {
            assert_eq!(clean(name, &fonts), shown, "{name:?}");
        }
    }

    #[test]
    fn maps_have_the_titles_players_know() {
        let fonts = Fonts::load().unwrap();
        for (map, title) in
            [("de_dust2", "DUST II"), ("de_nuke", "NUKE"), ("cs_office", "OFFICE"), ("my_map", "MY MAP")]
        {
            assert_eq!(of_map(map, &fonts), title);
        }
    }

    #[test]
    fn players_without_a_displayable_name_are_numbered() {
        let fonts = Fonts::load().unwrap();
        assert_eq!(of_players(["a", "\u{f0000}"].into_iter(), &fonts), ["a", "Player 2"]);
    }
}
