//! Builds of the game, and which of them play a demo.
//!
//! A demo's header has the build that recorded it, and the game's own `PatchVersion` is the same number with dots:
//! 1.41.5.2 is 14152. At some updates older demos stopped playing; between two of these, any build plays any demo. The
//! boundaries were found by other people's reports and are in the design page on nodes.

/// The builds from which on older demos no longer play, in order.
const BOUNDARIES: [u32; 7] = [14_030, 14_088, 14_094, 14_103, 14_112, 14_152, 14_168];

/// Number of boundaries up to a build.
fn epoch(build: u32) -> usize {
    BOUNDARIES.partition_point(|first| *first <= build)
}

/// Whether the game at this build plays a demo of another one.
pub fn plays(game: u32, demo: u32) -> bool {
    epoch(game) == epoch(demo)
}

/// The builds that play a demo, to follow "game build", as seen from `game`: `≥ 14152` for an older game.
pub fn wanted(demo: u32, game: Option<u32>) -> String {
    let after = epoch(demo);
    let first = after.checked_sub(1).and_then(|at| BOUNDARIES.get(at));
    match (first, BOUNDARIES.get(after)) {
        (Some(first), Some(next)) if game.is_some_and(|game| game >= *next) => format!("{first} to {}", next - 1),
        (Some(first), _) => format!("≥ {first}"),
        (None, Some(next)) => format!("< {next}"),
        (None, None) => demo.to_string(),
    }
}

/// The build in a `PatchVersion`, such as 14152 for `1.41.5.2`; `None` if it is none.
pub fn parse_patch_version(text: &str) -> Option<u32> {
    let digits: String = text.trim().chars().filter(|character| *character != '.').collect();
    let is_version = text.contains('.') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_version { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_plays_on_builds_between_the_same_two_boundaries() {
        for (game, demo, fits) in [
            (14_152, 14_160, true),
            (14_167, 14_152, true),
            (14_168, 14_167, false),
            (14_151, 14_152, false),
            (14_011, 14_029, true),
            (14_029, 14_030, false),
            (14_200, 14_168, true),
            (14_093, 14_088, true),
        ] {
            assert_eq!(plays(game, demo), fits, "{game} {demo}");
        }
    }

    #[test]
    fn wanted_builds_are_told_from_where_the_game_stands() {
        for (demo, game, text) in [
            (14_160, Some(14_151), "≥ 14152"),
            (14_160, None, "≥ 14152"),
            (14_160, Some(14_170), "14152 to 14167"),
            (14_200, Some(14_160), "≥ 14168"),
            (14_011, Some(14_160), "< 14030"),
        ] {
            assert_eq!(wanted(demo, game), text, "{demo} {game:?}");
        }
    }

    #[test]
    fn patch_version_is_the_build_with_dots() {
        for (text, build) in [
            ("1.41.5.2", Some(14_152)),
            (" 1.40.1.1\r", Some(14_011)),
            ("1.41.16.0", Some(141_160)),
            ("14152", None),
            ("1.x.5.2", None),
            ("", None),
        ] {
            assert_eq!(parse_patch_version(text), build, "{text:?}");
        }
    }
}
