//! The price list and its history as JSON.

use serde::Serialize;

use crate::domain::money::Micros;
use crate::domain::rates::{FootageKind, PriceList, RateChange, RateLine};
use crate::wire::human;
use crate::wire::time::rfc3339;

/// The current prices and their history.
#[derive(Clone, Debug, Serialize)]
pub struct RatesView {
    /// The currency of all prices: ISO 4217 code.
    pub currency: String,
    /// Price of a dink per month.
    pub dink: PriceView,
    /// Price of an hour of metered footage, by kind.
    pub hours: Vec<HourView>,
    /// All price changes, newest first.
    pub history: Vec<ChangeView>,
}

/// A price.
#[derive(Clone, Debug, Serialize)]
pub struct PriceView {
    /// In currency units with six decimal places.
    pub price: String,
    /// In micro-units.
    pub price_micros: i128,
}

/// The price of an hour of one kind of footage.
#[derive(Clone, Debug, Serialize)]
pub struct HourView {
    /// `builtin` or `game`.
    pub renderer: String,
    /// Height in lines.
    pub resolution: u32,
    /// Frames per second.
    pub fps: u32,
    /// The price.
    #[serde(flatten)]
    pub price: PriceView,
}

/// A price change.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeView {
    /// When it takes effect. RFC 3339.
    pub at: String,
    /// The change: `{"hour":{…}}`, `{"dink":{…}}` or `{"currency":"EUR"}`.
    #[serde(flatten)]
    pub change: WhatView,
}

/// What was changed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhatView {
    /// The price of an hour.
    Hour(HourView),
    /// The price of a dink.
    Dink(PriceView),
    /// The currency.
    Currency(String),
}

/// Prices in a response.
pub fn view(list: &PriceList, history: &[RateLine]) -> RatesView {
    RatesView {
        currency: list.currency.to_string(),
        dink: price(list.dink),
        hours: list.hours.iter().map(|(kind, amount)| hour(*kind, *amount)).collect(),
        history: history.iter().map(|line| ChangeView { at: rfc3339(line.at_ms), change: what(line.change) }).collect(),
    }
}

/// A change as people read it, without the currency: `dink per month: 215.00`.
pub fn in_words(change: RateChange) -> String {
    match change {
        RateChange::Hour(FootageKind { renderer, resolution, fps }, price) => {
            format!("hour of {} {resolution} at {fps} fps: {}", renderer.as_str(), human::price(price))
        }
        RateChange::Dink(price) => format!("dink per month: {}", human::price(price)),
        RateChange::Currency(code) => format!("currency: {code}"),
    }
}

fn what(change: RateChange) -> WhatView {
    match change {
        RateChange::Hour(kind, amount) => WhatView::Hour(hour(kind, amount)),
        RateChange::Dink(amount) => WhatView::Dink(price(amount)),
        RateChange::Currency(currency) => WhatView::Currency(currency.to_string()),
    }
}

fn hour(kind: FootageKind, amount: Micros) -> HourView {
    let renderer = kind.renderer.as_str().into();
    HourView { renderer, resolution: kind.resolution, fps: kind.fps, price: price(amount) }
}

fn price(amount: Micros) -> PriceView {
    PriceView { price: amount.to_string(), price_micros: amount.get() }
}
