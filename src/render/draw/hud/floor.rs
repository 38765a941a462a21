//! The tag that names the floor on which the followed player is.

use super::Panel;
use super::parts::{fitted, slab};
use crate::render::draw::canvas::{Area, Canvas};
use crate::render::draw::palette::{SLAB, TEXT, WHITE};
use crate::render::draw::text::{TextStyle, Weight};

const NAME: TextStyle = TextStyle::new(Weight::Extrabold, 26.0);

/// The name of a floor.
#[derive(PartialEq)]
pub struct Floor(String);

impl Floor {
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl Panel for Floor {
    fn draw(&self, area: Area, canvas: &mut Canvas) {
        slab(area, SLAB.with(0.86), canvas);
        slab(Area { width: 7.0, ..area }, WHITE.solid(), canvas);
        let (style, name) = fitted(NAME, 20.0, &self.0, area.width - 38.0, canvas);
        canvas.text(style, area.x + 22.0, area.y + 36.0, TEXT.solid(), &name);
    }
}
