//! Comma-separated values (RFC 4180) that are safe to open in a spreadsheet.

use crate::wire::escape::plain;

/// One line, without its end. Escapes its cells.
pub fn line<T: AsRef<str>>(cells: &[T]) -> String {
    cells.iter().map(|text| cell(text.as_ref())).collect::<Vec<_>>().join(",")
}

/// Escapes control characters, and prefixes an apostrophe to what a spreadsheet would run as a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = format!("{}{}", if formula { "'" } else { "" }, plain(text));
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_cells_are_escaped_and_never_formulas() {
        let cases = [
            ("studio", "studio"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\\u{9}=1"),
            ("\r=1", "'\\u{d}=1"),
            ("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\""),
            ("a=b", "a=b"),
            ("two\nlines", "two\\u{a}lines"),
        ];
        for (given, escaped) in cases {
            assert_eq!(cell(given), escaped);
        }
    }
}
