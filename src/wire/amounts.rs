//! Amounts as people type them: durations like `24h` and sizes like `500GB`.

use std::time::Duration;

/// Parses a number followed by `s`, `m`, `h` or `d`.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text, |c| c.is_ascii_digit());
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

/// Parses a number of bytes: `500GB`, `1.5TB`, `20GiB`, `0`. Units are decimal, as in everything that is printed, or
/// binary; the case of their letters does not matter.
pub fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text, |c| c.is_ascii_digit() || c == '.');
    let scale: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" if number == "0" => 1,
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(scale).filter(|bytes| i64::try_from(*bytes).is_ok());
    }
    let bytes = number.parse::<f64>().ok()? * scale as f64;
    // Beyond, a float does not count single bytes.
    (scale > 1 && bytes < 9e15).then_some(bytes as u64)
}

fn split(text: &str, is_number: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c: char| !is_number(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_a_number_with_a_decimal_or_binary_unit() {
        let cases = [
            ("0", Some(0)),
            ("500GB", Some(500_000_000_000)),
            ("500 gb", Some(500_000_000_000)),
            ("1.5TB", Some(1_500_000_000_000)),
            ("20GiB", Some(20 << 30)),
            ("0.5kB", Some(500)),
            ("7b", Some(7)),
            ("5", None),
            ("1.5", None),
            ("GB", None),
            ("-1GB", None),
            ("1e3GB", None),
            ("1.2.3GB", None),
            ("500G", None),
            ("99999999999999999999", None),
            ("9999999TB", None),
            ("", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text), bytes, "{text:?}");
        }
    }
}
