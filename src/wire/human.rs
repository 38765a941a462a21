//! Human-readable times, sizes, amounts and ids. RFC 3339 and full ids are for JSON, CSV and logs.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::domain::money::{Currency, Micros};
use crate::domain::month::Month;
use crate::domain::rates::FootageKind;
use crate::domain::wording::counted;

pub use crate::domain::wording::size;

/// Differences shown as "now".
const NOW_MS: i64 = 5_000;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const TWO_DAYS: i64 = 2 * DAY;
/// Length of a short id.
const SHORT: usize = 8;

/// `3 min ago`, or `in 25 s` for a future time.
pub fn when(now_ms: i64, at_ms: i64) -> String {
    let past = now_ms.saturating_sub(at_ms);
    match past {
        _ if past.saturating_abs() < NOW_MS => "just now".to_owned(),
        0.. => format!("{} ago", span(past)),
        _ => format!("in {}", span(past.saturating_neg())),
    }
}

/// `29 Nov 2026, 03:07 UTC (3 min ago)`: a time that can be found in the log.
pub fn moment(now_ms: i64, at_ms: i64) -> String {
    format!("{} ({})", date_time(at_ms), when(now_ms, at_ms))
}

/// Like [`moment`], or `-` if there is no time.
pub fn moment_any(now_ms: i64, at_ms: Option<i64>) -> String {
    at_ms.map_or_else(|| "-".to_owned(), |at_ms| moment(now_ms, at_ms))
}

/// Like [`when`], or `-` if there is no time.
pub fn when_any(now_ms: i64, at_ms: Option<i64>) -> String {
    at_ms.map_or_else(|| "-".to_owned(), |at_ms| when(now_ms, at_ms))
}

/// `in about 3 min`, `now`: when something is expected.
pub fn estimate(seconds: u64) -> String {
    match seconds {
        0 => "now".to_owned(),
        _ => format!(
            "in about {}",
            span(i64::try_from(seconds).map_or(i64::MAX, |seconds| seconds.saturating_mul(1_000)))
        ),
    }
}

/// A duration in one unit, rounded down: `25 s`, `3 min`, `2 h`, `5 days`.
pub fn span(ms: i64) -> String {
    match ms {
        ..MINUTE => format!("{} s", ms / SECOND),
        MINUTE..HOUR => format!("{} min", ms / MINUTE),
        // Below two days, whole days are too coarse.
        HOUR..TWO_DAYS => format!("{} h", ms / HOUR),
        _ => counted(ms.unsigned_abs() / DAY.unsigned_abs(), "day"),
    }
}

/// `29 Nov 2026`, in UTC.
pub fn date(unix_ms: i64) -> String {
    formatted(unix_ms, "%-d %b %Y")
}

/// `November 2026`.
pub fn month(month: Month) -> String {
    formatted(month.period().from_ms, "%B %Y")
}

/// `29 Nov 2026, 03:07 UTC`.
pub fn date_time(unix_ms: i64) -> String {
    formatted(unix_ms, "%-d %b %Y, %H:%M UTC")
}

fn formatted(unix_ms: i64, format: &str) -> String {
    let time = Timestamp::from_millisecond(unix_ms).unwrap_or_default();
    time.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// `430.00 EUR`.
pub fn money(amount: Micros, currency: Currency) -> String {
    format!("{} {currency}", price(amount))
}

/// `430.00`: exact, with at least two decimals.
pub fn price(amount: Micros) -> String {
    let exact = amount.to_string();
    let (whole, decimals) = exact.split_once('.').unwrap_or((&exact, ""));
    format!("{whole}.{:0<2}", decimals.trim_end_matches('0'))
}

/// Duration of a clip: `12.3 s`, `2 min 5 s`.
pub fn footage(ms: u64) -> String {
    if ms < 60_000 {
        format!("{:.1} s", ms as f64 / 1_000.0)
    } else {
        format!("{} min {} s", ms / 60_000, ms / 1_000 % 60)
    }
}

/// Exact duration with milliseconds: `12:34:56.789`.
pub fn hours(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1_000 % 60, ms / 60_000 % 60, ms / 3_600_000);
    format!("{hours}:{minutes:02}:{seconds:02}.{:03}", ms % 1_000)
}

/// `builtin 1080p30`.
pub fn footage_kind(kind: FootageKind) -> String {
    format!("{} {}p{}", kind.renderer.as_str(), kind.resolution, kind.fps)
}

/// The end of an id: ids start with a timestamp, which ids created close together share.
pub fn short(id: Uuid) -> String {
    let whole = id.simple().to_string();
    whole[whole.len() - SHORT..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_in_utc_and_amounts_have_at_least_two_decimals() {
        assert_eq!(date(1_795_921_653_304), "29 Nov 2026");
        assert_eq!(date_time(1_795_921_653_304), "29 Nov 2026, 03:07 UTC");
        let cases = [
            (430_000_000, "430.00"),
            (470_000, "0.47"),
            (470_001, "0.470001"),
            (500_000, "0.50"),
            (0, "0.00"),
            (1_230_000, "1.23"),
        ];
        for (micros, shown) in cases {
            assert_eq!(price(Micros::new(micros)), shown);
        }
        assert_eq!(money(Micros::new(430_000_000), Currency::DEFAULT), "430.00 USD");
    }

    #[test]
    fn footage_has_minutes_from_one_minute_on() {
        assert_eq!([footage(12_345), footage(125_000)], ["12.3 s", "2 min 5 s"]);
    }

    #[test]
    fn times_are_relative_in_one_unit() {
        let cases = [
            (0, "just now"),
            (4_999, "just now"),
            (-4_000, "just now"),
            (25_000, "25 s ago"),
            (-25_900, "in 25 s"),
            (180_000, "3 min ago"),
            (3_599_999, "59 min ago"),
            (7_200_000, "2 h ago"),
            (90_000_000, "25 h ago"),
            (5 * DAY, "5 days ago"),
            (-825 * DAY, "in 825 days"),
            (i64::MAX, "106751991167 days ago"),
        ];
        for (past, text) in cases {
            assert_eq!(when(0, 0_i64.saturating_sub(past)), text, "{past}");
        }
        assert_eq!(when_any(0, None), "-");
    }

    #[test]
    fn short_id_is_the_end_of_the_id() {
        let id = Uuid::parse_str("01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d").unwrap();
        assert_eq!(short(id), "8a2b6c1d");
    }

    #[test]
    fn hours_are_exact_to_the_millisecond() {
        let cases =
            [(0, "0:00:00.000"), (12_345, "0:00:12.345"), (3_600_000, "1:00:00.000"), (45_296_789, "12:34:56.789")];
        for (ms, text) in cases {
            assert_eq!(hours(ms), text);
        }
    }
}
