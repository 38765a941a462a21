//! Display names of weapons. Unknown ones are shown by their internal names.

/// Names that differ from the internal ones by more than capitalization.
const NAMES: &[(&str, &str)] = &[
    ("ak47", "AK-47"),
    ("m4a1", "M4A4"),
    ("m4a1_silencer", "M4A1-S"),
    ("m4a1_silencer_off", "M4A1-S"),
    ("usp_silencer", "USP-S"),
    ("usp_silencer_off", "USP-S"),
    ("hkp2000", "P2000"),
    ("glock", "Glock"),
    ("deagle", "Deagle"),
    ("revolver", "R8"),
    ("elite", "Dualies"),
    ("fiveseven", "Five-SeveN"),
    ("tec9", "Tec-9"),
    ("cz75a", "CZ75"),
    ("p250", "P250"),
    ("galilar", "Galil"),
    ("sg556", "SG 553"),
    ("ssg08", "Scout"),
    ("scar20", "SCAR-20"),
    ("g3sg1", "G3SG1"),
    ("mac10", "MAC-10"),
    ("mp5sd", "MP5-SD"),
    ("ump45", "UMP-45"),
    ("bizon", "Bizon"),
    ("nova", "Nova"),
    ("sawedoff", "Sawed-Off"),
    ("mag7", "MAG-7"),
    ("negev", "Negev"),
    ("taser", "Zeus"),
    ("hegrenade", "HE"),
    ("smokegrenade", "Smoke"),
    ("flashbang", "Flash"),
    ("decoy", "Decoy"),
    ("molotov", "Molotov"),
    ("incgrenade", "Incendiary"),
    ("incendiary", "Incendiary"),
    ("inferno", "Fire"),
    ("c4", "C4"),
    ("planted_c4", "C4"),
    ("karambit", "Knife"),
    ("world", "World"),
    ("worldspawn", "Fall"),
    ("trigger_hurt", "Fall"),
];

/// Maximum length of an unknown weapon's name.
const NAME_CHARS: usize = 16;

/// The display name of a weapon.
pub fn name(weapon: &str) -> String {
    let weapon = weapon.strip_prefix("weapon_").unwrap_or(weapon);
    if let Some((_, name)) = NAMES.iter().find(|(word, _)| *word == weapon) {
        return (*name).to_owned();
    }
    if weapon.contains("knife") || weapon.contains("bayonet") {
        return "Knife".to_owned();
    }
    weapon.chars().filter(|character| !character.is_control()).take(NAME_CHARS).collect::<String>().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weapons_have_the_names_players_know() {
        for (weapon, shown) in [
            ("ak47", "AK-47"),
            ("weapon_m4a1", "M4A4"),
            ("awp", "AWP"),
            ("knife_butterfly", "Knife"),
            ("bayonet", "Knife"),
            ("", ""),
            ("something_quite_new_and_long", "SOMETHING_QUITE_"),
        ] {
            assert_eq!(name(weapon), shown);
        }
    }
}
