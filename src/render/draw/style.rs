//! Appearance of a text: weight, size, alignment.

/// Font weight. Each is a separate font.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// Normal text.
    Semibold,
    /// Names, numbers.
    Bold,
    /// The clock, the score.
    Extrabold,
}

/// Horizontal alignment: which point of the text its position refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Left end.
    Left,
    /// Center.
    Middle,
    /// Right end.
    Right,
}

impl Align {
    /// The fraction of the text's width to the left of its position.
    pub fn share(self) -> f32 {
        match self {
            Self::Left => 0.0,
            Self::Middle => 0.5,
            Self::Right => 1.0,
        }
    }
}

/// Appearance of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextStyle {
    /// Font weight.
    pub weight: Weight,
    /// Font size in design units.
    pub size: f32,
    /// Alignment.
    pub align: Align,
    /// All digits have the same width, for numbers that change in place.
    pub tabular: bool,
}

impl TextStyle {
    /// Left-aligned, proportional digits.
    pub const fn new(weight: Weight, size: f32) -> Self {
        Self { weight, size, align: Align::Left, tabular: false }
    }

    /// Centered.
    pub const fn middle(self) -> Self {
        Self { align: Align::Middle, ..self }
    }

    /// Right-aligned.
    pub const fn right(self) -> Self {
        Self { align: Align::Right, ..self }
    }

    /// All digits have the same width.
    pub const fn tabular(self) -> Self {
        Self { tabular: true, ..self }
    }
}
