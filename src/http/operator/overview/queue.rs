//! Why jobs wait, and whose they are.

use maud::{Markup, html};

use crate::app::jobs::queue::{AccountQueue, AccountQueues, QueueFigures, WaitingGroup};
use crate::domain::account::AccountStatus;
use crate::domain::wording::counted;
use crate::http::operator::context::{Context, Tab};
use crate::http::operator::jobs::query;
use crate::http::operator::parts::{card, nothing, number, numbered};
use crate::wire::human;

/// Why jobs wait, the most frequent reason first.
pub fn why(context: &Context<'_>, figures: &QueueFigures, groups: &[WaitingGroup]) -> Markup {
    let waiting = figures.waiting_reserved + figures.waiting_metered;
    let more = html! { a href=(query("status", "queued")) { "The queue" } };
    let body = html! {
        @if groups.is_empty() { (nothing("No jobs are waiting.")) }
        @else {
            table.stack.why {
                thead { tr { th.r { "Jobs" } th { "Because" } th.r { "Oldest" } } }
                tbody { @for group in groups { (row(context, group)) } }
            }
        }
    };
    let heading = match waiting {
        0 => "Why jobs wait".to_owned(),
        1 => "Why 1 job waits".to_owned(),
        _ => format!("Why {} wait", numbered(waiting, "job")),
    };
    card("c7", "why", &heading, &more, &body)
}

fn row(context: &Context<'_>, group: &WaitingGroup) -> Markup {
    html! {
        tr {
            td.r { (number(group.jobs)) }
            td { b.bad[group.is_stuck()] { (group.headline) } br; span.dim.small { (group.explanation) } }
            td.r data-l="oldest" { (human::span(context.now_ms - group.oldest_at_ms)) }
        }
    }
}

/// Whose unfinished jobs there are.
pub fn whose(queues: &AccountQueues) -> Markup {
    let most = queues.accounts.iter().map(|account| account.waiting).max().unwrap_or_default().max(1);
    let more = html! { a href=(Tab::Accounts.path()) { "Accounts" } };
    let body = html! {
        @if queues.accounts.is_empty() { (nothing("No account has unfinished jobs.")) }
        @else {
            table.stack.acc {
                thead { tr { th { "Account" } th.r { "Waiting" } th.r { "Rendering" } th.r { "Dinks" } th { span.vh { "Share" } } } }
                tbody {
                    @for account in &queues.accounts { (account_row(account, most)) }
                    @if queues.others > 0 {
                        tr {
                            td { (counted(queues.others, "other")) }
                            td.r data-l="waiting" { (number(queues.others_waiting)) }
                            td.r.hide { (number(queues.others_rendering)) }
                            td.r.hide { "–" }
                            td.c.share.w { (share("others", queues.others_waiting, most)) }
                        }
                    }
                }
            }
        }
    };
    card("c5", "whose", "Whose jobs", &more, &body)
}

fn account_row(account: &AccountQueue, most: u64) -> Markup {
    html! {
        tr data-key=(format!("account-{}", account.account)) {
            td { a href=(query("account", &account.account)) { (account.account) } @if account.status != AccountStatus::Active { br; span.warn.small { (account.status.as_str()) } } }
            td.r data-l="waiting" { (number(account.waiting)) }
            td.r.hide { (number(account.rendering)) }
            td.r.hide { @if account.dinks == 0 { "–" } @else { (account.dinks_in_use) " of " (account.dinks) } }
            td.c.share.w { (share(&account.account, account.waiting, most)) }
        }
    }
}

fn share(of: &str, waiting: u64, most: u64) -> Markup {
    html! { progress max=(most) value=(waiting.min(most)) aria-label=(format!("{waiting} waiting jobs of {of}")) {} }
}
