//! What lies where: the accounts that store most, as last measured.

use maud::{Markup, html};

use crate::app::upkeep::storage::{self, AccountStorage};
use crate::domain::error::Result;
use crate::http::operator::context::{Context, Tab};
use crate::http::operator::parts::{card, nothing, number};
use crate::wire::human;

/// Accounts that are listed. The page Storage has all of them.
const ACCOUNTS: usize = 5;

/// Clips and demos by account: of the account that is filtered for, or of those that store most.
pub fn card_of_totals(context: &Context<'_>) -> Result<Markup> {
    let account = context.query("account");
    let Some(measured) = storage::latest(context.app)? else {
        let words = "The files are being measured. With a million clips this takes a few seconds.";
        return Ok(card("full", "where", "Storage by account", &html! {}, &nothing(words)));
    };
    let is_shown = |storage: &&AccountStorage| account.as_ref().is_none_or(|name| *name == storage.name);
    let mut accounts: Vec<_> = measured.storage.accounts.iter().filter(is_shown).collect();
    accounts.sort_by_key(|storage| std::cmp::Reverse(storage.clips.bytes + storage.demo_bytes));
    let all = measured.storage.accounts.len();
    let more = html! {
        span.dim { "as of " (context.when(measured.at_ms)) }
        a href="/operator/storage" { @if all > ACCOUNTS { "All " (number(all as u64)) " accounts" } @else { "Storage" } }
    };
    let default = context.app.settings.quotas.demo_bytes;
    let body = html! {
        @if accounts.is_empty() {
            (nothing("No account stores anything yet."))
        } @else {
            table.stack.totals {
                thead { tr { th { "Account" } th.r { "Clips" } th.r { "Size of clips" } th.r { "Demos" } th.r { "Size of demos" } th { "Of the quota" } } }
                tbody { @for account in accounts.into_iter().take(ACCOUNTS) { (row(account, default)) } }
            }
        }
    };
    Ok(card("full", "where", "Storage by account", &more, &body))
}

fn row(account: &AccountStorage, default_quota: u64) -> Markup {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("account", &account.name).finish();
    let quota = account.max_demo_bytes.unwrap_or(default_quota);
    html! {
        tr data-key=(format!("account-{}", account.name)) {
            td.w { a href=(format!("{}?{query}", Tab::Clips.path())) { (account.name) } }
            td.r data-l="clips" { (number(account.clips.clips)) }
            td.r data-l="size" { (human::size(account.clips.bytes)) }
            td.r data-l="demos" { a href=(format!("{}?show=demos&{query}", Tab::Clips.path())) { (number(account.demos)) } }
            td.r data-l="size" { (human::size(account.demo_bytes)) }
            td.share.w { (of_quota(account.demo_bytes, quota)) }
        }
    }
}

/// A bar, and the same in words.
fn of_quota(used: u64, quota: u64) -> Markup {
    let percent = used.saturating_mul(100).checked_div(quota).unwrap_or(100);
    let words = format!("{percent} % of {}", human::size(quota));
    html! {
        progress.hot[percent >= 90] max="100" value=(percent.min(100)) aria-label=(words) {}
        span.small.dim { (words) }
    }
}
