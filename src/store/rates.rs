//! Prices and the currency, with their history. The latest row up to a moment is in force then.

use rusqlite::named_params;

use crate::domain::error::Result;
use crate::domain::list::LIST_ROWS;
use crate::domain::money::{Currency, Micros};
use crate::domain::rates::{FootageKind, RateChange, RateLine};
use crate::store::engine::columns;
use crate::store::engine::db::{Db, Tx};

const INSERT_HOUR: &str = "
    INSERT INTO hour_prices (renderer, resolution, fps, price, at_ms)
    VALUES (:renderer, :resolution, :fps, :price, :now)
";

const INSERT_DINK: &str = "
    INSERT INTO dink_prices (price, at_ms)
    VALUES (:price, :now)
";

const INSERT_CURRENCY: &str = "
    INSERT INTO currencies (code, at_ms)
    VALUES (:code, :now)
";

/// Sets a price or the currency from now on.
pub fn insert(tx: &mut Tx<'_>, change: RateChange, now_ms: i64) -> Result<()> {
    match change {
        RateChange::Hour(kind, price) => tx.insert(
            INSERT_HOUR,
            named_params! {
                ":renderer": kind.renderer.as_str(),
                ":resolution": kind.resolution,
                ":fps": kind.fps,
                ":price": columns::stored(price)?,
                ":now": now_ms,
            },
        ),
        RateChange::Dink(price) => {
            tx.insert(INSERT_DINK, named_params! { ":price": columns::stored(price)?, ":now": now_ms })
        }
        RateChange::Currency(currency) => {
            tx.insert(INSERT_CURRENCY, named_params! { ":code": currency.as_str(), ":now": now_ms })
        }
    }?;
    Ok(())
}

/// Served by `hour_prices_kind`.
const HOUR_AT: &str = "
    SELECT price
    FROM hour_prices
    WHERE renderer = :renderer AND resolution = :resolution AND fps = :fps AND at_ms <= :at
    ORDER BY at_ms DESC, id DESC
    LIMIT 1
";

/// The price of an hour of this footage at a moment; 0 if none was set.
pub fn hour_at(db: &Db, kind: FootageKind, at_ms: i64) -> Result<Micros> {
    let params = named_params! {
        ":renderer": kind.renderer.as_str(),
        ":resolution": kind.resolution,
        ":fps": kind.fps,
        ":at": at_ms,
    };
    Ok(db.row(HOUR_AT, params, |row| columns::micros(row, "price"))?.unwrap_or_default())
}

/// A full scan: an operator makes few changes.
const DINK_AT: &str = "
    SELECT price
    FROM dink_prices
    WHERE at_ms <= :at
    ORDER BY at_ms DESC, id DESC
    LIMIT 1
";

/// The monthly price of a dink at a moment; 0 if none was set.
pub fn dink_at(db: &Db, at_ms: i64) -> Result<Micros> {
    Ok(db.row(DINK_AT, named_params! { ":at": at_ms }, |row| columns::micros(row, "price"))?.unwrap_or_default())
}

/// Served by `currencies_time`.
const CURRENCY_AT: &str = "
    SELECT code
    FROM currencies
    WHERE at_ms <= :at
    ORDER BY at_ms DESC, id DESC
    LIMIT 1
";

/// The currency at a moment.
pub fn currency_at(db: &Db, at_ms: i64) -> Result<Currency> {
    let found =
        db.row(CURRENCY_AT, named_params! { ":at": at_ms }, |row| columns::word(row, "code", Currency::parse))?;
    Ok(found.unwrap_or(Currency::DEFAULT))
}

/// Walks the table backwards, as the next two statements do.
const HOURS: &str = "
    SELECT renderer, resolution, fps, price, at_ms
    FROM hour_prices
    ORDER BY id DESC
    LIMIT :limit
";

const DINKS: &str = "
    SELECT price, at_ms
    FROM dink_prices
    ORDER BY id DESC
    LIMIT :limit
";

const CURRENCIES: &str = "
    SELECT code, at_ms
    FROM currencies
    ORDER BY id DESC
    LIMIT :limit
";

/// The whole history, newest first.
pub fn history(db: &Db) -> Result<Vec<RateLine>> {
    let limit = named_params! { ":limit": LIST_ROWS };
    let mut lines = db.rows(HOURS, limit, |row| {
        let change = RateChange::Hour(columns::footage_kind(row)?, columns::micros(row, "price")?);
        Ok(RateLine { change, at_ms: row.get("at_ms")? })
    })?;
    lines.extend(db.rows(DINKS, limit, |row| {
        Ok(RateLine { change: RateChange::Dink(columns::micros(row, "price")?), at_ms: row.get("at_ms")? })
    })?);
    lines.extend(db.rows(CURRENCIES, limit, |row| {
        let change = RateChange::Currency(columns::word(row, "code", Currency::parse)?);
        Ok(RateLine { change, at_ms: row.get("at_ms")? })
    })?);
    lines.sort_by_key(|line| std::cmp::Reverse(line.at_ms));
    Ok(lines)
}
