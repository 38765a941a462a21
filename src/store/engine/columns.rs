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
