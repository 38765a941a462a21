//! Makes player and team names displayable: names in a demo may contain any characters.

use super::text::Fonts;

/// Maximum length of a displayed name.
const NAME_CHARS: usize = 24;

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
    for character in name.chars() {
        if character.is_whitespace() {
            // Collapse runs of whitespace.
            if !shown.is_empty() && !shown.ends_with(' ') {
                shown.push(' ');
            }
        } else if !is_mark(character) && fonts.has(character) {
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

/// Characters without a width of their own: controls, joiners, direction marks, combining accents.
fn is_mark(character: char) -> bool {
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
            ("🔥Bob🔥", "Bob"),
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
        for (map, title) in [("de_dust2", "DUST II"), ("de_nuke", "NUKE"), ("cs_office", "OFFICE"), ("my_map", "MY MAP")] {
            assert_eq!(of_map(map, &fonts), title);
        }
    }

    #[test]
    fn players_without_a_displayable_name_are_numbered() {
        let fonts = Fonts::load().unwrap();
        assert_eq!(of_players(["a", "🔥"].into_iter(), &fonts), ["a", "Player 2"]);
    }
}
