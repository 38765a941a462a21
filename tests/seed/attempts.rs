//! The attempts at a job, and the clip of the one that succeeded.

use dinkem_appliance::domain::money::Micros;
use rusqlite::params;

use crate::footage::{self, Footage};
use crate::jobs::{Course, Spec, Stock, Wait, period};
use crate::money;
use crate::nodes::Node;
use crate::store::Seed;
use crate::words::{FAILURES, Failure, LOG};

/// A job that was started.
pub struct Life<'a> {
    pub job: i64,
    pub course: Course,
    pub spec: &'a Spec<'a>,
    /// Unix times in milliseconds.
    pub started: i64,
    pub ended: Option<i64>,
    /// Failed attempts, and the failure of each.
    pub failures: i64,
    pub failure: Option<&'a Failure>,
}

/// One attempt.
struct Attempt<'a> {
    state: &'static str,
    from: i64,
    until: Option<i64>,
    failure: Option<&'a Failure>,
    /// The node's place, if it is given.
    node: Option<usize>,
}

/// Adds the attempts, and the clip if there is one.
pub fn add(seed: &mut Seed, stock: &mut Stock<'_>, life: &Life<'_>) {
    let stumbled = life.course == Course::Done && seed.rng.percent(3);
    let failed = life.failures + i64::from(stumbled);
    let succeeds = life.course != Course::Failed;
    // The attempts share the time evenly.
    let last = life.ended.unwrap_or(seed.now);
    let share = (last - life.started) / (failed + i64::from(succeeds)).max(1);
    for number in 0..failed {
        let from = life.started + share * number;
        let failure = Some(life.failure.unwrap_or(&FAILURES[4]));
        lease(seed, stock, life, Attempt { state: "failed", from, until: Some(from + share), failure, node: None });
    }
    let (state, node) = match life.course {
        Course::Done => ("done", None),
        Course::Cancelled => ("cancelled", None),
        Course::Rendering(node) => ("live", Some(node)),
        Course::Failed | Course::Waiting(_) => return,
    };
    let from = life.started + share * failed;
    let lease = lease(seed, stock, life, Attempt { state, from, until: life.ended, failure: None, node });
    if life.course == Course::Done {
        clip(seed, stock, life, lease, last);
    }
}

fn lease(seed: &mut Seed, stock: &mut Stock<'_>, life: &Life<'_>, attempt: Attempt<'_>) -> i64 {
    stock.last.1 += 1;
    let renderer = life.spec.renderer;
    let node = attempt.node.map_or_else(|| node_for(seed, stock.nodes, renderer), |at| &stock.nodes[at]);
    seed.insert(
        "INSERT INTO leases (
             id, job, node, state, avoid, started_at_ms, ended_at_ms, failure_code, failure_message, log
         )
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            stock.last.1,
            life.job,
            node.id,
            attempt.state,
            life.course == Course::Waiting(Wait::Elsewhere),
            attempt.from,
            attempt.until,
            attempt.failure.map(|failure| failure.code),
            attempt.failure.map(|failure| failure.message),
            attempt.failure.map(|_| LOG),
        ],
    );
    stock.last.1
}

/// A node that could have done it.
fn node_for<'a>(seed: &mut Seed, nodes: &'a [Node], renderer: &str) -> &'a Node {
    loop {
        let node = seed.rng.pick(nodes);
        let is_game = node.role.has_game();
        // With few nodes there may be none with the game.
        if is_game == (renderer == "game") || nodes.iter().all(|node| node.role.has_game() == is_game) {
            return node;
        }
    }
}

fn clip(seed: &mut Seed, stock: &mut Stock<'_>, life: &Life<'_>, lease: i64, ended: i64) {
    stock.done_to_come -= 1;
    let (left, spec) = (stock.done_to_come, life.spec);
    let real = match stock.footage.len() {
        0 => None,
        some => (left < footage::REAL_CLIPS).then(|| &stock.footage[left % some]),
    };
    let duration = real.map_or_else(|| seed.rng.between(7_000, 42_000), |real| real.facts.duration_ms as i64);
    let frames = real.map_or(duration * spec.fps / 1_000, |real| real.facts.frames as i64);
    let bytes = real.map_or_else(|| duration * spec.resolution / 8, Footage::bytes);
    let sha256 = real.map_or_else(|| seed.rng.bytes(), Footage::sha256);
    let token = format!("{:032x}", u128::from_le_bytes(seed.rng.bytes()));
    let is_game = spec.renderer == "game";
    seed.insert(
        "INSERT INTO clips (
             job, token, lease, bytes, sha256, width, height, frames, fps, duration_ms, has_audio, view, pov_verified,
             account, finished_at_ms, pinned
         )
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            life.job,
            token,
            lease,
            bytes,
            sha256,
            spec.resolution * 16 / 9,
            spec.resolution,
            frames,
            spec.fps,
            duration,
            is_game,
            if is_game { "first_person" } else { "tactical" },
            is_game.then_some(true),
            spec.account.id,
            ended,
            life.job % 97 == 0,
        ],
    );
    if left < footage::FILES {
        footage::store(seed, lease, bytes, real);
    }
    *stock.stored.entry(period(ended)).or_default() += bytes;
    let price = if spec.class == "reserved" { 0 } else { money::hour(spec.renderer, spec.resolution, spec.fps) };
    let amount = Micros::new(price).for_footage(duration.cast_unsigned()).get() as i64;
    seed.insert(
        "INSERT INTO ledger (job, account, class, renderer, footage_ms, fps, resolution, at_ms, rate, amount, currency)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'EUR')",
        params![
            life.job,
            spec.account.id,
            spec.class,
            spec.renderer,
            duration,
            spec.fps,
            spec.resolution,
            ended,
            price,
            amount
        ],
    );
}
