//! Which icon shows which weapon, by its name in demos.

/// Weapons and their symbols in `icons.svg`.
pub const SYMBOLS: &[(&str, &str)] = &[
    ("ak47", "w-ak47"),
    ("m4a1", "w-m4a1"),
    ("m4a1_silencer", "w-m4a1s"),
    ("m4a1_silencer_off", "w-m4a1s"),
    ("awp", "w-awp"),
    ("ssg08", "w-ssg08"),
    ("scar20", "w-autosniper"),
    ("g3sg1", "w-autosniper"),
    ("famas", "w-famas"),
    ("galilar", "w-galil"),
    ("aug", "w-aug"),
    ("sg556", "w-sg556"),
    ("deagle", "w-deagle"),
    ("revolver", "w-revolver"),
    ("usp_silencer", "w-usp"),
    ("usp_silencer_off", "w-usp"),
    ("hkp2000", "w-p250"),
    ("glock", "w-glock"),
    ("p250", "w-p250"),
    ("fiveseven", "w-glock"),
    ("cz75a", "w-p250"),
    ("tec9", "w-tec9"),
    ("elite", "w-elite"),
    ("mp9", "w-mp9"),
    ("mac10", "w-mac10"),
    ("mp7", "w-mp9"),
    ("mp5sd", "w-smg"),
    ("ump45", "w-smg"),
    ("bizon", "w-bizon"),
    ("p90", "w-p90"),
    ("nova", "w-shotgun"),
    ("xm1014", "w-shotgun"),
    ("sawedoff", "w-shotgun"),
    ("mag7", "w-mag7"),
    ("negev", "w-mg"),
    ("m249", "w-mg"),
    ("taser", "w-zeus"),
    ("hegrenade", "w-he"),
    ("flashbang", "w-flash"),
    ("smokegrenade", "w-smoke"),
    ("decoy", "w-decoy"),
    ("molotov", "w-molotov"),
    ("firebomb", "w-molotov"),
    ("incgrenade", "w-incendiary"),
    ("inferno", "w-fire"),
    ("c4", "w-c4"),
    ("planted_c4", "w-c4"),
    ("karambit", "w-knife"),
    ("world", "m-skull"),
    ("worldspawn", "m-skull"),
    ("trigger_hurt", "m-skull"),
];

/// Symbols of weapons whose names contain a word.
const KINDS: &[(&str, &str)] = &[("knife", "w-knife"), ("bayonet", "w-knife"), ("grenade", "w-he")];

/// Loose rounds, for an unknown weapon.
const UNKNOWN: &str = "w-rounds";

/// The symbol of a weapon; `None` for an empty name.
pub fn symbol(weapon: &str) -> Option<&'static str> {
    let weapon = weapon.strip_prefix("weapon_").unwrap_or(weapon);
    let exact = SYMBOLS.iter().find(|(name, _)| *name == weapon);
    let kind = || KINDS.iter().find(|(word, _)| weapon.contains(word));
    (!weapon.is_empty()).then(|| exact.or_else(kind).map_or(UNKNOWN, |(_, symbol)| *symbol))
}
