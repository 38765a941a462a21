//! The operator's prices. Changes are never retroactive.

use crate::app::{App, audit};
use crate::domain::error::Result;
use crate::domain::operator::Operator;
use crate::domain::rates::{FootageKind, PriceList, RateChange, RateLine};
use crate::store;

/// Sets a price or the currency, effective immediately. Jobs that are already completed keep their amount and
/// currency.
pub fn set(app: &App, operator: &Operator, change: RateChange) -> Result<()> {
    audit::change(app, operator, move |tx, log| {
        let now = log.now_ms;
        let (action, subject, details) = match change {
            RateChange::Hour(kind, price) => {
                let before = store::rates::hour_at(tx, kind, now)?;
                let subject = format!("{} {} {}", kind.renderer.as_str(), kind.resolution, kind.fps);
                ("rates.set", subject, format!("{before} to {price}"))
            }
            RateChange::Dink(price) => {
                ("rates.dink", "dink".to_owned(), format!("{} to {price}", store::rates::dink_at(tx, now)?))
            }
            RateChange::Currency(currency) => {
                let before = store::rates::currency_at(tx, now)?;
                ("rates.currency", "currency".to_owned(), format!("{before} to {currency}"))
            }
        };
        store::rates::insert(tx, change, now)?;
        log.note(tx, action, &subject, &details)
    })
}

/// The current prices, and the history of changes, latest first.
pub fn show(app: &App) -> Result<(PriceList, Vec<RateLine>)> {
    let now = app.clock.now_ms();
    app.store.read(|db| {
        let list = PriceList {
            currency: store::rates::currency_at(db, now)?,
            dink: store::rates::dink_at(db, now)?,
            hours: FootageKind::all()
                .map(|kind| Ok((kind, store::rates::hour_at(db, kind, now)?)))
                .collect::<Result<_>>()?,
        };
        Ok((list, store::rates::history(db)?))
    })
}
