//! Times on the wire: RFC 3339, UTC, milliseconds.

/// `2026-11-23T05:48:26.000Z` from Unix time in milliseconds; times outside the calendar's range are clamped.
pub fn rfc3339(unix_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(if unix_ms < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    });
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_milliseconds_and_a_z() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_794_000_000_007), "2026-11-06T21:20:00.007Z");
    }
}
