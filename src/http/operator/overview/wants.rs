//! What needs the operator, the worst first, each with the way to where it is mended.

use maud::{Markup, html};

use crate::app::jobs::queue::{Cause, WaitingGroup};
use crate::app::nodes::NodeInfo;
use crate::app::overview::Overview;
use crate::app::upkeep::history::DiskTrend;
use crate::app::upkeep::{findings, health};
use crate::domain::account::Account;
use crate::domain::node::NodeState;
use crate::domain::wording::{counted, size};
use crate::http::operator::accounts::status::activate_button;
use crate::http::operator::context::{Context, Tab};
use crate::http::operator::nodes::{self, tokens};
use crate::http::operator::parts::{Icon, changes, icon};

/// Accounts and nodes that are named one by one.
const NAMED: usize = 3;
/// The disk is worth a word when it will be full in so many days.
const DISK_DAYS: f64 = 14.0;

/// How much something matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Bad,
    Warning,
    News,
}

/// Something for the operator to do.
struct Want {
    weight: Weight,
    what: String,
    why: String,
    action: Markup,
}

/// All of it; nothing if nothing needs the operator.
pub fn card(context: &Context<'_>, overview: &Overview) -> Markup {
    let mut wants = Vec::new();
    if let Err(error) = health::known(context.app) {
        let action = link(Tab::Health.path(), "Health");
        wants.push(Want {
            weight: Weight::Bad,
            what: "The server is not accepting work.".to_owned(),
            why: error.message,
            action,
        });
    }
    of_nodes(context, &overview.groups, &overview.nodes, &mut wants);
    disk(&overview.disk, &mut wants);
    for (account, because) in overview.disabled_webhooks.iter().take(NAMED) {
        let what = format!("The webhook of {account} is disabled.");
        wants.push(Want {
            weight: Weight::Warning,
            what,
            why: because.clone(),
            action: link(Tab::Accounts.path(), "Accounts"),
        });
    }
    faults(context, &mut wants);
    inactive(context, &overview.inactive, &mut wants);
    wants.sort_by_key(|want| want.weight);
    html! {
        @if !wants.is_empty() {
            section.card.full aria-labelledby="wants" {
                h2.vh id="wants" { "What needs you" }
                ul.wants { @for want in &wants { (row(want)) } }
            }
        }
    }
}

fn row(want: &Want) -> Markup {
    let (class, icon_of) = match want.weight {
        Weight::Bad => ("bad", Icon::Bad),
        Weight::Warning => ("warn", Icon::Warning),
        Weight::News => ("news", Icon::Person),
    };
    html! { li { span.(class) { (icon(icon_of)) } p { b { (want.what) } " " span.dim { (want.why) } } (want.action) } }
}

fn link(path: &str, label: &str) -> Markup {
    html! { a.btn href=(path) { (label) } }
}

fn of_nodes(context: &Context<'_>, groups: &[WaitingGroup], all: &[NodeInfo], wants: &mut Vec<Want>) {
    if all.is_empty() {
        let (what, why) = ("No node has joined yet.".to_owned(), "Jobs wait until one does.".to_owned());
        wants.push(Want { weight: Weight::Bad, what, why, action: tokens::add_one(context) });
        return;
    }
    for group in groups.iter().filter(|group| group.is_stuck() && matches!(group.cause, Cause::Nodes(_))) {
        let what = format!("{}.", group.headline);
        let why = format!("{} for it. {}", wait(group.jobs), group.explanation);
        wants.push(Want { weight: Weight::Bad, what, why, action: link(Tab::Nodes.path(), "View nodes") });
    }
    let benched: Vec<_> = all.iter().filter(|info| info.state == NodeState::Benched).collect();
    for info in benched.iter().take(NAMED) {
        let what = format!("{} gets no jobs.", info.node.name);
        let why = nodes::why_benched(info).unwrap_or_default().to_owned();
        wants.push(Want { weight: Weight::Warning, what, why, action: link(&nodes::path(info), "View node") });
    }
    for info in all.iter().filter(|info| info.key_is_shared).take(NAMED) {
        let what = format!("Two machines use the key of {}.", info.node.name);
        let why = "Remove the node, then join each machine with its own token.".to_owned();
        wants.push(Want { weight: Weight::Bad, what, why, action: link(&nodes::path(info), "View node") });
    }
}

fn wait(jobs: u64) -> String {
    format!("{} {}", counted(jobs, "job"), if jobs == 1 { "waits" } else { "wait" })
}

fn disk(trend: &DiskTrend, wants: &mut Vec<Want>) {
    if let (Some(days), Some(free)) = (trend.days_left.filter(|days| *days < DISK_DAYS), trend.free_bytes) {
        let gained = trend.gained_per_day.unwrap_or_default().max(0).cast_unsigned();
        let what = match days.round() as u64 {
            0 => "The disk will be full within a day.".to_owned(),
            days => format!("The disk will be full in about {}.", counted(days, "day")),
        };
        let why = format!("{} free, and {} more are used each day.", size(free), size(gained));
        wants.push(Want { weight: Weight::Warning, what, why, action: link(Tab::Storage.path(), "Storage") });
    }
}

/// What doctor found, but for what is said above in other words.
fn faults(context: &Context<'_>, wants: &mut Vec<Want>) {
    let found = findings::latest(context.app).map(|found| found.faults).unwrap_or_default();
    let others: Vec<_> =
        found.iter().filter(|fault| ![health::NO_NODES, "node_key_shared"].contains(&fault.code)).collect();
    if let Some(first) = others.first() {
        let what = format!("Doctor found {}.", counted(others.len() as u64, "fault"));
        let action = link(Tab::Health.path(), "Health");
        wants.push(Want { weight: Weight::Warning, what, why: first.message.clone(), action });
    }
}

fn inactive(context: &Context<'_>, inactive: &[Account], wants: &mut Vec<Want>) {
    for account in inactive.iter().take(NAMED) {
        let action = changes(context, activate_button(account));
        let what = format!("{} is waiting to be activated.", account.name);
        wants.push(Want { weight: Weight::News, what, why: "Its keys are refused until then.".to_owned(), action });
    }
    if inactive.len() > NAMED {
        let more = inactive.len() - NAMED;
        let what = format!("{more} more {} waiting to be activated.", if more == 1 { "is" } else { "are" });
        wants.push(Want {
            weight: Weight::News,
            what,
            why: String::new(),
            action: link(Tab::Accounts.path(), "Accounts"),
        });
    }
}
