//! What each account stores, page by page; those that store most come first.

use maud::{Markup, html};

use crate::app::upkeep::storage::{AccountStorage, Measured};
use crate::http::operator::context::{Context, Tab};
use crate::http::operator::parts::{card, nothing, number, pager};
use crate::wire::human;

/// Accounts on a page.
const ACCOUNTS: usize = 50;

/// The card. The cursor is the name of the last account on the page before.
pub fn accounts(context: &Context<'_>, measured: &Measured) -> Markup {
    let mut all: Vec<_> = measured.storage.accounts.iter().collect();
    all.sort_by_key(|storage| std::cmp::Reverse(storage.clips.bytes + storage.demo_bytes));
    let after = context.query("after");
    let from = after.and_then(|name| all.iter().position(|storage| storage.name == name)).map_or(0, |at| at + 1);
    let page = &all[from..all.len().min(from + ACCOUNTS)];
    let last = page.last().filter(|_| from + page.len() < all.len());
    let next = last.map(|last| context.with_query(Tab::Storage, "after", Some(&last.name)));
    let body = html! {
        @if all.is_empty() {
            (nothing("There is no account yet."))
        } @else {
            table.stack.totals {
                thead { tr { th { "Account" } th.r { "Clips" } th.r { "Size of clips" } th.r { "Pinned" } th.r { "Demos" } th.r { "Size of demos" } th.r { "At most" } } }
                tbody { @for account in page { (row(context, account)) } }
            }
        }
        (pager(next.as_deref(), "More accounts"))
    };
    card("full", "accounts", "By account", &html! { span.dim { "as of " (context.when(measured.at_ms)) } }, &body)
}

fn row(context: &Context<'_>, account: &AccountStorage) -> Markup {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("account", &account.name).finish();
    let clips = Tab::Clips.path();
    let default = context.app.settings.quotas.demo_bytes;
    html! {
        tr data-key=(format!("account-{}", account.name)) {
            td.w { (account.name) }
            td.r data-l="clips" { a href=(format!("{clips}?{query}")) { (number(account.clips.clips)) } }
            td.r data-l="size" { (human::size(account.clips.bytes)) }
            td.r.w data-l="pinned" {
                @if account.clips.pinned == 0 { "–" }
                @else { a href=(format!("{clips}?{query}&pinned=1")) { (number(account.clips.pinned)) } ", " (human::size(account.clips.pinned_bytes)) }
            }
            td.r data-l="demos" { a href=(format!("{clips}?show=demos&{query}")) { (number(account.demos)) } }
            td.r data-l="size" { (human::size(account.demo_bytes)) }
            td.r.w data-l="at most" { (human::size(account.max_demo_bytes.unwrap_or(default))) }
        }
    }
}
