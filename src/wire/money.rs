//! Money in responses.

use serde::Serialize;

use crate::domain::money::{Currency, Micros};
use crate::domain::usage::Sums;

/// An amount in one currency, as a decimal for people and in micro-units for programs.
#[derive(Clone, Debug, Serialize)]
pub struct MoneyView {
    /// ISO 4217 code.
    pub currency: String,
    /// In currency units with six decimal places: `"0.470000"`. Exact.
    pub amount: String,
    /// In micro-units: 470000. Exact.
    pub amount_micros: i128,
}

impl MoneyView {
    /// Converts an amount.
    pub fn of(currency: Currency, amount: Micros) -> Self {
        Self { currency: currency.to_string(), amount: amount.to_string(), amount_micros: amount.get() }
    }

    /// One amount per currency.
    pub fn all(sums: &Sums) -> Vec<Self> {
        sums.iter().map(|(currency, amount)| Self::of(currency, amount)).collect()
    }
}
