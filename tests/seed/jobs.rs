//! One job with everything that belongs to it: attempts, clip, ledger, figures.

use std::collections::BTreeMap;

use dinkem_appliance::domain::id::JobId;
use rusqlite::params;
use uuid::Builder;

use crate::accounts::Account;
use crate::attempts::{self, Life};
use crate::demos::{Demo, steam_id};
use crate::footage::{self, Footage};
use crate::nodes::{GAME_BUILD, LATER_BUILD, Node, Role};
use crate::store::{MINUTE, Seed};
use crate::words::{DEMO_HOSTS, FAILURES, Failure, METADATA, PLAYERS};

/// Milliseconds of the periods in which ended jobs are counted.
pub const HALF_HOUR: i64 = 30 * MINUTE;
/// Players of demos that were not uploaded.
const STRANGERS: i64 = 400;
/// How long a reserved job waits at most, in milliseconds.
const RESERVED_WAIT: i64 = 25_000;

/// What all jobs share.
pub struct Stock<'a> {
    pub accounts: &'a [Account],
    pub nodes: &'a [Node],
    pub demos: &'a [Demo],
    pub footage: &'a [Footage],
    /// Number of the last job and of the last lease.
    pub last: (i64, i64),
    /// Done jobs that are still to come, so that the last ones get files.
    pub done_to_come: usize,
    pub ended: BTreeMap<Period, Ended>,
    /// Bytes of stored clips, by period.
    pub stored: BTreeMap<i64, i64>,
    /// Ended jobs of each account, for its webhook: job, status and end.
    pub events: BTreeMap<i64, Vec<(JobId, &'static str, i64)>>,
    /// Some ids for tests, by what they are an example of.
    pub examples: BTreeMap<&'static str, String>,
}

/// Start of a half hour, status, class and failure of ended jobs.
pub type Period = (i64, &'static str, &'static str, &'static str);

/// How many jobs ended, the latest of them and its end.
pub type Ended = (i64, i64, i64);

/// How a job goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Course {
    Done,
    Failed,
    Cancelled,
    /// On this node.
    Rendering(usize),
    Waiting(Wait),
}

/// Why a job waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// All nodes are busy.
    Busy,
    /// It has failed on one node, and the others are busy.
    Elsewhere,
    /// No node has the build of the game that its demo needs.
    Build,
    /// No node with the game makes pictures of its height.
    Lines,
}

/// What a job asks for.
pub struct Spec<'a> {
    pub account: &'a Account,
    pub class: &'static str,
    pub renderer: &'static str,
    pub resolution: i64,
    pub fps: i64,
    demo_url: String,
    player: i64,
    round: i64,
    build: Option<i64>,
}

/// Adds a job that was created at this time, and ended at the latest now.
pub fn add(seed: &mut Seed, stock: &mut Stock<'_>, created: i64, course: Course) {
    stock.last.0 += 1;
    let id = stock.last.0;
    let public_id = Builder::from_unix_timestamp_millis(created.cast_unsigned(), &seed.rng.bytes()).into_uuid();
    let spec = spec(seed, stock, created, course);
    let (status, failure) = match course {
        Course::Done => ("done", None),
        Course::Failed => ("failed", Some(failure(seed))),
        Course::Cancelled => ("cancelled", None),
        Course::Rendering(_) => ("rendering", None),
        Course::Waiting(Wait::Elsewhere) => ("queued", Some(&FAILURES[4])),
        Course::Waiting(_) => ("queued", None),
    };
    let wait = if spec.class == "reserved" { 8_000 } else { 15 * MINUTE };
    let started = match course {
        Course::Rendering(_) => Some(seed.now - seed.rng.between(2_000, 50_000)),
        Course::Waiting(Wait::Elsewhere) => Some((created + 5_000).min(seed.now)),
        Course::Waiting(_) => None,
        Course::Cancelled if id % 2 == 0 => None,
        _ => Some(created + seed.rng.between(500, wait)),
    };
    let ended =
        (course.is_over()).then(|| (started.unwrap_or(created) + seed.rng.between(9_000, 80_000)).min(seed.now));
    let tries = if failure.is_some_and(|failure| failure.retry != "never") { 3 } else { 1 };
    let failures = match course {
        Course::Failed => tries,
        Course::Waiting(Wait::Elsewhere) => 1,
        _ => 0,
    };
    let key = if spec.class == "reserved" { &spec.account.reserved } else { &spec.account.metered };
    let metadata = seed.rng.percent(15).then(|| *seed.rng.pick(&METADATA));
    seed.insert(
        "INSERT INTO jobs (
             id, public_id, account, key, class, status, renderer, demo_url, steam64_id, round, fps, resolution,
             spec_show_xray, cl_draw_only_deathnotices, metadata, failures, losses, failure_code, failure_message,
             failure_retry, created_at_ms, started_at_ms, finished_at_ms, demo_build
         )
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id,
            public_id.as_bytes(),
            spec.account.id,
            key.id,
            spec.class,
            status,
            spec.renderer,
            spec.demo_url,
            spec.player,
            spec.round,
            spec.fps,
            spec.resolution,
            id % 5 == 0,
            id % 7 == 0,
            metadata,
            failures,
            0,
            failure.map(|failure| failure.code),
            failure.map(|failure| failure.message),
            failure.map(|failure| failure.retry),
            created,
            started,
            ended,
            spec.build,
        ],
    );
    if let Some(started) = started {
        attempts::add(seed, stock, &Life { job: id, course, spec: &spec, started, ended, failures, failure });
    }
    if let Some(ended) = ended {
        count(stock, id, status, spec.class, failure.map_or("", |failure| failure.code), ended);
        stock.events.entry(spec.account.id).or_default().push((JobId(id), status, ended));
        if course != Course::Done {
            seed.insert(
                "INSERT INTO unbilled (account, at_ms, job, status, class, renderer, resolution, fps)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                params![spec.account.id, ended, id, status, spec.class, spec.renderer, spec.resolution, spec.fps],
            );
        }
    }
    let example = match course {
        Course::Failed if failures == 3 => "failed_with_attempts",
        Course::Waiting(Wait::Elsewhere) => "waiting_for_another_node",
        Course::Waiting(Wait::Build) => "waiting_for_build",
        Course::Waiting(Wait::Lines) => "waiting_for_lines",
        _ => status,
    };
    stock.examples.insert(example, public_id.to_string());
}

impl Course {
    fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

fn failure(seed: &mut Seed) -> &'static Failure {
    let mut at = seed.rng.between(0, 99);
    let is_it = |failure: &&Failure| {
        at -= failure.share;
        at < 0
    };
    FAILURES.iter().find(is_it).unwrap_or(&FAILURES[0])
}

fn spec<'a>(seed: &mut Seed, stock: &Stock<'a>, created: i64, course: Course) -> Spec<'a> {
    let rng = &mut seed.rng;
    let account = loop {
        let account = rng.pick_early(stock.accounts);
        // An account that was deactivated has only old jobs.
        if account.status == "active" || (account.status == "deactivated" && course.is_over()) {
            break account;
        }
    };
    let is_real = course == Course::Done && stock.done_to_come <= stock.footage.len().min(1) * footage::REAL_CLIPS;
    let needs_game = match course {
        Course::Waiting(wait) => matches!(wait, Wait::Build | Wait::Lines),
        Course::Rendering(node) => stock.nodes[node].role.has_game(),
        _ => !is_real && rng.percent(4),
    };
    let own: Vec<&Demo> = match rng.percent(60) {
        true => stock.demos.iter().filter(|demo| demo.account == account.id).collect(),
        false => Vec::new(),
    };
    let (demo_url, player, round) = match own.is_empty() {
        false => {
            let demo = rng.pick(&own);
            let url = format!("https://clips.studio.example/api/demos/{}", demo.sha256);
            (url, *rng.pick(&demo.players), rng.between(1, demo.rounds))
        }
        true => {
            let url = format!("https://{}/2026/{:06}.dem.bz2", rng.pick(&DEMO_HOSTS), rng.between(1, 999_999));
            (url, steam_id(PLAYERS.len() + rng.between(0, STRANGERS) as usize), rng.between(1, 30))
        }
    };
    let resolution = match course {
        _ if is_real => i64::from(footage::LINES),
        Course::Waiting(Wait::Lines) => 1_440,
        _ if needs_game => 1_080,
        _ => *rng.pick(&[1_080, 1_080, 1_080, 1_440]),
    };
    // Reserved jobs go first: those that wait for a node have not waited long.
    let is_reserved = match course {
        Course::Waiting(Wait::Busy | Wait::Elsewhere) => created > seed.now - RESERVED_WAIT,
        _ => rng.percent(12),
    };
    Spec {
        account,
        class: if is_reserved && account.dinks > 0 { "reserved" } else { "metered" },
        renderer: if needs_game { "game" } else { "builtin" },
        resolution,
        fps: if is_real { i64::from(footage::FPS) } else { *rng.pick(&[30, 60]) },
        demo_url,
        player,
        round,
        build: needs_game.then_some(if course == Course::Waiting(Wait::Build) { LATER_BUILD } else { GAME_BUILD }),
    }
}

fn count(stock: &mut Stock<'_>, job: i64, status: &'static str, class: &'static str, code: &'static str, ended: i64) {
    let code = if status == "failed" { code } else { "" };
    let (jobs, last, at) = stock.ended.entry((period(ended), status, class, code)).or_default();
    *jobs += 1;
    if ended >= *at {
        (*last, *at) = (job, ended);
    }
}

/// The start of the half hour.
pub fn period(at_ms: i64) -> i64 {
    at_ms - at_ms.rem_euclid(HALF_HOUR)
}

/// The places of nodes that render now, one for each busy slot.
pub fn busy_slots(nodes: &[Node]) -> Vec<usize> {
    let of_node = |(at, node): (usize, &Node)| {
        let slots = if node.role.is_busy() { node.slots } else { 0 };
        let slots = if node.role == Role::Draining { slots.min(1) } else { slots };
        (0..slots).map(move |_| at)
    };
    nodes.iter().enumerate().flat_map(of_node).collect()
}
