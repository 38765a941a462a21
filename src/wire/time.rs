//! Times in requests and responses: RFC 3339, written in UTC with milliseconds.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::error::{Error, Result};

/// `2026-11-23T05:48:26.000Z` from Unix time in milliseconds; times outside the calendar's range are clamped.
pub fn rfc3339(unix_ms: i64) -> String {
    let time =
        Timestamp::from_millisecond(unix_ms).unwrap_or(if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX });
    format!("{time:.3}")
}

/// A time from a client: RFC 3339 with an offset, or a date, which means midnight UTC. Returns Unix time in
/// milliseconds; finer fractions are truncated.
pub fn parse_moment(text: &str) -> Option<i64> {
    const DATE: &str = "0000-00-00";
    const SECONDS: &str = "0000-00-00T00:00:00";
    if has_form(text, DATE) {
        return text.parse::<Date>().ok().and_then(|day| moment(&format!("{day}T00:00:00Z")));
    }
    // RFC 3339 allows a lower-case `t` and `z`.
    let text = text.to_ascii_uppercase();
    let (seconds, rest) = text.split_at_checked(SECONDS.len())?;
    let digits = rest.strip_prefix('.').map(|fraction| fraction.bytes().take_while(u8::is_ascii_digit).count());
    let offset = match digits {
        Some(0) => return None,
        Some(digits) => rest.get(1 + digits..)?,
        None => rest,
    };
    let signed = offset.strip_prefix(['+', '-']).is_some_and(|time| has_form(time, "00:00"));
    (has_form(seconds, SECONDS) && (offset == "Z" || signed)).then(|| moment(&text)).flatten()
}

/// Reads [`parse_moment`]'s form from a query parameter.
pub fn read_moment(name: &str, text: &str) -> Result<i64> {
    parse_moment(text).ok_or_else(|| {
        let form = "a date like 2026-11-01 or a time like 2026-11-01T00:00:00Z (write + as %2B)";
        Error::invalid(name, format!("{name} must be {form}."))
    })
}

fn moment(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// Whether a text matches a pattern in which 0 stands for any digit.
fn has_form(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, form)| byte == form || (form == b'0' && byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_rfc_3339_or_a_date() {
        let cases = [
            ("2026-11-06T21:20:00.007Z", Some(1_794_000_000_007)),
            ("2026-11-06t21:20:00z", Some(1_794_000_000_000)),
            ("2026-11-06T22:20:00+01:00", Some(1_794_000_000_000)),
            ("2026-11-06T12:50:00.5-08:30", Some(1_794_000_000_500)),
            ("2026-11-06T21:20:00.123456789Z", Some(1_794_000_000_123)),
            ("2026-11-06", Some(1_793_923_200_000)),
            ("2028-02-29", Some(1_835_395_200_000)),
            ("1969-12-31", Some(-86_400_000)),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("2026-11-06T21:20:00", None),
            ("2026-11-06T21:20Z", None),
            ("2026-11-06 21:20:00Z", None),
            ("2026-11-06T24:20:00Z", None),
            ("2026-11-06T21:20:00.Z", None),
            ("2026-11-06T21:20:00.Z5", None),
            ("2026-11-06T21:20:00+0100", None),
            ("2026-11-06T21:20:00Z[UTC]", None),
            ("2026-11-06T21:20:00 01:00", None),
            ("20261106", None),
            ("2026-11", None),
            ("+002026-11-06", None),
            ("1794000000000", None),
            ("today", None),
            ("", None),
            ("2026-11-0é", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_moment(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_time_has_milliseconds_and_a_z() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_794_000_000_007), "2026-11-06T21:20:00.007Z");
    }
}
