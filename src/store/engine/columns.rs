//! Conversions between columns and domain types. An unknown value is an internal error.

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{Error, Result, Row};
use uuid::Uuid;

use crate::domain;
use crate::domain::job::Renderer;
use crate::domain::money::Micros;
use crate::domain::rates::FootageKind;
use crate::domain::sha256::Sha256;

/// Stored as its 32 bytes.
impl ToSql for Sha256 {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(&self.0[..]))
    }
}

impl FromSql for Sha256 {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(Self)
    }
}

/// A column that holds the name of an enum's variant.
pub fn word<T>(row: &Row<'_>, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| strange(row, column, &text))
}

/// The same, or null.
pub fn optional_word<T>(row: &Row<'_>, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    match row.get::<_, Option<String>>(column)? {
        Some(text) => parse(&text).map(Some).ok_or_else(|| strange(row, column, &text)),
        None => Ok(None),
    }
}

/// A column that holds a UUID's 16 bytes.
pub fn uuid(row: &Row<'_>, column: &str) -> Result<Uuid> {
    Ok(Uuid::from_bytes(row.get(column)?))
}

/// Reads columns in the order in which they were selected. By name, each would be compared with the names of those
/// before it: too slow for wide rows that are read for each claim.
pub struct InOrder<'a, 'b> {
    row: &'a Row<'b>,
    next: usize,
}

impl<'a, 'b> InOrder<'a, 'b> {
    /// From the first column on.
    pub fn of(row: &'a Row<'b>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub fn take<T: FromSql>(&mut self) -> Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    /// Leaves out the next columns.
    pub fn skip(&mut self, columns: usize) {
        self.next += columns;
    }

    /// The next column, which holds the name of an enum's variant.
    pub fn word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
        let text: String = self.take()?;
        parse(&text).ok_or_else(|| self.strange(&text))
    }

    /// The same, or null.
    pub fn optional_word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
        match self.take::<Option<String>>()? {
            Some(text) => parse(&text).map(Some).ok_or_else(|| self.strange(&text)),
            None => Ok(None),
        }
    }

    /// The next column, which holds a UUID's 16 bytes.
    pub fn uuid(&mut self) -> Result<Uuid> {
        self.take().map(Uuid::from_bytes)
    }

    /// The error for the value of the column read last: no version of this program has written it.
    pub fn strange(&self, value: &str) -> Error {
        let column = self.row.as_ref().column_name(self.next - 1).unwrap_or_default().to_owned();
        strange(self.row, &column, value)
    }
}

/// The error for a value that no version of this program has written.
pub fn strange(row: &Row<'_>, column: &str, value: &str) -> Error {
    let at = row.as_ref().column_index(column).unwrap_or_default();
    let what = format!("column {column} contains the unknown value {value:?}");
    Error::FromSqlConversionFailure(at, Type::Text, what.into())
}

/// A column that holds micro-units.
pub fn micros(row: &Row<'_>, column: &str) -> Result<Micros> {
    row.get(column).map(Micros::new)
}

/// Micro-units in the type of a column.
pub fn stored(amount: Micros) -> domain::Result<i64> {
    i64::try_from(amount.get()).map_err(|_| domain::Error::internal("The amount is too large for the store.", amount))
}

/// The columns `renderer`, `resolution` and `fps`.
pub fn footage_kind(row: &Row<'_>) -> Result<FootageKind> {
    Ok(FootageKind {
        renderer: word(row, "renderer", Renderer::parse)?,
        resolution: row.get("resolution")?,
        fps: row.get("fps")?,
    })
}
