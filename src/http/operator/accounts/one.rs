//! The page of one account: status, usage, dinks, demos, keys, webhook and latest jobs.

use maud::{Markup, html};

use crate::app::accounts::overview::{self, DemoQuota};
use crate::app::accounts::{self, Summary};
use crate::app::billing::recent;
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::job::Job;
use crate::domain::quota::QUOTA_MOST;
use crate::http::operator::accounts::{dinks, keys, status, webhook};
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{
    Dialog, card, changes, class_tag, dialog, field, job_link, job_state, nothing, number, opener,
};
use crate::http::operator::usage::bill;
use crate::wire::{amounts, human};

/// Jobs that are listed.
const JOBS: u32 = 10;

/// The actions.
pub const ACTIONS: &[Action] = &[Action::new("accounts.quota", set_quota)];

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    let account = overview::by_public_id(context.app, context.id()?)?;
    let summary = accounts::show(context.app, &account.name)?;
    let quota = overview::demo_quota(context.app, &account)?;
    let buttons = changes(context, status::buttons(&account));
    let body = html! {
        (card("c7", "status", "Account", &buttons, &facts(context, &summary, &quota)))
        (dinks::part(context, &summary)?)
        (usage(context, &account)?)
        (keys::part(context, &account)?)
        (webhook::part(context, &account.name)?)
        (jobs(context, &account)?)
        (changes(context, html! { (status::dialogs(&account)) (quota_dialog(&account, &quota)) }))
    };
    Ok(View { tab: Tab::Accounts, heading: format!("Account {}", account.name), body })
}

fn facts(context: &Context<'_>, summary: &Summary, quota: &DemoQuota) -> Markup {
    let account = &summary.account;
    html! {
        dl.facts {
            dt { "Status" } dd { (status::word(account.status)) }
            dt { "Jobs" } dd { (number(summary.queued)) " waiting, " (number(summary.rendering)) " rendering" }
            dt { "Demos" } dd {
                (human::size(quota.used)) " of " (human::size(quota.limit))
                span.dim { @if quota.own.is_some() { ", a limit of its own" } @else { ", the server's limit" } }
                " " (changes(context, opener("set-quota", "Change…", "")))
            }
            dt { "Created" } dd { (context.clock(account.created_at_ms)) }
            dt { "Id" } dd.mono.small { (account.public_id) }
        }
    }
}

fn quota_dialog(account: &Account, quota: &DemoQuota) -> Markup {
    dialog(&Dialog {
        id: "set-quota",
        title: "Quota for demos",
        action: "accounts.quota",
        fields: &[("account", &account.public_id.to_string())],
        body: html! {
            (field("max-demos", "Size of all its demos together", html! {
                input #max-demos name="size" placeholder="100GB" autocomplete="off" spellcheck="false" aria-describedby="max-demos-how";
            }))
            p.hint #max-demos-how {
                "A number with a unit, like 100GB or 20GiB; it applies from the next upload on. Leave empty for the server's limit."
                @if quota.used > 0 { " It stores " (human::size(quota.used)) " now; nothing is deleted." }
            }
        },
        confirm: "Set the limit",
        asks_code: false,
    })
}

fn usage(context: &Context<'_>, account: &Account) -> Result<Markup> {
    let usage = recent::usage(context.app, None, Some(&account.name))?;
    let month = usage.statements.month;
    let more = html! {
        a href=(bill::path(month, &account.name)) { "Statement" }
        a href=(format!("{}?month={month}", Tab::Usage.path())) { "All accounts" }
    };
    let body = html! {
        @for (statement, (failed, cancelled)) in usage.statements.list.iter().zip(&usage.unbilled) {
            @if statement.is_empty() { (nothing("Nothing is owed for this month so far.")) }
            @else { (bill::lines(statement)) }
            p.nothing.dim.small {
                (failed) " failed and " (cancelled) " cancelled jobs, which are not billed. As of "
                (context.clock(usage.statements.made_at_ms)) "."
            }
        }
    };
    Ok(card("full", "usage", &format!("Usage in {}", human::month(month)), &more, &body))
}

fn jobs(context: &Context<'_>, account: &Account) -> Result<Markup> {
    let jobs = overview::latest_jobs(context.app, account, JOBS)?;
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("account", &account.name).finish();
    let more = html! { a href=(format!("{}?{query}", Tab::Jobs.path())) { "All its jobs" } };
    let body = html! {
        @if jobs.is_empty() { (nothing("It has not submitted a job yet.")) }
        @else {
            table.stack {
                thead { tr { th { "Job" } th { "State" } th { "Player" } th { "Submitted" } } }
                tbody { @for job in &jobs { (job_row(context, job)) } }
            }
        }
    };
    Ok(card("full", "jobs", "Latest jobs", &more, &body))
}

fn job_row(context: &Context<'_>, job: &Job) -> Markup {
    html! {
        tr data-key=(format!("job-{}", job.public_id)) {
            td { (job_link(job.public_id)) (class_tag(job.class)) }
            td { (job_state(job.status)) }
            td { (job.spec.steam64_id) span.dim { ", round " (job.spec.round) } }
            td data-l="submitted" { (context.when(job.created_at_ms)) }
        }
    }
}

fn set_quota(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let name = fields.text("account")?;
    let bytes = match fields.optional("size") {
        None => None,
        Some(text) => {
            let bytes = amounts::size(text.trim()).filter(|bytes| *bytes <= QUOTA_MOST);
            let message = "The size must be a number with a unit, like 100GB or 20GiB, at most 999TB.";
            Some(bytes.ok_or_else(|| Error::invalid("size", message))?)
        }
    };
    let before = overview::demo_quota(context.app, &accounts::show(context.app, name)?.account)?.own;
    accounts::set_demo_bytes(context.app, context.operator(), name, bytes)?;
    let most = bytes.map_or_else(|| "the server's limit".to_owned(), human::size);
    let size = before.map_or_else(String::new, |bytes| format!("{bytes}b"));
    let back = vec![("account", name.to_owned()), ("size", size)];
    Ok(Done::said(format!("Demos of {name}: at most {most}.")).undone_by("accounts.quota", back))
}
