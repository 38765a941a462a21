//! Billing periods: calendar months in UTC.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::Offset;

use super::error::{Error, Result};

/// A half-open time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Start, inclusive. Unix time in milliseconds.
    pub from_ms: i64,
    /// End, exclusive. Unix time in milliseconds.
    pub to_ms: i64,
}

impl Period {
    /// The last millisecond in it. Unix time in milliseconds.
    pub fn last_ms(self) -> i64 {
        self.to_ms - 1
    }
}

/// A calendar month in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: Date,
}

impl Month {
    /// The month that contains a time. Unix time in milliseconds.
    pub fn of(unix_ms: i64) -> Self {
        let time = Timestamp::from_millisecond(unix_ms).unwrap_or_default();
        Self { first: Offset::UTC.to_datetime(time).date().first_of_month() }
    }

    /// Parses `2026-11`; years 1970 to 9998.
    pub fn parse(text: &str) -> Result<Self> {
        let number =
            |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        text.split_once('-')
            .filter(|(year, month)| year.len() == 4 && month.len() == 2)
            .and_then(|(year, month)| Some((number(year)?, number(month)?)))
            .filter(|(year, month)| (1970..=9998).contains(year) && (1..=12).contains(month))
            .map(|(year, month)| Self { first: date(year, month as i8, 1) })
            .ok_or_else(|| Error::invalid("month", "A month must look like 2026-11."))
    }

    /// The month before this one.
    #[must_use]
    pub fn before(self) -> Self {
        let last = self.first.yesterday().unwrap_or(Date::MIN);
        Self { first: last.first_of_month() }
    }

    /// The whole month as a period.
    pub fn period(self) -> Period {
        let next = self.first.last_of_month().tomorrow().unwrap_or(Date::MAX);
        Period { from_ms: midnight_ms(self.first), to_ms: midnight_ms(next) }
    }
}

/// `2026-11`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

/// Start of a day in UTC, Unix time in milliseconds.
fn midnight_ms(day: Date) -> i64 {
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or_default().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_goes_from_midnight_to_midnight_utc() {
        // First millisecond, and the first of the next month.
        let cases = [
            ("2026-11", 1_793_491_200_000, 1_796_083_200_000),
            ("2026-12", 1_796_083_200_000, 1_798_761_600_000),
            ("2028-02", 1_832_976_000_000, 1_835_481_600_000),
            ("1970-01", 0, 2_678_400_000),
        ];
        for (text, from_ms, to_ms) in cases {
            let month = Month::parse(text).unwrap();
            assert_eq!(month.period(), Period { from_ms, to_ms }, "{text}");
            assert_eq!((Month::of(from_ms), Month::of(to_ms - 1)), (month, month), "{text}");
            assert!(Month::of(to_ms) > month && month.to_string() == text, "{text}");
            assert_eq!(Month::of(to_ms).before(), month, "{text}");
        }
    }

    #[test]
    fn invalid_months_are_refused() {
        for text in ["", "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "+026-11", "9999-12", "1969-12"]
        {
            assert!(Month::parse(text).is_err(), "{text:?}");
        }
    }
}
