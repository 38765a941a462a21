//! Money in answers.

use serde::Serialize;

use crate::domain::money::{Currency, Micros};
use crate::domain::usage::Sums;

/// An amount in one currency, twice: as people read it and as programs add it.
#[derive(Clone, Debug, Serialize)]
pub struct MoneyView {
    /// ISO 4217's three letters.
    pub currency: String,
    /// In units of the currency, with six digits after the point: `"0.470000"`. Exact.
    pub amount: String,
    /// In micro-units: 470000. Exact.
    pub amount_micros: i128,
}

impl MoneyView {
    /// An amount.
    pub fn of(currency: Currency, amount: Micros) -> Self {
        Self { currency: currency.to_string(), amount: amount.to_string(), amount_micros: amount.get() }
    }

    /// One for each currency.
    pub fn all(sums: &Sums) -> Vec<Self> {
        sums.iter().map(|(currency, amount)| Self::of(currency, amount)).collect()
    }
}
