//! The operator's prices: by the hour of metered footage, by the month for a dink, in one currency at a time. Each holds
//! from when it was set until it is set again; none is ever forgotten.

use super::job::{FPS, JobSpec, RESOLUTIONS, Renderer};
use super::money::{Currency, Micros};

/// What a rate depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FootageKind {
    /// Which renderer makes it.
    pub renderer: Renderer,
    /// Lines of the picture.
    pub resolution: u32,
    /// Frames per second.
    pub fps: u32,
}

impl FootageKind {
    /// The kind that a job asks for.
    pub fn of(spec: &JobSpec) -> Self {
        Self { renderer: spec.renderer, resolution: spec.resolution, fps: spec.fps }
    }

    /// Every kind there is.
    pub fn all() -> impl Iterator<Item = Self> {
        Renderer::ALL.into_iter().flat_map(|renderer| {
            RESOLUTIONS
                .into_iter()
                .flat_map(move |resolution| FPS.into_iter().map(move |fps| Self { renderer, resolution, fps }))
        })
    }
}

/// What was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateChange {
    /// The rate: price of an hour of metered footage of this kind.
    Hour(FootageKind, Micros),
    /// The flat price of a dink for a month.
    Dink(Micros),
    /// The currency. Prices keep their numbers: nothing is converted.
    Currency(Currency),
}

/// One line of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLine {
    /// What was set.
    pub change: RateChange,
    /// From when on. Unix time in milliseconds.
    pub at_ms: i64,
}

/// The prices in force at some time. What was never set costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceList {
    /// The currency of all of them.
    pub currency: Currency,
    /// Of a dink for a month.
    pub dink: Micros,
    /// Of an hour of metered footage, of every kind.
    pub hours: Vec<(FootageKind, Micros)>,
}
