//! How the built-in renderer's camera works.

/// What the built-in renderer shows of the map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CameraMode {
    /// Close shots of the followed player, with few moves between them.
    #[default]
    Follow,
    /// The whole map, all the time.
    Map,
}

impl CameraMode {
    /// All modes.
    pub const ALL: [Self; 2] = [Self::Follow, Self::Map];

    /// The name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Map => "map",
        }
    }

    /// The mode with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}
