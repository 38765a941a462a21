//! The operator's prices: per hour of metered footage and per dink and month, in one currency at a time. A price
//! applies from when it is set until it is set again; the history is kept forever.

use super::job::{FPS, JobSpec, RESOLUTIONS, Renderer};
use super::money::{Currency, Micros};

/// What an hourly rate depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FootageKind {
    /// The renderer.
    pub renderer: Renderer,
    /// Picture height in lines.
    pub resolution: u32,
    /// Frames per second.
    pub fps: u32,
}

impl FootageKind {
    /// The kind of footage that a job requests.
    pub fn of(spec: &JobSpec) -> Self {
        Self { renderer: spec.renderer, resolution: spec.resolution, fps: spec.fps }
    }

    /// All kinds of footage.
    pub fn all() -> impl Iterator<Item = Self> {
        Renderer::ALL.into_iter().flat_map(|renderer| {
            RESOLUTIONS
                .into_iter()
                .flat_map(move |resolution| FPS.into_iter().map(move |fps| Self { renderer, resolution, fps }))
        })
    }
}

/// A change of a price or of the currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateChange {
    /// The hourly rate of metered footage of this kind.
    Hour(FootageKind, Micros),
    /// The monthly flat price of a dink.
    Dink(Micros),
    /// The currency. Prices are not converted; they keep their numbers.
    Currency(Currency),
}

/// An entry of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLine {
    /// The change.
    pub change: RateChange,
    /// When it took effect. Unix time in milliseconds.
    pub at_ms: i64,
}

/// The prices in force at some time. A price that was never set is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceList {
    /// The currency of all prices.
    pub currency: Currency,
    /// Price of a dink per month.
    pub dink: Micros,
    /// Hourly rate of each kind of metered footage.
    pub hours: Vec<(FootageKind, Micros)>,
}
