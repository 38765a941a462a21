//! Cursors of lists: the row number of the last item on a page, in hexadecimal so that clients treat it as opaque.

use crate::domain::error::{Error, Result};

/// The cursor of the page after this row.
pub fn text(last: i64) -> String {
    format!("{last:016x}")
}

/// The reverse of [`text`].
pub fn read(text: &str) -> Result<i64> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let row = if digits { i64::from_str_radix(text, 16).ok() } else { None };
    row.ok_or_else(|| Error::invalid("cursor", "cursor must be a next_cursor returned by this server."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_round_trips_and_other_text_is_refused() {
        for row in [0, 1, 500, i64::MAX] {
            assert_eq!(read(&text(row)).unwrap(), row);
        }
        for text in [
            "",
            "1",
            "ffffffffffffffff",
            "000000000000000G",
            "000000000000000A",
            "+00000000000001f",
            "00000000000000001",
        ] {
            assert_eq!(read(text).unwrap_err().field.as_deref(), Some("cursor"), "{text:?}");
        }
    }
}
