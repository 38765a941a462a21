//! The page Accounts: who may submit jobs, and who waits to be activated.

pub mod create;
pub mod dinks;
pub mod keys;
pub mod one;
pub mod status;
pub mod webhook;

use maud::{Markup, html};

use crate::app::accounts::overview::{self, Filter, Line};
use crate::domain::account::AccountStatus;
use crate::domain::error::Result;
use crate::domain::list::PAGE_DEFAULT;
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{
    Icon, card, changes, copyable, empty, field, icon, nothing, number, opener, pager, select,
};
use crate::wire::human;

/// Accounts listed as waiting to be activated; the filter finds the others.
const WAITING: u32 = 20;

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    let value = |name: &str| context.query(name).unwrap_or_default();
    let (status, part, after) = (value("status"), value("name"), value("after"));
    let filter = Filter { status: AccountStatus::parse(&status), part, after };
    let page = overview::page(context.app, &filter, PAGE_DEFAULT)?;
    let is_first =
        page.lines.is_empty() && filter.status.is_none() && filter.part.is_empty() && filter.after.is_empty();
    let next = page.next.as_deref().map(|name| context.with_query(Tab::Accounts, "after", Some(name)));
    let body = html! {
        @if is_first {
            (empty("There is no account yet", html! {
                p { "Jobs are submitted with an account's keys. Create an account here, or on the server:" }
                (copyable("first-line", "the command", "dinkem-appliance admin account create studio-a"))
                (changes(context, opener("create", "New account", "main")))
            }))
        } @else {
            (waiting(context)?)
            (filters(&filter, &status))
            (card("full", "accounts", "Accounts", &changes(context, create::openers()), &html! {
                (table(context, &page.lines))
                (pager(next.as_deref(), "More accounts"))
            }))
            (changes(context, keys::identify_card()))
        }
        (changes(context, create::dialogs()))
    };
    Ok(View { tab: Tab::Accounts, heading: Tab::Accounts.label().to_owned(), body })
}

/// Accounts that were created but never activated. Nothing without any.
fn waiting(context: &Context<'_>) -> Result<Markup> {
    let filter = Filter { status: Some(AccountStatus::Inactive), ..Filter::default() };
    let page = overview::page(context.app, &filter, WAITING)?;
    Ok(html! {
        @if !page.lines.is_empty() {
            (card("full", "waiting", "Waiting to be activated", &html! {}, &html! {
                ul.wants {
                    @for Line { summary, .. } in &page.lines {
                        @let account = &summary.account;
                        li data-key=(format!("waiting-{}", account.public_id)) {
                            span.warn { (icon(Icon::Person)) }
                            div {
                                b { a href=(status::path(account)) { (account.name) } }
                                p.dim.small { "Created " (context.when(account.created_at_ms)) ". Its keys are refused until it is activated." }
                            }
                            (changes(context, status::activate_button(account)))
                        }
                    }
                }
            }))
        }
    })
}

fn filters(filter: &Filter, status: &str) -> Markup {
    let statuses =
        [("", "all"), ("active", "active"), ("inactive", "waiting to be activated"), ("deactivated", "deactivated")];
    html! {
        form.filters data-filters method="get" action=(Tab::Accounts.path()) {
            (field("status", "Status", select("status", "status", &statuses, status)))
            (field("name", "Part of the name", html! { input #name name="name" value=(filter.part) autocomplete="off" spellcheck="false"; }))
            button.btn type="submit" { "Filter" }
        }
    }
}

fn table(context: &Context<'_>, lines: &[Line]) -> Markup {
    html! {
        @if lines.is_empty() { (nothing("No account matches these filters.")) }
        @else {
            table.stack.pairs {
                thead {
                    tr { th { "Account" } th { "Status" } th.r { "Dinks in use" } th.r { "Waiting" } th.r { "Rendering" } th.r { "Demos" } th.r { "Key last used" } }
                }
                tbody { @for line in lines { (row(context, line)) } }
            }
        }
    }
}

fn row(context: &Context<'_>, line: &Line) -> Markup {
    let Line { summary, demo_bytes, used_at_ms } = line;
    let account = &summary.account;
    html! {
        tr data-key=(account.public_id) {
            td { a href=(status::path(account)) { (account.name) } }
            td { (status::word(account.status)) }
            td.r data-l="dinks in use" { @if account.dinks == 0 { span.dim { "none" } } @else { (summary.dinks_in_use) " of " (account.dinks) } }
            td.r data-l="waiting" { (number(summary.queued)) }
            td.r data-l="rendering" { (number(summary.rendering)) }
            td.r data-l="demos" { (human::size(*demo_bytes)) }
            td.r data-l="key used" { @match used_at_ms { Some(at_ms) => (context.when(*at_ms)), None => "never" } }
        }
    }
}
