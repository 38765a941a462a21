//! Output: results to standard output, messages to standard error, untrusted names escaped.

use std::fmt::Write as _;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::cli::{logging, width};
use crate::domain::error::{Error, Kind};
use crate::domain::error_code::ErrorCode;

pub use crate::wire::escape::plain;

/// Whether messages go to the log, see [`say_to_log`].
static TO_LOG: AtomicBool = AtomicBool::new(false);

/// Why part of the result could not be written; see [`loss`].
static LOSS: OnceLock<Error> = OnceLock::new();

/// Prints a line of the result. A closed pipe (`| head`) is not an error; any other failure ends the program with one.
pub fn line(text: &str) {
    if let Err(error) = write_to(io::stdout().lock(), text) {
        let message = "The result could not be written to standard output. What the command changed stays changed.";
        LOSS.get_or_init(|| Error::new(Kind::Internal, ErrorCode::UnwritableFile, message).because(error));
    }
}

/// The error for a result that could not be written, for the exit status.
pub fn loss() -> Option<Error> {
    LOSS.get().cloned()
}

/// Prints the result as one line of JSON.
pub fn json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(&text),
        Err(error) => log::error!("cannot write the result as JSON: {error}"),
    }
}

/// Prints a message to standard error.
pub fn say(text: &str) {
    if TO_LOG.load(Ordering::Relaxed) {
        log::info!("{text}");
    } else if let Err(error) = write_to(io::stderr().lock(), text) {
        log::debug!("cannot write a message: {error}");
    }
}

/// The same for the last message before exit, so that no log line follows it.
pub fn say_last(text: &str) {
    if !TO_LOG.load(Ordering::Relaxed) {
        logging::end();
    }
    say(text);
}

/// Sends messages to the log from now on: a service has no terminal.
#[cfg(windows)]
pub fn say_to_log() {
    TO_LOG.store(true, Ordering::Relaxed);
}

fn write_to(mut stream: impl io::Write, text: &str) -> io::Result<()> {
    match writeln!(stream, "{text}").and_then(|()| stream.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Default width of a terminal.
pub const COLUMNS: usize = 80;
/// Minimum width of the last column of a table.
const LAST_COLUMN: usize = 16;

/// A table with the last column truncated so that typical rows fit in [`COLUMNS`], for text that `show` and `--json`
/// print in full.
pub fn table_to_fit<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut rows = escaped(rows);
    let before: usize = widths(headings, &rows).iter().take(N - 1).map(|width| width + 2).sum();
    let most = COLUMNS.saturating_sub(before).max(LAST_COLUMN);
    for row in &mut rows {
        if let Some(last) = row.last_mut() {
            *last = width::fit(last, most);
        }
    }
    aligned(headings, &rows)
}

/// An aligned table with headings. Escapes its cells.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    aligned(headings, &escaped(rows))
}

fn escaped<const N: usize>(rows: &[[String; N]]) -> Vec<[String; N]> {
    rows.iter().map(|row| row.each_ref().map(|cell| plain(cell))).collect()
}

/// The width of each column.
fn widths<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> [usize; N] {
    let mut widths = headings.map(width::columns);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(width::columns(cell));
        }
    }
    widths
}

fn aligned<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let widths = widths(headings, rows);
    let mut out = String::new();
    for row in std::iter::once(&headings.map(str::to_owned)).chain(rows) {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(text, "{}  ", width::padded(cell, width));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out.pop();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_in_names_are_escaped() {
        let cases = [
            ("s1mple", "s1mple"),
            ("Ünï ☃", "Ünï ☃"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("two\nlines\t", "two\\u{a}lines\\u{9}"),
            ("\u{202e}evil", "\\u{202e}evil"),
            ("\u{9b}2J", "\\u{9b}2J"),
        ];
        for (given, shown) in cases {
            assert_eq!(plain(given), shown);
        }
    }

    #[test]
    fn last_column_is_cut_to_80_columns() {
        let rows = [["a".to_owned(), "reason ".repeat(20)], ["日本".to_owned(), "short".to_owned()]];
        let shown = table_to_fit(["NAME", "WHY"], &rows);
        let widths: Vec<_> = shown.lines().map(width::columns).collect();
        assert_eq!(widths, [9, 80, 11], "{shown}");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let shown = table(["NAME", "N"], &[["a".into(), "1".into()], ["longer".into(), "22".into()]]);
        assert_eq!(shown, "NAME    N\na       1\nlonger  22");
        let shown = table(["NAME", "N"], &[["日本語".into(), "1".into()], ["abc".into(), "22".into()]]);
        assert_eq!(shown, "NAME    N\n日本語  1\nabc     22");
    }
}
