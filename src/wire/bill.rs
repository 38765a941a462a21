//! Statements as rows, for tables and CSV.

use crate::domain::money::{Currency, Micros};
use crate::domain::rates::FootageKind;
use crate::domain::statement::{Statement, Statements};
use crate::wire::csv;

/// A line of a statement, or its dinks.
pub struct Row<'a> {
    /// The statement that it belongs to.
    pub statement: &'a Statement,
    /// `reserved`, `metered` or `dinks`.
    pub class: &'static str,
    /// Only for footage.
    pub kind: Option<FootageKind>,
    /// Completed jobs, or dinks.
    pub number: u64,
    /// Only for footage, in milliseconds.
    pub footage_ms: Option<u64>,
    /// Price per hour, or per dink.
    pub price: Micros,
    /// The currency of price and amount.
    pub currency: Currency,
    /// What is owed.
    pub amount: Micros,
}

/// The rows of a statement: footage, then dinks if there were any.
pub fn rows(statement: &Statement) -> Vec<Row<'_>> {
    let footage = statement.lines.0.iter().map(|(key, billed)| Row {
        statement,
        class: key.class.as_str(),
        kind: Some(key.kind),
        number: billed.jobs,
        footage_ms: Some(billed.footage_ms),
        price: key.rate,
        currency: key.currency,
        amount: billed.amount,
    });
    let dinks = &statement.dinks;
    let provisioned = (dinks.peak > 0).then(|| Row {
        statement,
        class: "dinks",
        kind: None,
        number: dinks.peak.into(),
        footage_ms: None,
        price: dinks.price,
        currency: dinks.currency,
        amount: dinks.amount(),
    });
    footage.chain(provisioned).collect()
}

const HEADINGS: [&str; 12] = [
    "month",
    "account_id",
    "account",
    "class",
    "renderer",
    "resolution",
    "fps",
    "number",
    "rendered_seconds",
    "price",
    "currency",
    "amount",
];

/// The lines of a CSV file with headings, without their ends.
pub fn csv(made: &Statements) -> Vec<String> {
    let rows = made.list.iter().flat_map(rows).map(|row| {
        let [renderer, resolution, fps] = row.kind.map_or_else(Default::default, |kind| {
            [kind.renderer.as_str().to_owned(), kind.resolution.to_string(), kind.fps.to_string()]
        });
        let seconds = row.footage_ms.map(|ms| format!("{}.{:03}", ms / 1_000, ms % 1_000)).unwrap_or_default();
        let account = &row.statement.account;
        csv::line(&[
            made.month.to_string(),
            account.public_id.to_string(),
            account.name.clone(),
            row.class.to_owned(),
            renderer,
            resolution,
            fps,
            row.number.to_string(),
            seconds,
            row.price.to_string(),
            row.currency.to_string(),
            row.amount.to_string(),
        ])
    });
    std::iter::once(csv::line(&HEADINGS)).chain(rows).collect()
}
