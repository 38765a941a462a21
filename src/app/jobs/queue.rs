//! The queue of all accounts, for the operator: why jobs wait, whose they are, and how long a new one would wait.

use uuid::Uuid;

use crate::app::App;
use crate::domain::account::AccountStatus;
use crate::domain::error::Result;
use crate::domain::id::JobId;
use crate::domain::job::JobStatus;
use crate::domain::key::KeyClass;
use crate::domain::node::Node;
use crate::domain::offer::Needs;
use crate::domain::schedule::LiveNode;
use crate::domain::schedule::explain::{self, Reason};
use crate::domain::wording::counted;
use crate::store::{self, Db};

/// Nodes that are named as missing.
pub const GONE_NAMED: usize = 4;
/// Milliseconds over which completed clips are counted: 10 minutes.
const PACE_MS: i64 = 600_000;
/// Clips that are counted at most.
const PACE_CLIPS: u32 = 100_000;
/// Milliseconds within which the last clips say how long one takes: a day.
const RECENT_MS: i64 = 86_400_000;
/// How many of the last clips say how long one takes.
const RECENT_CLIPS: u32 = 50;

/// Queued jobs that wait for the same reason.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingGroup {
    /// Why they wait.
    pub cause: Cause,
    /// How many they are.
    pub jobs: u64,
    /// When the first of them was submitted. Unix time in milliseconds.
    pub oldest_at_ms: i64,
    /// That job; `None` if it has just left the queue.
    pub first: Option<Uuid>,
    /// The reason as a sentence without a full stop: `All 187 nodes are busy`.
    pub headline: String,
    /// What follows from it, or what to do, in one or two sentences.
    pub explanation: String,
    /// Nodes that could take these jobs but are not connected, at most [`GONE_NAMED`]; only if no other node can.
    pub gone: Vec<GoneNode>,
    /// How many such nodes there are.
    pub gone_nodes: usize,
}

impl WaitingGroup {
    /// Whether time alone does not help.
    pub fn is_stuck(&self) -> bool {
        match &self.cause {
            Cause::Nodes(reason) => reason.is_stuck(),
            Cause::NoRoom | Cause::InactiveAccounts => true,
        }
    }
}

/// Why a group of jobs waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Because of the nodes.
    Nodes(Reason),
    /// The disk has no room for clips.
    NoRoom,
    /// Their accounts are not active.
    InactiveAccounts,
}

/// A node that is not connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneNode {
    /// Its name.
    pub name: String,
    /// When it was last seen, or stopped. Unix time in milliseconds.
    pub since_ms: i64,
}

/// Kinds of jobs that are collected for a group.
struct Collected {
    cause: Cause,
    /// Whether the number of nodes differs between its kinds.
    varies: bool,
    needs: Vec<Needs>,
    jobs: u64,
    oldest: JobId,
}

/// All queued jobs by why they wait, the largest group first, at most `limit` groups. The reason is found once for all
/// jobs that need the same of a node.
pub fn why_waiting(app: &App, limit: usize) -> Result<Vec<WaitingGroup>> {
    app.store.read_queue()?;
    let now = app.clock.now_ms();
    let (nodes, inactive) = app.store.read(|db| Ok((store::nodes::all(db)?, inactive(db)?)))?;
    let (live, gone): (Vec<_>, Vec<_>) = nodes.into_iter().partition(|(node, _)| node.state(now).is_live());
    let live: Vec<LiveNode> = live.into_iter().map(|(node, leases)| LiveNode::of(node, leases, now)).collect();
    let gone: Vec<Node> = gone.into_iter().map(|(node, _)| node).collect();
    let has_room = app.room.is_open();

    let mut groups: Vec<Collected> = Vec::new();
    for kind in app.store.waiting_kinds() {
        let cause = match has_room {
            true => Cause::Nodes(explain::why_waiting(&kind.needs, &kind.avoids, &live)),
            false => Cause::NoRoom,
        };
        add(&mut groups, cause, kind.needs, kind.jobs, kind.oldest);
    }
    groups.sort_by_key(|group| (std::cmp::Reverse(group.jobs), group.oldest));
    let working = live.iter().filter(|node| node.takes_work()).count();
    let mut found: Vec<WaitingGroup> = Vec::new();
    for group in groups.iter().take(limit) {
        let gone = missing(group, &gone);
        let (first, oldest_at_ms) = first(app, group.oldest, now)?;
        found.push(WaitingGroup {
            cause: group.cause.clone(),
            jobs: group.jobs,
            oldest_at_ms,
            first,
            headline: headline(group, working),
            explanation: explanation(&group.cause, !gone.is_empty()).to_owned(),
            gone_nodes: gone.len(),
            gone: gone.into_iter().take(GONE_NAMED).collect(),
        });
    }
    if let Some(group) = inactive {
        let (first, oldest_at_ms) = first(app, group.oldest, now)?;
        found.push(WaitingGroup {
            cause: Cause::InactiveAccounts,
            jobs: group.jobs,
            oldest_at_ms,
            first,
            headline: group.headline,
            explanation: explanation(&Cause::InactiveAccounts, false).to_owned(),
            gone: Vec::new(),
            gone_nodes: 0,
        });
        found.sort_by_key(|group| (std::cmp::Reverse(group.jobs), group.oldest_at_ms));
        found.truncate(limit);
    }
    Ok(found)
}

fn add(groups: &mut Vec<Collected>, cause: Cause, needs: Needs, jobs: u64, oldest: JobId) {
    let is_same = |group: &&mut Collected| match (&group.cause, &cause) {
        // Jobs that failed on one node and jobs that failed on two wait for the same thing.
        (Cause::Nodes(Reason::Busy { other: true, .. }), Cause::Nodes(Reason::Busy { other: true, .. })) => true,
        (one, other) => one == other,
    };
    let Some(group) = groups.iter_mut().find(is_same) else {
        return groups.push(Collected { cause, varies: false, needs: vec![needs], jobs, oldest });
    };
    group.varies |= group.cause != cause;
    group.jobs += jobs;
    group.oldest = group.oldest.min(oldest);
    if !group.needs.contains(&needs) {
        group.needs.push(needs);
    }
}

/// The first job of a group: its id, and when it was submitted.
fn first(app: &App, job: JobId, now_ms: i64) -> Result<(Option<Uuid>, i64)> {
    // The queue knows a job before its commit.
    let job = app.store.read(|db| store::jobs::find(db, job))?;
    Ok(job.map_or((None, now_ms), |job| (Some(job.public_id), job.created_at_ms)))
}

/// Nodes that are not connected and could take jobs of a group that no other node can take.
fn missing(group: &Collected, gone: &[Node]) -> Vec<GoneNode> {
    let Cause::Nodes(reason) = &group.cause else { return Vec::new() };
    if !reason.is_stuck() {
        return Vec::new();
    }
    let could = |node: &&Node| {
        let offer = &node.offer;
        let fits = |needs: &Needs| offer.has(needs.renderer) && offer.has_resolution(needs) && offer.plays(needs);
        group.needs.iter().any(fits)
    };
    let gone_node =
        |node: &Node| GoneNode { name: node.name.clone(), since_ms: node.stopped_at_ms.unwrap_or(node.seen_at_ms) };
    gone.iter().filter(could).map(gone_node).collect()
}

/// `working`: live nodes that accept work.
fn headline(group: &Collected, working: usize) -> String {
    let reason = match &group.cause {
        Cause::Nodes(reason) => reason,
        Cause::NoRoom => return "The server's disk has no room for clips".to_owned(),
        Cause::InactiveAccounts => return "Their accounts are not active".to_owned(),
    };
    match reason {
        Reason::NoneReady(renderer) => format!("No node with the {} renderer is ready", renderer.as_str()),
        Reason::NoWorkTaken { benched: false } => "Every node that could take them is draining".to_owned(),
        Reason::NoWorkTaken { benched: true } => "Every node that could take them is draining or benched".to_owned(),
        Reason::AboutToTake => "Nodes are about to take them".to_owned(),
        Reason::Busy { .. } if group.varies => "All other nodes are busy".to_owned(),
        Reason::Busy { nodes, other: false } if *nodes < working => match nodes {
            1 => "The only node that can take them is busy".to_owned(),
            count => format!("All {} that can take them are busy", counted(*count, "node")),
        },
        _ => capitalized(&reason.to_string()),
    }
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// `some_gone`: whether nodes that could take the jobs are not connected.
fn explanation(cause: &Cause, some_gone: bool) -> &'static str {
    let reason = match cause {
        Cause::Nodes(reason) => reason,
        Cause::NoRoom => return "Nothing is rendered until space is freed.",
        Cause::InactiveAccounts => return "Activate the account, or cancel its jobs.",
    };
    match reason {
        _ if reason.is_stuck() && some_gone => "These jobs wait until one is back.",
        Reason::NoNodes => "These jobs wait until a render node connects.",
        Reason::NoRenderer(_) => "Add a node with this renderer, or cancel these jobs.",
        Reason::NoResolution(..) => "Add a node that renders at this resolution, or cancel these jobs.",
        Reason::NoGameBuild(_) => "Add a node with this build of the game, or cancel these jobs.",
        Reason::NoneReady(_) => "Each node's page says what keeps it from rendering.",
        Reason::NoWorkTaken { .. } => "Resume one of them, or add another node.",
        Reason::RendererBusy(_) => "The game renders one job at a time on each node.",
        Reason::AboutToTake => "There are free slots.",
        Reason::Silent => "Each node's page says when it was last heard from.",
        Reason::Busy { other: true, .. } => "Each failed on one node and waits for another.",
        Reason::Busy { other: false, .. } => "Reserved jobs go first, then accounts in turns.",
    }
}

/// Queued jobs of accounts that are not active.
struct Inactive {
    jobs: u64,
    oldest: JobId,
    headline: String,
}

fn inactive(db: &Db) -> Result<Option<Inactive>> {
    let rows = store::unfinished::by_account(db)?;
    let waiting =
        || rows.iter().filter(|row| row.status == JobStatus::Queued && row.account_status != AccountStatus::Active);
    let mut names: Vec<&str> = waiting().map(|row| row.account.as_str()).collect();
    names.dedup();
    let Some((only, oldest)) = waiting().next().zip(waiting().map(|row| row.first).min()) else { return Ok(None) };
    let headline = match names.len() {
        1 => format!("The account {} is {}", only.account, only.account_status.as_str()),
        count => format!("{} are not active", counted(count, "account")),
    };
    Ok(Some(Inactive { jobs: waiting().map(|row| row.jobs).sum(), oldest, headline }))
}

/// Figures of the queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueFigures {
    /// Reserved jobs that wait.
    pub waiting_reserved: u64,
    /// Metered jobs that wait.
    pub waiting_metered: u64,
    /// Jobs that live nodes are working on.
    pub rendering: u64,
    /// Slots of live nodes; of those that get no new jobs, only the ones in use.
    pub slots: u64,
    /// Clips completed per minute over the last ten minutes.
    pub clips_per_minute: f64,
    /// Seconds until a node would take a reserved job submitted now; `None` if no clip was completed lately.
    pub reserved_wait_seconds: Option<u64>,
    /// The same for a metered job.
    pub metered_wait_seconds: Option<u64>,
}

/// Compares the queue in memory with the store's rows. A difference is a fault of this program: it is logged, and the
/// queue is rebuilt. A background pass; returns 1 if there was one.
pub fn check(app: &App) -> Result<usize> {
    let difference = app.store.check_queue()?;
    if let Some(what) = &difference {
        log::error!("the queue in memory differed from the store and was rebuilt: {what}. Please report this.");
    }
    Ok(usize::from(difference.is_some()))
}

/// How many jobs wait, of all accounts and classes.
pub fn waiting(app: &App) -> u64 {
    KeyClass::ALL.into_iter().map(|class| app.store.waiting_in(class).0).sum()
}

/// How much waits, how much is rendered, and how long a new job would wait at the present pace: the jobs being rendered,
/// and the time that the last clips took.
pub fn figures(app: &App) -> Result<QueueFigures> {
    app.store.read_queue()?;
    let now = app.clock.now_ms();
    let waiting = |class| app.store.waiting_in(class).0;
    let (waiting_reserved, waiting_metered) = (waiting(KeyClass::Reserved), waiting(KeyClass::Metered));
    let (live, clips, took_ms) = app.store.read(|db| {
        let clips = store::clips::finished_since(db, now - PACE_MS, PACE_CLIPS)?;
        Ok((store::nodes::live(db, now)?, clips, store::clips::took_ms(db, now - RECENT_MS, RECENT_CLIPS)?))
    })?;
    let rendering = live.iter().map(|node| u64::from(node.leases)).sum();
    let slots = |node: &LiveNode| {
        let slots = if node.takes_work() { node.offer.slots } else { 0 };
        u64::from(slots.max(node.leases))
    };
    let slots: u64 = live.iter().map(slots).sum();
    let free = slots.saturating_sub(rendering);
    let wait = |ahead: u64| {
        let each_ms = took_ms? / rendering.max(1) as f64;
        let turns = (ahead + 1).saturating_sub(free);
        Some((turns as f64 * each_ms / 1_000.0).ceil() as u64)
    };
    let can_wait = slots > 0;
    Ok(QueueFigures {
        waiting_reserved,
        waiting_metered,
        rendering,
        slots,
        clips_per_minute: clips as f64 / (PACE_MS / 60_000) as f64,
        reserved_wait_seconds: wait(waiting_reserved).filter(|_| can_wait),
        metered_wait_seconds: wait(waiting_reserved + waiting_metered).filter(|_| can_wait),
    })
}

/// An account's unfinished jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountQueue {
    /// Its name.
    pub account: String,
    /// Whether it is active; if not, its queued jobs are not rendered.
    pub status: AccountStatus,
    /// Queued jobs.
    pub waiting: u64,
    /// Jobs that nodes are working on.
    pub rendering: u64,
    /// Its dinks.
    pub dinks: u32,
    /// Reserved jobs that nodes are working on.
    pub dinks_in_use: u64,
}

/// Whose jobs are unfinished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountQueues {
    /// The accounts with the most waiting jobs, most first.
    pub accounts: Vec<AccountQueue>,
    /// How many other accounts have unfinished jobs.
    pub others: u64,
    /// Their queued jobs.
    pub others_waiting: u64,
    /// Their jobs that nodes are working on.
    pub others_rendering: u64,
}

/// The accounts with unfinished jobs, at most `limit`, and the sums of the others.
pub fn by_account(app: &App, limit: usize) -> Result<AccountQueues> {
    let rows = app.store.read(store::unfinished::by_account)?;
    let mut accounts: Vec<AccountQueue> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in rows {
        let place = *places.entry(row.id).or_insert(accounts.len());
        if place == accounts.len() {
            let (status, dinks) = (row.account_status, row.dinks);
            accounts.push(AccountQueue {
                account: row.account,
                status,
                waiting: 0,
                rendering: 0,
                dinks,
                dinks_in_use: 0,
            });
        }
        let Some(account) = accounts.get_mut(place) else { continue };
        match (row.status, row.class) {
            (JobStatus::Queued, _) => account.waiting += row.jobs,
            (_, KeyClass::Metered) => account.rendering += row.jobs,
            (_, KeyClass::Reserved) => {
                account.rendering += row.jobs;
                account.dinks_in_use += row.jobs;
            }
        }
    }
    accounts.sort_by(|one, other| {
        let order = |account: &AccountQueue| std::cmp::Reverse((account.waiting, account.rendering));
        order(one).cmp(&order(other)).then_with(|| one.account.cmp(&other.account))
    });
    let others = accounts.split_off(limit.min(accounts.len()));
    Ok(AccountQueues {
        accounts,
        others: others.len() as u64,
        others_waiting: others.iter().map(|account| account.waiting).sum(),
        others_rendering: others.iter().map(|account| account.rendering).sum(),
    })
}
