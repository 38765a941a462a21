//! The page Audit: who changed what, when and from where; and who is signed in.

use maud::{Markup, html};
use uuid::Uuid;

use crate::app::audit::{self, Entry};
use crate::app::operators;
use crate::domain::error::{Error, Result};
use crate::domain::operator::OperatorKey;
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{action_button, card, changes, field, job_link, nothing, pager, select};

/// Entries on a page.
const ENTRIES: u32 = 50;
/// Keys of the dashboard that are listed.
const KEYS: usize = 20;

/// The page's actions.
pub const ACTIONS: &[Action] = &[Action::new("audit.revoke", revoke)];

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    let body = html! {
        (filters(context))
        (card("full", "entries", "Changes", &html! {}, &entries(context)?))
        (card("full", "keys", "Signed in to the dashboard", &html! {}, &keys(context)?))
    };
    Ok(View { tab: Tab::Audit, heading: Tab::Audit.label().to_owned(), body })
}

/// The areas of actions: the words before their dot.
const AREAS: [(&str, &str); 12] = [
    ("", "everything"),
    ("account", "accounts"),
    ("keys", "keys"),
    ("dinks", "dinks"),
    ("nodes", "nodes"),
    ("jobs", "jobs"),
    ("clips", "clips"),
    ("demos", "demos"),
    ("retention", "retention"),
    ("rates", "prices"),
    ("webhook", "webhooks"),
    ("dashboard", "dashboard"),
];

fn filters(context: &Context<'_>) -> Markup {
    let value = |name: &str| context.query(name).unwrap_or_default();
    html! {
        form.filters data-filters method="get" action=(Tab::Audit.path()) {
            (field("area", "About", select("area", "area", &AREAS, &value("area"))))
            (field("who", "Who", html! { input #who name="who" value=(value("who")) autocomplete="off"; }))
            (field("subject", "Of what", html! { input #subject name="subject" value=(value("subject")) autocomplete="off" placeholder="Account, node or id"; }))
            button.btn type="submit" { "Filter" }
        }
    }
}

fn entries(context: &Context<'_>) -> Result<Markup> {
    let filter = audit::Filter {
        area: context.query("area"),
        actor: context.query("who"),
        subject: context.query("subject"),
        before: context.query("after").and_then(|text| text.parse().ok()),
    };
    let page = audit::page(context.app, &filter, ENTRIES)?;
    let next = page.next.map(|id| context.with_query(Tab::Audit, "after", Some(&id.to_string())));
    Ok(html! {
        @if page.entries.is_empty() {
            (nothing("No change matches. Changes made with admin, in the dashboard and by the server are all listed here."))
        } @else {
            table.stack.audit {
                thead { tr { th { "When" } th { "Who" } th { "What" } th { "Of what" } th { "Details" } } }
                tbody { @for entry in &page.entries { (row(context, entry)) } }
            }
        }
        (pager(next.as_deref(), "Older changes"))
    })
}

fn row(context: &Context<'_>, entry: &Entry) -> Markup {
    let job = Uuid::try_parse(&entry.subject).ok().filter(|_| entry.action.starts_with("jobs."));
    html! {
        tr data-key=(format!("entry-{}", entry.id)) {
            td.nowrap { (context.clock(entry.at_ms)) }
            td { (entry.actor) br; span.dim.small { @if entry.source.is_empty() { "admin" } @else { (entry.source) } } }
            td.mono { (entry.action) }
            td { @match job { Some(id) => (job_link(id)), None => (entry.subject) } }
            td.w.dim { (entry.details) }
        }
    }
}

fn keys(context: &Context<'_>) -> Result<Markup> {
    let keys = operators::list(context.app)?;
    Ok(html! {
        table.stack {
            thead { tr { th { "Who" } th { "From" } th { "Signed in" } th.r { "Last used" } th { "State" } } }
            tbody { @for key in keys.iter().take(KEYS) { (key_row(context, key)) } }
        }
    })
}

fn key_row(context: &Context<'_>, key: &OperatorKey) -> Markup {
    let id = key.id.to_string();
    html! {
        tr data-key=(format!("key-{id}")) {
            td { (key.operator.name()) @if key.read_only { " " span.tag { "read-only" } } }
            td { (key.operator.source()) }
            td data-l="signed in" { (context.when(key.created_at_ms)) }
            td.r data-l="used" { (context.when(key.used_at_ms)) }
            td {
                @if key.id == context.key.id { "this browser tab " button.btn type="button" data-signs-out { "Sign out" } }
                @else if key.is_live(context.now_ms) {
                    "signed in " (changes(context, action_button("audit.revoke", &[("id", &id)], "Sign out", "")))
                }
                @else { span.dim { @if key.ended_at_ms.is_some() { "signed out" } @else { "expired" } } }
            }
        }
    }
}

fn revoke(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let id = fields.text("id")?.parse().map_err(|_| Error::invalid("id", "id must be a number."))?;
    operators::revoke(context.app, context.operator(), id)?;
    Ok(Done::said("Signed out."))
}
