//! The pages Jobs and Job.

pub mod one;
pub mod rows;

use jiff::civil::Date;
use maud::{Markup, html};
use uuid::Uuid;

use crate::app::jobs::operator;
use crate::app::jobs::search::{self, Cursor, Filter, Hit, JobPage};
use crate::domain::error::{Error, Result};
use crate::domain::failure::FailureCode;
use crate::domain::job::{JobStatus, SteamId};
use crate::domain::list::PAGE_DEFAULT;
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{card, copyable, empty, field, job_link, job_state, nothing, pager, select};
use crate::wire::human;

/// The pages' actions.
pub const ACTIONS: &[Action] = &[Action::new("jobs.cancel", cancel), Action::new("jobs.retry", retry)];

/// What `status` may be besides one status, and the statuses that it means.
const UNFINISHED: (&str, [JobStatus; 2]) = ("unfinished", [JobStatus::Queued, JobStatus::Rendering]);

/// The page Jobs: the matching jobs, newest first, or what was found for the search box.
pub fn view(context: &Context<'_>) -> Result<View> {
    let body = match context.query("q") {
        Some(text) => html! { (filters(context)) (found(&text, &search::find(context.app, &text)?)) },
        None => html! { (filters(context)) (list(context)?) },
    };
    Ok(View { tab: Tab::Jobs, heading: Tab::Jobs.label().to_owned(), body })
}

fn filters(context: &Context<'_>) -> Markup {
    let value = |name: &str| context.query(name).unwrap_or_default();
    let statuses = [
        ("", "all"),
        (UNFINISHED.0, "unfinished"),
        ("queued", "waiting"),
        ("rendering", "rendering"),
        ("done", "done"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
    ];
    let codes: Vec<_> = std::iter::once(("", "any"))
        .chain(FailureCode::ALL.iter().map(|code| (code.as_str(), code.as_str())))
        .collect();
    let text = |name: &str, label: &str, hint: &str| {
        let control = html! { input id=(name) name=(name) value=(value(name)) placeholder=(hint) autocomplete="off"; };
        field(name, label, control)
    };
    let day = |name: &str, label: &str| {
        field(name, label, html! { input id=(name) name=(name) type="date" value=(value(name)); })
    };
    let further = ["node", "player", "demo", "code", "from", "to"];
    html! {
        form.filters data-filters method="get" action=(Tab::Jobs.path()) {
            (field("status", "State", select("status", "status", &statuses, &value("status"))))
            (text("account", "Account", ""))
            details.more open[further.iter().any(|name| context.query(name).is_some())] {
                summary { "More filters" }
                div {
                    (text("node", "Node", ""))
                    (text("player", "Player", "Steam ID"))
                    (text("demo", "Demo", "URL or SHA-256"))
                    (field("code", "Failed with", select("code", "code", &codes, &value("code"))))
                    (day("from", "From"))
                    (day("to", "To"))
                }
            }
            button.btn type="submit" { "Filter" }
            @if context.call.request.raw_url().contains('?') { a.btn href=(Tab::Jobs.path()) { "Clear" } }
        }
    }
}

fn filter(context: &Context<'_>) -> Result<Filter> {
    let statuses = match context.query("status").as_deref() {
        None => Vec::new(),
        Some(word) if word == UNFINISHED.0 => UNFINISHED.1.to_vec(),
        Some(word) => vec![JobStatus::parse(word).ok_or_else(|| Error::invalid("status", "There is no such state."))?],
    };
    let code = context
        .query("code")
        .map(|word| FailureCode::parse(&word).ok_or_else(|| Error::invalid("code", "There is no such failure.")));
    let player = context.query("player").map(|text| SteamId::parse(text.trim(), "player"));
    let day = |name: &str, after: i64| -> Result<Option<i64>> {
        let Some(text) = context.query(name) else { return Ok(None) };
        let day: Date =
            text.parse().map_err(|_| Error::invalid(name, format!("{name} must be a date like 2026-11-01.")))?;
        Ok(context.midnight(day).map(|at_ms| at_ms + after))
    };
    Ok(Filter {
        account: context.query("account"),
        key: None,
        node: context.query("node"),
        statuses,
        player: player.transpose()?,
        demo: context.query("demo").map(|text| text.trim().to_owned()),
        code: code.transpose()?,
        created_from_ms: day("from", 0)?,
        created_to_ms: day("to", DAY_MS)?,
    })
}

/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

fn list(context: &Context<'_>) -> Result<Markup> {
    let after = context.query("after").and_then(|text| Cursor::parse(&text));
    let page = search::page(context.app, &filter(context)?, after, PAGE_DEFAULT)?;
    if page.jobs.is_empty() && page.next.is_none() && !context.call.request.raw_url().contains('?') {
        return Ok(no_jobs(context));
    }
    let next = page.next.map(|cursor| context.with_query(Tab::Jobs, "after", Some(&cursor.to_string())));
    let label = if page.searched_to_ms.is_some() { "Search further back" } else { "Older jobs" };
    let body = html! {
        (rows::table(context, &page.jobs)?)
        (searched(context, &page))
        (pager(next.as_deref(), label))
    };
    Ok(card("full", "jobs", "Newest first", &html! {}, &body))
}

fn searched(context: &Context<'_>, page: &JobPage) -> Markup {
    html! {
        @if let Some(at_ms) = page.searched_to_ms {
            p.nothing.dim { "Searched the jobs back to " (context.clock(at_ms)) "." }
        } @else if page.jobs.is_empty() {
            (nothing("No job matches these filters."))
        }
    }
}

fn no_jobs(context: &Context<'_>) -> Markup {
    let server = context.call.base.url("");
    let ca = if context.call.authority_pem.is_some() { " --ca dinkem-ca.pem" } else { "" };
    let line = format!("DINKEM_API_KEY=KEY dinkem-appliance submit DEMO --server {server}{ca} --highlights 5");
    empty(
        "No job was submitted yet",
        html! {
            p { "Clients submit jobs with an account's key, for example:" }
            (copyable("submit-line", "the command", &line))
            p { a href=(Tab::Accounts.path()) { "Accounts and their keys" } }
        },
    )
}

fn found(text: &str, hits: &[Hit]) -> Markup {
    let body = html! {
        @if hits.is_empty() {
            (nothing("Nothing found. Search for a job id or its last 8 characters, a Steam ID, or the beginning of an account or node name."))
        } @else {
            ul.hits {
                @for hit in hits {
                    li {
                        @match hit {
                            Hit::Job { id, account, status } => { (job_state(*status)) " job " (job_link(*id)) " of " (account) },
                            Hit::Player(player) => { "player " a href=(query("player", &player.to_string())) { (player.to_string()) } },
                            Hit::Account(name) => { "account " a href=(query("account", name)) { (name) } },
                            Hit::Node(name) => { "node " a href=(query("node", name)) { (name) } },
                        }
                    }
                }
            }
        }
    };
    card("full", "found", &format!("Found for “{text}”"), &html! {}, &body)
}

/// The address of the jobs with one filter set.
pub fn query(name: &str, value: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    format!("{}?{query}", Tab::Jobs.path())
}

fn id(fields: &Fields) -> Result<Uuid> {
    Uuid::try_parse(fields.text("id")?).map_err(|_| Error::not_found("There is no such job."))
}

fn cancel(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let id = id(fields)?;
    operator::cancel(context.app, context.operator(), id)?;
    Ok(Done::said(format!("Job {} is cancelled.", human::short(id)))
        .undone_by("jobs.retry", vec![("id", id.to_string())]))
}

fn retry(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let id = id(fields)?;
    operator::retry(context.app, context.operator(), id)?;
    Ok(Done::said(format!("Job {} is back in the queue.", human::short(id))))
}
