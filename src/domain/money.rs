//! Money: integer millionths of a currency unit, exact from the price list to the total. Never floating point.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul};

use super::error::{Error, Result};

/// Maximum price in units of the currency: in no currency does an hour or a dink cost more.
const PRICE_UNITS: u32 = 1_000_000_000;

/// Decimal places of a micro-unit.
const DECIMALS: usize = 6;
/// Micro-units in one unit of a currency.
const UNIT: i128 = 1_000_000;
/// Milliseconds in an hour, the unit of rates.
const HOUR_MS: i128 = 3_600_000;

/// An amount of money in micro-units. Never negative; 128 bits, so that no sum over the store can overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(i128);

impl Micros {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// From a number of micro-units.
    pub fn new(micros: i64) -> Self {
        Self(micros.into())
    }

    /// The number of micro-units.
    pub fn get(self) -> i128 {
        self.0
    }

    /// Parses a price as typed by an operator: digits, optionally a point and up to six more; at most
    /// [`PRICE_UNITS`]. No sign, no exponent, no white space.
    pub fn parse_price(text: &str) -> Result<Self> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        if !digits(whole) || !digits(part) || part.len() > DECIMALS {
            return Err(Error::invalid(
                "price",
                format!("A price must look like 0.47: digits, with at most {DECIMALS} decimal places."),
            ));
        }
        // A number too large to parse exceeds the limit, too.
        let micros = format!("{whole}{part:0<DECIMALS$}").parse().unwrap_or(i128::MAX);
        if micros > i128::from(PRICE_UNITS) * UNIT {
            return Err(Error::invalid("price", format!("A price must be at most {PRICE_UNITS}.")));
        }
        Ok(Self(micros))
    }

    /// The cost of footage at this hourly rate. **This is the only rounding in billing: each clip's amount is rounded
    /// half up to a micro-unit; totals are exact sums of these amounts.**
    pub fn for_footage(self, footage_ms: u64) -> Self {
        Self((self.0 * i128::from(footage_ms) + HOUR_MS / 2) / HOUR_MS)
    }
}

/// `0.470000`: always six decimal places, so that columns align and nothing is cut off.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:0DECIMALS$}", self.0 / UNIT, self.0 % UNIT))
    }
}

impl Add for Micros {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Micros {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::add)
    }
}

impl Mul<u32> for Micros {
    type Output = Self;

    fn mul(self, times: u32) -> Self {
        Self(self.0 * i128::from(times))
    }
}

/// A currency code of three capital letters, as in ISO 4217. Whether the code exists is not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The default currency: the one used in the contract's page on pricing.
    pub const DEFAULT: Self = Self(*b"USD");

    /// Parses a currency code.
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        // Three ASCII letters are always valid UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_to_a_millionth() {
        let cases = [
            ("0", 0, "0.000000"),
            ("0.47", 470_000, "0.470000"),
            ("0.000001", 1, "0.000001"),
            ("215", 215_000_000, "215.000000"),
            ("007.5", 7_500_000, "7.500000"),
            ("12.345678", 12_345_678, "12.345678"),
            ("1000000000", 1_000_000_000_000_000, "1000000000.000000"),
        ];
        for (text, micros, written) in cases {
            let price = Micros::parse_price(text).unwrap();
            assert_eq!((price.get(), price.to_string().as_str()), (micros, written), "{text}");
        }
    }

    #[test]
    fn invalid_prices_are_refused() {
        let wrong = [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "0.4700000",
            "0,47",
            " 1",
            "1 ",
            "1_000",
            "1.2.3",
            "0x1",
            "NaN",
            "٣",
            "1000000000.000001",
            "99999999999999999999999999999999999999999999999999",
        ];
        for text in wrong {
            assert_eq!(Micros::parse_price(text).unwrap_err().field.as_deref(), Some("price"), "{text:?}");
        }
    }

    #[test]
    fn footage_is_rounded_half_up_to_a_micro_unit() {
        // Rate in micro-units, footage in milliseconds, amount in micro-units.
        let cases = [
            (470_000, 3_600_000, 470_000),
            (470_000, 0, 0),
            (0, 3_600_000, 0),
            (470_000, 12_345, 1_612),
            // 0.499…, 0.5 and 1.5 of a micro-unit.
            (1, 1_799_999, 0),
            (1, 1_800_000, 1),
            (3, 1_800_000, 2),
        ];
        for (rate, footage_ms, amount) in cases {
            assert_eq!(Micros::new(rate).for_footage(footage_ms), Micros::new(amount), "{rate} × {footage_ms}");
        }
        // The highest price and the longest footage possible.
        let dearest = Micros::parse_price("1000000000").unwrap();
        assert!(dearest.for_footage(u64::MAX) > dearest && dearest * u32::MAX > dearest);
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        for code in ["USD", "EUR", "CHF"] {
            assert_eq!(Currency::parse(code).unwrap().to_string(), code);
        }
        for code in ["", "US", "USDT", "usd", "U$D", "ÄB", "US1", " USD"] {
            assert_eq!(Currency::parse(code), None, "{code:?}");
        }
    }
}
