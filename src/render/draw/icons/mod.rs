//! Icons of weapons, equipment, and circumstances of a kill. Weapons point to the right.

mod weapons;

use std::collections::HashMap;
use std::sync::LazyLock;

use svgtypes::{SimplePathSegment, SimplifyingPathParser};
use tiny_skia::{Path, PathBuilder};

/// An icon: the name of its symbol in `icons.svg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Icon(&'static str);

impl Icon {
    /// The bomb.
    pub const C4: Self = Self("w-c4");
    /// A defuse kit.
    pub const KIT: Self = Self("w-kit");
    /// A smoke grenade.
    pub const SMOKE_GRENADE: Self = Self("w-smoke");
    /// An HE grenade.
    pub const HE_GRENADE: Self = Self("w-he");
    /// A flashbang.
    pub const FLASHBANG: Self = Self("w-flash");
    /// A molotov.
    pub const MOLOTOV: Self = Self("w-molotov");
    /// A decoy.
    pub const DECOY: Self = Self("w-decoy");
    /// A death, or a kill.
    pub const SKULL: Self = Self("m-skull");
    /// A headshot.
    pub const HEADSHOT: Self = Self("m-hs");
    /// A kill through a wall.
    pub const WALLBANG: Self = Self("m-wall");
    /// A kill through smoke.
    pub const SMOKE: Self = Self("m-smoke");
    /// A blinded player.
    pub const BLIND: Self = Self("m-blind");
    /// A shot without the scope.
    pub const NOSCOPE: Self = Self("m-noscope");
    /// A vest.
    pub const ARMOR: Self = Self("m-armor");
    /// A vest and a helmet.
    pub const HELMET: Self = Self("m-helmet");

    /// The icon of a weapon by its name in demos, such as `ak47`. `None` only for an empty name.
    pub fn of_weapon(weapon: &str) -> Option<Self> {
        weapons::symbol(weapon).map(Self)
    }

    /// Width and height of the drawing: weapons are 64 wide, everything else is square.
    pub fn size(self) -> (f32, f32) {
        (if self.0.starts_with("w-") { 64.0 } else { 24.0 }, 24.0)
    }

    /// Where the drawing begins and ends, as fractions of the width.
    pub fn extent(self) -> (f32, f32) {
        let width = self.size().0;
        let bounds = || self.paths().iter().filter_map(Path::compute_tight_bounds);
        let left = bounds().map(|bounds| bounds.left()).fold(width, f32::min);
        let right = bounds().map(|bounds| bounds.right()).fold(0.0, f32::max);
        (left / width, right / width)
    }

    /// The outlines, each filled with the even-odd rule.
    pub fn paths(self) -> &'static [Path] {
        PATHS.get(self.0).map_or(&[], Vec::as_slice)
    }
}

/// By name of the symbol.
static PATHS: LazyLock<HashMap<&'static str, Vec<Path>>> = LazyLock::new(|| {
    let symbols = include_str!("icons.svg").lines().filter(|line| line.starts_with("<symbol"));
    symbols
        .filter_map(|line| Some((values(line, " id=\"").next()?, values(line, " d=\"").filter_map(path).collect())))
        .collect()
});

/// The values of an attribute in a line.
fn values<'a>(line: &'a str, attribute: &'static str) -> impl Iterator<Item = &'a str> {
    line.split(attribute).skip(1).filter_map(|rest| rest.split('"').next())
}

fn path(data: &str) -> Option<Path> {
    let mut path = PathBuilder::new();
    for segment in SimplifyingPathParser::from(data).map_while(Result::ok) {
        match segment {
            SimplePathSegment::MoveTo { x, y } => path.move_to(x as f32, y as f32),
            SimplePathSegment::LineTo { x, y } => path.line_to(x as f32, y as f32),
            SimplePathSegment::CurveTo { x1, y1, x2, y2, x, y } => {
                path.cubic_to(x1 as f32, y1 as f32, x2 as f32, y2 as f32, x as f32, y as f32);
            }
            SimplePathSegment::Quadratic { x1, y1, x, y } => path.quad_to(x1 as f32, y1 as f32, x as f32, y as f32),
            SimplePathSegment::ClosePath => path.close(),
        }
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_is_drawn_inside_its_size() {
        let named = [
            Icon::C4,
            Icon::KIT,
            Icon::SMOKE_GRENADE,
            Icon::HE_GRENADE,
            Icon::FLASHBANG,
            Icon::MOLOTOV,
            Icon::DECOY,
            Icon::SKULL,
            Icon::HEADSHOT,
            Icon::WALLBANG,
            Icon::SMOKE,
            Icon::BLIND,
            Icon::NOSCOPE,
            Icon::ARMOR,
            Icon::HELMET,
        ];
        let weapons = weapons::SYMBOLS.iter().map(|(_, symbol)| Icon(symbol));
        for icon in named.into_iter().chain(weapons) {
            assert!(!icon.paths().is_empty(), "{icon:?}");
            // A small fraction of a pixel at the sizes at which icons are drawn.
            let slack = 0.05;
            let (width, height) = icon.size();
            for path in icon.paths() {
                let bounds = path.compute_tight_bounds().unwrap();
                assert!(bounds.left() >= -slack && bounds.right() <= width + slack, "{icon:?}: {bounds:?}");
                assert!(bounds.top() >= -slack && bounds.bottom() <= height + slack, "{icon:?}: {bounds:?}");
            }
        }
    }

    #[test]
    fn every_line_of_the_drawing_is_read_to_its_end() {
        for line in include_str!("icons.svg").lines().filter(|line| line.starts_with("<symbol")) {
            for data in values(line, " d=\"") {
                assert!(SimplifyingPathParser::from(data).all(|segment| segment.is_ok()), "{data}");
            }
        }
        assert_eq!(PATHS.len(), include_str!("icons.svg").matches("<symbol").count());
    }

    #[test]
    fn every_weapon_has_an_icon() {
        for (weapon, symbol) in [
            ("weapon_ak47", "w-ak47"),
            ("m4a1_silencer_off", "w-m4a1s"),
            ("knife_karambit", "w-knife"),
            ("planted_c4", "w-c4"),
            ("worldspawn", "m-skull"),
            ("something_new", "w-rounds"),
        ] {
            assert_eq!(Icon::of_weapon(weapon), Some(Icon(symbol)), "{weapon}");
        }
        assert_eq!(Icon::of_weapon(""), None);
    }
}
