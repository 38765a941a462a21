//! The pages Nodes and Node.

pub mod field;
pub mod frames;
pub mod one;
pub mod tokens;

use maud::{Markup, html};

use crate::app::leases::frames as app_frames;
use crate::app::nodes::{self, NodeInfo};
use crate::domain::error::Result;
use crate::domain::list::PAGE_DEFAULT;
use crate::domain::node::NodeState;
use crate::domain::wording::counted;
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{card, empty, field as form_field, nothing, pager, select};

/// The pages' actions.
pub const ACTIONS: &[Action] =
    &[Action::new("nodes.drain", drain), Action::new("nodes.resume", resume), Action::new("nodes.remove", remove)];

/// Frames shown above the table.
const FRAMES: usize = 10;

/// The page Nodes.
pub fn view(context: &Context<'_>) -> Result<View> {
    app_frames::watch(context.app);
    let all = nodes::list(context.app)?;
    let body = if all.is_empty() {
        empty(
            "No node has joined yet, so jobs wait",
            html! {
                p { "A render node is a machine that runs this same program. Add one here, then run the command that you get on that machine." }
                (tokens::add(context))
                p { "Or render on this machine as well: restart the server with " code { "--local-nodes 1" } "." }
            },
        )
    } else {
        html! {
            (card("full", "field", &counted(all.len() as u64, "node"), &tokens::add(context), &field::field(context, &all, FRAMES)?))
            (filters(context))
            (card("full", "list", "All nodes", &html! {}, &table(context, &all)))
        }
    };
    let body = html! { (body) (tokens::valid(context)?) };
    Ok(View { tab: Tab::Nodes, heading: Tab::Nodes.label().to_owned(), body })
}

fn filters(context: &Context<'_>) -> Markup {
    let value = |name: &str| context.query(name).unwrap_or_default();
    let states: Vec<_> = std::iter::once(("", "all"))
        .chain(NodeState::ALL.iter().map(|state| (state.as_str(), state.as_str())))
        .collect();
    let renderers = [("", "any"), ("builtin", "builtin"), ("game", "game")];
    html! {
        form.filters data-filters method="get" action=(Tab::Nodes.path()) {
            (form_field("state", "State", select("state", "state", &states, &value("state"))))
            (form_field("renderer", "Renderer", select("renderer", "renderer", &renderers, &value("renderer"))))
            (form_field("name", "Name", html! { input id="name" name="name" value=(value("name")) autocomplete="off"; }))
            button.btn type="submit" { "Filter" }
        }
    }
}

fn table(context: &Context<'_>, all: &[NodeInfo]) -> Markup {
    let value = |name: &str| context.query(name).unwrap_or_default();
    let (state, renderer, name) = (value("state"), value("renderer"), value("name").to_lowercase());
    let is_wanted = |info: &&NodeInfo| {
        (state.is_empty() || info.state.as_str() == state)
            && (renderer.is_empty() || renderers(info).contains(&renderer.as_str()))
            && info.node.name.to_lowercase().contains(&name)
    };
    let after = context.query("after").and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
    let wanted: Vec<_> = all.iter().filter(is_wanted).filter(|info| info.node.id.0 > after).collect();
    let shown = &wanted[..wanted.len().min(PAGE_DEFAULT as usize)];
    let last = shown.last().filter(|_| shown.len() < wanted.len());
    let next = last.map(|info| context.with_query(Tab::Nodes, "after", Some(&info.node.id.to_string())));
    html! {
        @if shown.is_empty() { (nothing("No node matches these filters.")) }
        @else {
            table.stack.nodes {
                thead {
                    tr { th { "Node" } th { "State" } th.r { "Busy" } th { "Renderers" } th { "Version" } th.r { "Last seen" } }
                }
                tbody { @for info in shown { (row(context, info)) } }
            }
        }
        (pager(next.as_deref(), "More nodes"))
    }
}

fn row(context: &Context<'_>, info: &NodeInfo) -> Markup {
    let node = &info.node;
    html! {
        tr data-key=(node.public_id) {
            td { a href=(path(info)) { (node.name) } @if info.key_is_shared { br; span.bad.small { "two machines use its key" } } }
            td {
                (state(info))
                @if let Some(why) = why_benched(info) { br; span.dim.small { (why) } }
                @if is_on_trial(info) { br; span.dim.small { "benched before; one job at a time" } }
            }
            td.r data-l="busy" { (info.leases) " of " (node.offer.slots) }
            td.hide { (renderers(info).join(", ")) }
            td.hide { (version(info)) }
            td.r data-l="seen" { (context.when(node.seen_at_ms)) }
        }
    }
}

/// A node's page.
pub fn path(info: &NodeInfo) -> String {
    format!("{}/{}", Tab::Nodes.path(), info.node.public_id)
}

/// A node's state, as a word in its color.
pub fn state(info: &NodeInfo) -> Markup {
    let class = match info.state {
        NodeState::Up if info.leases > 0 => "busy",
        NodeState::Up => "ok",
        NodeState::Draining | NodeState::Benched => "warn",
        NodeState::Stopped => "dim",
        NodeState::Gone => "bad",
    };
    html! { span.(class) { (info.state.as_str()) } }
}

/// Why a node gets no jobs: benched by the server, or not ready by its own word.
pub fn why_benched(info: &NodeInfo) -> Option<&str> {
    let bench = info.node.bench.as_ref().filter(|_| info.is_benched);
    bench.map(|bench| bench.because.as_str()).or_else(|| info.node.offer.not_ready())
}

/// Whether a node gets one job at a time, because it was benched and has not completed a job since.
pub fn is_on_trial(info: &NodeInfo) -> bool {
    info.state.is_live() && !info.is_benched && info.node.is_on_trial()
}

/// The renderers that a node has, ready or not.
pub fn renderers(info: &NodeInfo) -> Vec<&'static str> {
    let offer = &info.node.offer;
    let mut names: Vec<_> = offer.renderers.iter().map(|renderer| renderer.as_str()).collect();
    if offer.game.is_some() && !names.contains(&"game") {
        names.push("game");
    }
    names
}

/// A node's version.
pub fn version(info: &NodeInfo) -> &str {
    let version = info.node.program.version.as_str();
    if version.is_empty() { "unknown" } else { version }
}

fn drain(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let id = fields.text("id")?;
    let node = nodes::drain(context.app, context.operator(), id)?;
    let said = format!("{} is draining: it finishes its jobs and gets no new ones.", node.name);
    Ok(Done::said(said).undone_by("nodes.resume", vec![("id", id.to_owned())]))
}

fn resume(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let node = nodes::resume(context.app, context.operator(), fields.text("id")?)?;
    Ok(Done::said(match node.offer.not_ready() {
        None => format!("{} gets jobs again.", node.name),
        Some(why) => format!("The server no longer holds {} back, but its game is not ready: {why}", node.name),
    }))
}

fn remove(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (node, jobs) = nodes::remove(context.app, context.operator(), fields.text("id")?)?;
    let jobs = counted(jobs as u64, "job");
    Ok(Done::said(format!("{} has been removed; {jobs} returned to the queue.", node.name)).go_to(Tab::Nodes.path()))
}
