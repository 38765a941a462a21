//! A statement as a page to print.

use maud::{Markup, html};

use crate::app::billing::recent;
use crate::domain::error::{Error, Result};
use crate::domain::key::KeyClass;
use crate::domain::month::Month;
use crate::domain::statement::{Statement, Statements};
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::number;
use crate::wire::bill::rows;
use crate::wire::human;

/// The page of an account's statement.
pub fn path(month: Month, account: &str) -> String {
    format!("/operator/usage/statement?{}", query(month, account))
}

fn query(month: Month, account: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("month", &month.to_string()).append_pair("account", account).finish()
}

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    let month = context.query("month").map(|text| Month::parse(&text)).transpose()?;
    let name = context
        .query("account")
        .ok_or_else(|| Error::invalid("account", "No account was given. Choose a statement on the page Usage."))?;
    let made = recent::usage(context.app, month, Some(&name))?.statements;
    let [statement] = made.list.as_slice() else { return Err(Error::not_found("There is no such statement.")) };
    let csv = format!("/operator/files/usage.csv?{}", query(made.month, &name));
    let body = html! {
        div.full.buttons {
            button.btn.main type="button" data-prints { "Print" }
            a.btn href=(csv) data-saves=(format!("usage-{}.csv", made.month)) { "Save as CSV" }
            a.btn href=(format!("{}?month={}", Tab::Usage.path(), made.month)) { "All accounts" }
        }
        (bill(&made, statement))
    };
    Ok(View { tab: Tab::Usage, heading: format!("Statement for {name}"), body })
}

fn bill(made: &Statements, statement: &Statement) -> Markup {
    let account = &statement.account;
    let period = made.month.period();
    html! {
        section.card.full.bill aria-labelledby="bill" {
            header { h2 #bill { "Statement" } span.more { (human::month(made.month)) } }
            dl.facts {
                dt { "Account" } dd { b { (account.name) } br; span.mono.small { (account.public_id) } }
                dt { "Period" } dd { (human::date(period.from_ms)) " to " (human::date(period.to_ms - 1)) " (UTC)" }
                dt { "Issued" } dd {
                    (human::date_time(made.made_at_ms))
                    @if !made.ended() { ", provisional: the month has not ended" }
                }
            }
            @if statement.is_empty() { p.nothing { "Nothing was used." } } @else { (lines(statement)) }
            dl.total {
                dt { "Total" }
                @for (currency, amount) in statement.totals().iter() { dd { (human::money(amount, currency)) } }
            }
            p.terms.dim.small { "Each clip's amount is rounded half up to a millionth; sums are exact. Failed and cancelled jobs and retried attempts are not billed." }
        }
    }
}

/// The lines of a statement.
pub fn lines(statement: &Statement) -> Markup {
    html! {
        table.stack.pairs.lines {
            thead { tr { th { "For" } th.r { "Number" } th.r { "Footage" } th.r { "Price" } th.r { "Amount" } } }
            tbody {
                @for row in rows(statement) {
                    tr {
                        td { @match row.kind { Some(kind) => { (row.class) " footage, " (human::footage_kind(kind)) }, None => { "dinks, at the month's peak" } } }
                        td.r data-l="number" { (number(row.number)) }
                        td.r data-l="footage" { @match row.footage_ms { Some(ms) => (human::hours(ms)), None => "–" } }
                        td.r data-l="price" {
                            @if row.class == KeyClass::Reserved.as_str() { "covered by dinks" }
                            @else { (human::price(row.price)) @if row.kind.is_some() { " per hour" } @else { " per dink" } }
                        }
                        td.r { (human::money(row.amount, row.currency)) }
                    }
                }
            }
        }
    }
}
