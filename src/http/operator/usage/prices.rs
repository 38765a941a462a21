//! The operator's prices. Changes apply from now on.

use maud::{Markup, html};

use crate::app::billing::prices;
use crate::domain::error::{Error, Result};
use crate::domain::money::{Currency, Micros};
use crate::domain::rates::{FootageKind, PriceList, RateChange};
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::Context;
use crate::http::operator::parts::{Dialog, card, changes, dialog, field, nothing, opener, select};
use crate::wire::human;
use crate::wire::rates::in_words;

/// Changes that are listed, the latest.
const HISTORY: usize = 20;
/// The word for dinks in the choice of prices.
const DINK: &str = "dink";

/// The actions.
pub const ACTIONS: &[Action] =
    &[Action::confirmed("rates.set", set_price), Action::confirmed("rates.currency", set_currency)];

/// The parts of the page.
pub fn part(context: &Context<'_>) -> Result<Markup> {
    let (list, history) = prices::show(context.app)?;
    let buttons =
        changes(context, html! { (opener("set-currency", "Currency…", "")) (opener("set-price", "Set a price…", "")) });
    let past = html! {
        @if history.is_empty() { (nothing("No prices have been set: nothing is charged.")) }
        @else {
            table {
                thead { tr { th { "Since" } th { "Set" } } }
                tbody {
                    @for line in history.iter().take(HISTORY) {
                        tr data-key=(format!("price-{}-{}", line.at_ms, in_words(line.change))) { td.nowrap { (context.clock(line.at_ms)) } td { (in_words(line.change)) } }
                    }
                }
            }
        }
    };
    Ok(html! {
        (card("c7", "prices", "Prices", &buttons, &current(&list)))
        (card("c5", "history", "Price changes", &html! {}, &past))
        (changes(context, dialogs(&list)))
    })
}

fn current(list: &PriceList) -> Markup {
    html! {
        table {
            thead { tr { th { "For" } th.r { "Price in " (list.currency) } } }
            tbody {
                @for (kind, price) in &list.hours {
                    tr { td { "an hour of metered footage, " (human::footage_kind(*kind)) } td.r { (human::price(*price)) } }
                }
                tr { td { "a dink per month" } td.r { (human::price(list.dink)) } }
            }
        }
    }
}

fn dialogs(list: &PriceList) -> Markup {
    let kinds: Vec<_> = list.hours.iter().map(|(kind, _)| human::footage_kind(*kind)).collect();
    let labels: Vec<_> = kinds.iter().map(|kind| format!("an hour of {kind}")).collect();
    let mut options: Vec<_> = kinds.iter().map(String::as_str).zip(labels.iter().map(String::as_str)).collect();
    options.push((DINK, "a dink per month"));
    html! {
        (dialog(&Dialog {
            id: "set-price",
            title: "Set a price",
            action: "rates.set",
            fields: &[],
            body: html! {
                (field("price-of", "For", select("price-of", "of", &options, "")))
                (field("price", &format!("Price in {}", list.currency), html! {
                    input #price name="price" required inputmode="decimal" placeholder="0.47" autocomplete="off";
                }))
                p.hint { "It applies to footage completed from now on; dinks are billed at the price in force at the month's end. What is already billed stays as it is." }
            },
            confirm: "Set the price",
            asks_code: true,
        }))
        (dialog(&Dialog {
            id: "set-currency",
            title: "Set the currency",
            action: "rates.currency",
            fields: &[],
            body: html! {
                (field("currency", "Currency code (ISO 4217)", html! {
                    input #currency name="currency" required value=(list.currency) pattern="[A-Z]{3}" maxlength="3" autocomplete="off" spellcheck="false";
                }))
                p.hint { "Prices keep their numbers and are not converted. Jobs completed earlier stay in the currency they were billed in." }
            },
            confirm: "Set the currency",
            asks_code: true,
        }))
    }
}

fn set_price(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let of = fields.text("of")?;
    let price = Micros::parse_price(fields.text("price")?)?;
    let kind = FootageKind::all().find(|kind| human::footage_kind(*kind) == of);
    let change = match kind {
        Some(kind) => RateChange::Hour(kind, price),
        None if of == DINK => RateChange::Dink(price),
        None => return Err(Error::invalid("of", "of must be a kind of footage, such as builtin 1080p30, or dink.")),
    };
    prices::set(context.app, context.operator(), change)?;
    let currency = prices::show(context.app)?.0.currency;
    Ok(Done::said(format!("{} {currency} from now on.", in_words(change))))
}

fn set_currency(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let currency = Currency::parse(fields.text("currency")?);
    let currency =
        currency.ok_or_else(|| Error::invalid("currency", "A currency is three capital letters, like EUR."))?;
    prices::set(context.app, context.operator(), RateChange::Currency(currency))?;
    Ok(Done::said(format!("Prices are in {currency} from now on. The numbers stay the same.")))
}
