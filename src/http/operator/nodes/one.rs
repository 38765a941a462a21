//! The page of one node: its state and why, what it renders with, how fast, its last frame and its jobs.

use maud::{Markup, html};

use crate::app::leases::frames;
use crate::app::nodes::work;
use crate::app::nodes::{self as app_nodes, NodeInfo};
use crate::domain::error::{Error, Result};
use crate::domain::node::NodeState;
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::jobs::{query, rows};
use crate::http::operator::nodes::frames::picture;
use crate::http::operator::nodes::{is_on_trial, renderers, state, version, why_benched};
use crate::http::operator::parts::{Dialog, action_button, card, changes, dialog, nothing, opener};

/// Jobs that are listed.
const JOBS: u32 = 20;

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    frames::watch(context.app);
    let id = context.id()?;
    let all = app_nodes::list(context.app)?;
    let info = all.iter().find(|info| info.node.public_id == id);
    let info = info.ok_or_else(|| Error::not_found("There is no such node. It may have been removed."))?;
    let jobs = work::latest_jobs(context.app, &id.to_string(), JOBS)?;
    let table = if jobs.is_empty() { nothing("It has not taken a job yet.") } else { rows::table(context, &jobs)? };
    let more = html! { a href=(query("node", &info.node.name)) { "All its jobs" } };
    let body = html! {
        (card("c7", "state", "State", &buttons(context, info), &facts(context, info)?))
        (card("c5", "frame", "Live frame", &html! {}, &drawing(context, info)))
        (card("full", "jobs", "Latest jobs", &more, &table))
        (changes(context, removal(info)))
    };
    Ok(View { tab: Tab::Nodes, heading: format!("Node {}", info.node.name), body })
}

fn buttons(context: &Context<'_>, info: &NodeInfo) -> Markup {
    let id = info.node.public_id.to_string();
    changes(
        context,
        html! {
            @if info.node.draining || info.is_benched { (action_button("nodes.resume", &[("id", &id)], "Resume", "main")) }
            @if !info.node.draining { (action_button("nodes.drain", &[("id", &id)], "Drain", "")) }
            (opener("remove-node", "Remove…", "danger"))
        },
    )
}

fn removal(info: &NodeInfo) -> Markup {
    let (id, name) = (info.node.public_id.to_string(), &info.node.name);
    dialog(&Dialog {
        id: "remove-node",
        title: &format!("Remove {name}?"),
        action: "nodes.remove",
        fields: &[("id", &id)],
        body: html! { p { "Its key stops working permanently, and its jobs return to the queue. To use the machine again, join it with a new token. To let it finish its jobs first, drain it." } },
        confirm: "Remove",
        asks_code: false,
    })
}

fn facts(context: &Context<'_>, info: &NodeInfo) -> Result<Markup> {
    let node = &info.node;
    let speed = work::speed(context.app, &node.public_id.to_string())?;
    let heights: Vec<_> = node.offer.resolutions.iter().map(|height| format!("{height}p")).collect();
    Ok(html! {
        dl.facts {
            dt { "State" } dd {
                (state(info))
                @if info.state == NodeState::Draining { ": it finishes its jobs and gets no new ones" }
                @if let Some(why) = why_benched(info) { br; (why) }
                @if let Some(bench) = node.bench.as_ref().filter(|_| info.is_benched) { br; span.dim { "It gets jobs again " (context.when(bench.until_ms)) "." } }
                @if is_on_trial(info) { br; "It was benched and gets one job at a time until one succeeds." }
            }
            @if info.key_is_shared { dt { "Key" } dd.bad { "Two machines use this node's key. Remove the node, then join each machine with its own token." } }
            dt { "Busy" } dd { (info.leases) " of " (node.offer.slots) }
            dt { "Renderers" } dd { (renderers(info).join(", ")) " at " (heights.join(" and ")) }
            @if let Some(game) = &node.offer.game {
                dt { "Game" } dd {
                    @match game.build { Some(build) => { "build " (build) }, None => { "build unknown" } }
                    @for part in [&game.tools, &game.canary] { @if !part.is_empty() { br; span.dim { (part) } } }
                }
            }
            dt { "Speed" } dd {
                @match speed {
                    Some(speed) => {
                        (format!("{:.1}", speed.footage_per_second)) " s of footage a second, "
                        (format!("{:.0}", speed.seconds_per_clip)) " s for a clip"
                        span.dim { " (average of the last " (speed.clips) ")" }
                    },
                    None => { "no clips lately" },
                }
            }
            dt { "Version" } dd { (version(info)) span.dim { ", protocol " (node.program.protocol) } }
            dt { "Seen" } dd { (context.when(node.seen_at_ms)) }
            dt { "Joined" } dd { (context.clock(node.joined_at_ms)) @if node.ephemeral { span.dim { ", forgotten 10 minutes after it is gone" } } }
            dt { "Id" } dd.mono.small { (node.public_id) }
        }
    })
}

fn drawing(context: &Context<'_>, info: &NodeInfo) -> Markup {
    let frames = frames::of_node(context.app, info.node.id);
    html! {
        @if frames.is_empty() {
            (nothing(if info.leases > 0 { "The first frame appears within a few seconds. Nodes running older versions send none." } else { "It is not rendering at the moment." }))
        } @else {
            div.body { @for frame in &frames { (picture(frame, "What the node draws now")) } }
        }
    }
}
