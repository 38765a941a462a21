//! The page Usage: what each account used and owes in a month, and the prices.

pub mod bill;
pub mod prices;

use maud::{Markup, html};

use crate::app::accounts::overview;
use crate::app::billing::recent::{self, MonthUsage};
use crate::app::billing::statements;
use crate::domain::error::Result;
use crate::domain::key::KeyClass;
use crate::domain::list::PAGE_DEFAULT;
use crate::domain::month::Month;
use crate::domain::statement::Statement;
use crate::domain::usage::Sums;
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{card, field, nothing, number, pager, select};
use crate::wire::{self, human};

/// Months that can be chosen: ten years.
const MONTHS: usize = 120;

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    let usage = recent::usage(context.app, month(context)?, None)?;
    let made = &usage.statements;
    let csv = format!("/operator/files/usage.csv?month={}", made.month);
    let more = html! {
        span.dim { "as of " (context.clock(made.made_at_ms)) }
        a href=(csv) data-saves=(format!("usage-{}.csv", made.month)) { "Save as CSV" }
    };
    let body = html! {
        (months(context, made.month)?)
        (card("full", "month", &human::month(made.month), &more, &html! { (totals(&usage)) (table(context, &usage)) }))
        (prices::part(context)?)
    };
    Ok(View { tab: Tab::Usage, heading: Tab::Usage.label().to_owned(), body })
}

/// Usage of a month as CSV, counted now.
pub fn csv(context: &Context<'_>) -> Result<String> {
    let made = statements::make(context.app, month(context)?, context.query("account").as_deref())?;
    Ok(wire::bill::csv(&made).join("\n") + "\n")
}

/// The month in the page's address.
fn month(context: &Context<'_>) -> Result<Option<Month>> {
    context.query("month").map(|text| Month::parse(&text)).transpose()
}

fn months(context: &Context<'_>, chosen: Month) -> Result<Markup> {
    let running = Month::of(context.now_ms);
    let first = overview::first_created_ms(context.app)?.map_or(running, Month::of).min(chosen);
    let months = std::iter::successors(Some(running), |month| Some(month.before()));
    let options: Vec<_> = months
        .take_while(|month| *month >= first)
        .take(MONTHS)
        .map(|month| (month.to_string(), human::month(month)))
        .collect();
    let options: Vec<_> = options.iter().map(|(value, label)| (value.as_str(), label.as_str())).collect();
    Ok(html! {
        form.filters data-filters method="get" action=(Tab::Usage.path()) {
            (field("of-month", "Month, in UTC", select("of-month", "month", &options, &chosen.to_string())))
            button.btn type="submit" { "Show" }
        }
    })
}

/// Jobs, footage and cost of one class on a statement.
struct Class {
    jobs: u64,
    footage_ms: u64,
}

impl Class {
    fn of(statement: &Statement, class: KeyClass) -> Self {
        let mut sum = Self { jobs: 0, footage_ms: 0 };
        for (_, billed) in statement.lines.0.iter().filter(|(key, _)| key.class == class) {
            sum.jobs += billed.jobs;
            sum.footage_ms = sum.footage_ms.saturating_add(billed.footage_ms);
        }
        sum
    }
}

fn totals(usage: &MonthUsage) -> Markup {
    let made = &usage.statements;
    let all = |class| {
        made.list
            .iter()
            .map(|statement| Class::of(statement, class))
            .fold((0, 0_u64), |(jobs, footage_ms), of| (jobs + of.jobs, footage_ms.saturating_add(of.footage_ms)))
    };
    let (metered, reserved) = (all(KeyClass::Metered), all(KeyClass::Reserved));
    let peaks: u64 = made.list.iter().map(|statement| u64::from(statement.dinks.peak)).sum();
    let (failed, cancelled) =
        usage.unbilled.iter().fold((0, 0), |(failed, cancelled), of| (failed + of.0, cancelled + of.1));
    html! {
        dl.tiles.owed {
            div.tile {
                dt { @if made.ended() { "Owed" } @else { "Owed so far" } }
                @for (currency, amount) in made.totals().iter() { dd.big { (human::price(amount)) " " small { (currency) } } }
            }
            div.tile { dt { "Metered" } dd.big { (number(metered.0)) " " small { (clips(metered.0)) } } dd.sub { (human::hours(metered.1)) " of footage" } }
            div.tile { dt { "Reserved" } dd.big { (number(reserved.0)) " " small { (clips(reserved.0)) } } dd.sub { (human::hours(reserved.1)) " of footage, for " (number(peaks)) @if peaks == 1 { " dink" } @else { " dinks" } } }
            div.tile { dt { "Not billed" } dd.big { (number(failed + cancelled)) } dd.sub { (number(failed)) " failed, " (number(cancelled)) " cancelled" } }
        }
    }
}

fn clips(count: u64) -> &'static str {
    if count == 1 { "clip" } else { "clips" }
}

fn table(context: &Context<'_>, usage: &MonthUsage) -> Markup {
    let after = context.query("after").unwrap_or_default();
    let mut rows: Vec<_> = usage.statements.list.iter().zip(&usage.unbilled).collect();
    rows.sort_by(|(a, _), (b, _)| a.account.name.cmp(&b.account.name));
    rows.retain(|(statement, _)| statement.account.name > after);
    let shown = &rows[..rows.len().min(PAGE_DEFAULT as usize)];
    let last = shown.last().filter(|_| shown.len() < rows.len());
    let next = last.map(|(of, _)| context.with_query(Tab::Usage, "after", Some(&of.account.name)));
    html! {
        @if shown.is_empty() { (nothing("No account used anything in this month.")) }
        @else {
            table.stack.pairs {
                thead {
                    tr { th { "Account" } th.r { "Amount" } th.r { "Metered" } th.r { "Reserved" } th.r { "Dinks (peak)" } th.r { "Not billed" } th { span.vh { "Statement" } } }
                }
                tbody { @for (statement, unbilled) in shown { (row(usage.statements.month, statement, **unbilled)) } }
            }
        }
        (pager(next.as_deref(), "More accounts"))
    }
}

fn row(month: Month, statement: &Statement, (failed, cancelled): (u64, u64)) -> Markup {
    let account = &statement.account;
    let class = |of: Class| {
        html! { @if of.jobs == 0 { span.dim { "–" } } @else { (number(of.jobs)) " " (clips(of.jobs)) br; span.dim.small { (human::hours(of.footage_ms)) } } }
    };
    html! {
        tr data-key=(account.public_id) {
            td { a href=(format!("{}/{}", Tab::Accounts.path(), account.public_id)) { (account.name) } }
            td.r { (amounts(&statement.totals())) }
            td.r data-l="metered" { (class(Class::of(statement, KeyClass::Metered))) }
            td.r data-l="reserved" { (class(Class::of(statement, KeyClass::Reserved))) }
            td.r data-l="dinks" {
                @if statement.dinks.peak == 0 { span.dim { "–" } }
                @else { (number(statement.dinks.peak.into())) br; span.dim.small { (human::money(statement.dinks.amount(), statement.dinks.currency)) } }
            }
            td.r data-l="not billed" { @if failed + cancelled == 0 { span.dim { "–" } } @else { (number(failed)) " failed" br; span.dim.small { (number(cancelled)) " cancelled" } } }
            td.w { a href=(bill::path(month, &account.name)) { "Statement" } }
        }
    }
}

/// Each currency's amount on its own line.
fn amounts(sums: &Sums) -> Markup {
    html! { @for (at, (currency, amount)) in sums.iter().enumerate() { @if at > 0 { br; } (human::money(amount, currency)) } }
}
