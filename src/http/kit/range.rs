//! Single byte ranges (RFC 9110, section 14). As the RFC allows, a header that is not understood is ignored, and a
//! request for several ranges gets the whole file.

/// The result of a `Range` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The whole file: 200.
    Whole,
    /// An inclusive range: 206.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte.
        last: u64,
    },
    /// A range beyond the end of the file: 416.
    Outside,
}

/// Parses a `Range` header for a file of `length` bytes.
pub fn wanted(header: &str, length: u64) -> Wanted {
    let Some((unit, range)) = header.split_once('=') else { return Wanted::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
        return Wanted::Whole;
    }
    let (Some(first), Some(last)) = (position(first), position(last)) else { return Wanted::Whole };
    match (first, last) {
        (None, None) => Wanted::Whole,
        (Some(first), Some(last)) if first > last => Wanted::Whole,
        (Some(first), _) if first >= length => Wanted::Outside,
        (Some(first), last) => Wanted::Part { first, last: last.unwrap_or(u64::MAX).min(length - 1) },
        (None, Some(suffix)) if suffix == 0 || length == 0 => Wanted::Outside,
        (None, Some(suffix)) => Wanted::Part { first: length.saturating_sub(suffix), last: length - 1 },
    }
}

/// `None`: not a number; `Some(None)`: empty. A number beyond 64 bits is capped, as no file is that long.
fn position(digits: &str) -> Option<Option<u64>> {
    let digits = digits.trim();
    if digits.is_empty() {
        return Some(None);
    }
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| Some(digits.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_parsed_as_in_rfc_9110() {
        let part = |first, last| Wanted::Part { first, last };
        let cases = [
            ("bytes=0-0", part(0, 0)),
            ("bytes=0-", part(0, 999)),
            ("bytes=500-599", part(500, 599)),
            ("bytes=500-5000", part(500, 999)),
            ("bytes=999-999", part(999, 999)),
            ("bytes=-1", part(999, 999)),
            ("bytes=-5000", part(0, 999)),
            ("BYTES=1-2", part(1, 2)),
            ("bytes= 1 - 2 ", part(1, 2)),
            ("bytes=1-99999999999999999999999", part(1, 999)),
            ("bytes=-99999999999999999999999", part(0, 999)),
            ("bytes=1000-", Wanted::Outside),
            ("bytes=1000-2000", Wanted::Outside),
            ("bytes=99999999999999999999999-", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=2-1", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=0-1,", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=1-2-3", Wanted::Whole),
            ("bytes 1-2", Wanted::Whole),
            ("frames=1-2", Wanted::Whole),
            ("", Wanted::Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(wanted(header, 1_000), expected, "{header:?}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Outside);
        assert_eq!(wanted("bytes=-5", 0), Wanted::Outside);
    }
}
