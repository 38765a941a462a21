//! The page Overview: what needs the operator first, then figures, why jobs wait, whose they are, nodes, the last day.

mod queue;
mod wants;

use maud::{Markup, html};

use crate::app::jobs::queue::QueueFigures;
use crate::app::leases::frames;
use crate::app::overview::{self, Overview};
use crate::app::upkeep::history::{Failures, LastDay};
use crate::domain::error::Result;
use crate::http::operator::charts;
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::jobs::{query, rows};
use crate::http::operator::nodes::field;
use crate::http::operator::parts::{card, empty, job_link, nothing, number};
use crate::wire::human;

/// Frames of nodes.
const FRAMES: usize = 5;
/// Reasons of failures.
const FAILURES: usize = 6;

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    frames::watch(context.app);
    let overview = overview::latest(context.app)?;
    let Overview { figures, groups, nodes, day, jobs, .. } = &*overview;
    let all_jobs = html! { a href=(Tab::Jobs.path()) { "All jobs" } };
    let all_nodes = html! { a href=(Tab::Nodes.path()) { "All " (nodes.len()) } };
    let body = html! {
        (wants::card(context, &overview))
        (tiles(figures, day))
        (queue::why(context, figures, groups))
        (queue::whose(&overview.accounts))
        @if !nodes.is_empty() { (card("full", "nodes", "Nodes", &all_nodes, &field::field(context, nodes, FRAMES)?)) }
        (card("c7 grow", "day", "The last 24 hours", &html! {}, &charts::last_day(context, day)))
        (card("c5", "failures", "What failed in 24 h", &failed_link(day), &failures(context, day)))
        @if jobs.is_empty() { (empty("No job was submitted yet", html! { a href=(Tab::Jobs.path()) { "How to submit a job" } })) }
        @else { (card("full", "latest", "Latest jobs", &all_jobs, &rows::table(context, jobs)?)) }
    };
    Ok(View { tab: Tab::Overview, heading: Tab::Overview.label().to_owned(), body })
}

fn tiles(figures: &QueueFigures, day: &LastDay) -> Markup {
    let waiting = figures.waiting_reserved + figures.waiting_metered;
    let pace = figures.clips_per_minute;
    html! {
        dl.card.full.tiles {
            div.tile {
                dt { "Waiting" }
                dd.big { (number(waiting)) }
                dd.sub { (number(figures.waiting_reserved)) " reserved, " (number(figures.waiting_metered)) " metered" }
            }
            div.tile {
                dt { "A new job waits" }
                (wait(figures.metered_wait_seconds))
                dd.sub { @if let Some(seconds) = figures.reserved_wait_seconds { "reserved: about " (span(seconds)) } @else { "no clips lately" } }
            }
            div.tile {
                dt { "Rendering" }
                dd.big { (number(figures.rendering)) " " small { "of " (number(figures.slots)) } }
                dd.sub { "slots" @if pace > 0.0 { "; " (if pace < 10.0 { format!("{pace:.1}") } else { format!("{pace:.0}") }) " clips a minute" } }
            }
            div.tile {
                dt { "Done in 24 h" }
                dd.big { (number(day.done)) }
                dd.sub {
                    a href=(query("status", "failed")) { (number(day.failed)) " failed" }
                    @if day.done + day.failed > 0 { ", " (format!("{:.2}", day.failed as f64 * 100.0 / (day.done + day.failed) as f64)) " %" }
                }
            }
        }
    }
}

fn wait(seconds: Option<u64>) -> Markup {
    match seconds {
        None => html! { dd.big { "–" } },
        Some(seconds) => {
            let text = span(seconds);
            let (value, unit) = text.split_once(' ').unwrap_or((&text, ""));
            html! { dd.big { (value) " " small { (unit) } } }
        }
    }
}

fn span(seconds: u64) -> String {
    human::span(seconds.saturating_mul(1_000).try_into().unwrap_or(i64::MAX))
}

fn failed_link(day: &LastDay) -> Markup {
    html! { @if day.failed > 0 { a href=(query("status", "failed")) { "All " (number(day.failed)) } } }
}

fn failures(context: &Context<'_>, day: &LastDay) -> Markup {
    html! {
        @if day.failures.is_empty() { (nothing("Nothing failed.")) }
        @else {
            table.stack.fails {
                thead { tr { th.r { "Jobs" } th { "Why" } th.r { "Last" } } }
                tbody { @for failure in day.failures.iter().take(FAILURES) { (failure_row(context, failure)) } }
            }
        }
    }
}

fn failure_row(context: &Context<'_>, failure: &Failures) -> Markup {
    let code = failure.code.as_str();
    html! {
        tr data-key=(format!("failure-{code}")) {
            td.r { (number(failure.jobs)) }
            td {
                a.mono href=(query("code", code)) { (code) }
                @if let Some(last) = &failure.last {
                    br;
                    span.dim.small {
                        (last.message) " (" (job_link(last.id)) " of " (last.account)
                        @if let Some(node) = &last.node { " on " (node) } ")"
                    }
                }
            }
            td.r { (context.when(failure.last_at_ms)) }
        }
    }
}
