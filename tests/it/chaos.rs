//! Server and nodes killed and restarted at random: every acknowledged job is done exactly once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::copies::Copies;
use crate::support::hash::sha256_hex;
use crate::support::process::{Appliance, Process};
use crate::support::rng::Rng;
use crate::support::wait::{SetOnDrop, until, until_within};

/// Seconds of chaos in the suite; `DINKEM_CHAOS_SECONDS` asks for another number. Five jobs come every three seconds.
const SECONDS: u64 = 18;
/// The seed of the events; `DINKEM_CHAOS_SEED` asks for another.
const SEED: u64 = 17;
const NODES: usize = 3;
/// How long the queue may take to drain afterwards.
const DRAIN: Duration = Duration::from_secs(600);
/// The longest time between two events, and that something is down, in milliseconds.
const EVENT_MS: usize = 1_200;
const DOWN_MS: usize = 3_500;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// Waits; nothing is waited for.
fn let_pass(time: Duration) {
    assert!(until_within(time, || None::<()>).is_none());
}

/// Submits `count` jobs at an even pace, each until the server acknowledges it; their ids.
fn submit_all(url: &str, key: &str, body: &Value, count: u64, over: Duration, is_over: &AtomicBool) -> Vec<String> {
    let began = Instant::now();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(5)))
        .build()
        .into();
    let submit = |number: u64| {
        let request = agent
            .post(url)
            .header("Authorization", format!("Bearer {key}"))
            .header("Idempotency-Key", format!("chaos-{number}"));
        let mut answer = request.header("Content-Type", "application/json").send(body.to_string()).ok()?;
        let job: Value = serde_json::from_slice(&answer.body_mut().read_to_vec().ok()?).ok()?;
        // While the server stops or starts, it may say so.
        (answer.status().as_u16() == 202).then(|| job["id"].as_str().unwrap().to_owned())
    };
    let one = |number| {
        let due = over.mul_f64(number as f64 / count as f64);
        let_pass(due.saturating_sub(began.elapsed()));
        until("the job to be acknowledged", || {
            assert!(!is_over.load(Ordering::SeqCst), "the test has failed");
            submit(number)
        })
    };
    (0..count).map(one).collect()
}

/// What is up, and what happened to it.
struct Stage<'a> {
    appliance: &'a mut Appliance,
    rng: Rng,
    /// Of the nodes.
    flags: Vec<String>,
    nodes: Vec<Option<Process>>,
    /// When each node that is down is started again.
    back_at: [Option<Instant>; NODES],
    kills_of_nodes: u32,
    stops_of_nodes: u32,
    kills_of_server: u32,
}

impl Stage<'_> {
    fn start_node(&mut self, number: usize) {
        self.nodes[number] = Some(start_node(self.appliance, &self.flags, number));
        self.back_at[number] = None;
    }

    fn some_time(&mut self, most_ms: usize) -> Duration {
        Duration::from_millis(self.rng.below(most_ms) as u64)
    }

    /// One event: the server or a node is killed, or a node is told to stop.
    fn event(&mut self) {
        match self.rng.below(8) {
            0 | 1 => {
                self.appliance.server().kill();
                self.kills_of_server += 1;
                let down = self.some_time(DOWN_MS);
                let_pass(down);
                self.appliance.restart();
            }
            kind => {
                let number = self.rng.below(NODES);
                let Some(mut node) = self.nodes[number].take() else { return };
                if kind == 2 {
                    node.signal("TERM");
                    // A node that started just now may be ended by the signal itself.
                    node.wait();
                    self.stops_of_nodes += 1;
                } else {
                    node.kill();
                    self.kills_of_nodes += 1;
                }
                self.back_at[number] = Some(Instant::now() + self.some_time(DOWN_MS));
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let pause = self.some_time(EVENT_MS);
            let_pass(pause);
            for number in 0..NODES {
                if self.back_at[number].is_some_and(|at| at <= Instant::now()) {
                    self.start_node(number);
                }
            }
            self.event();
        }
        for number in 0..NODES {
            if self.nodes[number].is_none() {
                self.start_node(number);
            }
        }
    }
}

#[test]
fn every_acknowledged_job_is_done_once_whatever_is_killed() {
    let (seconds, seed) = (number("DINKEM_CHAOS_SECONDS", SECONDS), number("DINKEM_CHAOS_SEED", SEED));
    let (time, count) = (Duration::from_secs(seconds), seconds * 5 / 3);
    let mut appliance = Appliance::start_plain(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let copies = Copies::prepare(appliance.scratch());
    let (url, body) = (appliance.url("/api/clips"), copies.job());
    // Every node has joined before anything is killed.
    let flags = copies.flags("sleep 1");
    let nodes: Vec<_> = (0..NODES).map(|number| Some(start_node(&appliance, &flags, number))).collect();
    until("the nodes to join", || {
        (appliance.admin(&["nodes", "list"])["nodes"].as_array().unwrap().len() == NODES).then_some(())
    });
    let mut stage = Stage {
        appliance: &mut appliance,
        rng: Rng::new(seed),
        flags,
        nodes,
        back_at: [None; NODES],
        kills_of_nodes: 0,
        stops_of_nodes: 0,
        kills_of_server: 0,
    };
    let is_over = AtomicBool::new(false);
    let ids = std::thread::scope(|scope| {
        let submitter = scope.spawn(|| submit_all(&url, &key, &body, count, time, &is_over));
        let over = SetOnDrop(&is_over);
        stage.run(time);
        let ids = submitter.join().unwrap();
        drop(over);
        ids
    });
    let Stage { nodes, kills_of_nodes, stops_of_nodes, kills_of_server, .. } = stage;
    let ended = Instant::now();
    let drained =
        until_within(DRAIN, || (appliance.count("jobs WHERE status IN ('queued', 'rendering')") == 0).then_some(()));
    let left = appliance.count("jobs WHERE status IN ('queued', 'rendering')");
    assert!(drained.is_some(), "seed {seed}: {left} of {count} jobs are left");
    eprintln!(
        "seed {seed}, {seconds} s, {count} jobs: killed nodes {kills_of_nodes}, stopped nodes {stops_of_nodes}, killed \
         servers {kills_of_server}, leases {}, of which lost {}, failed {}; drained after {:.1} s",
        appliance.count("leases"),
        appliance.count("leases WHERE state = 'lost'"),
        appliance.count("leases WHERE state = 'failed'"),
        ended.elapsed().as_secs_f64(),
    );
    check(&mut appliance, &key, &ids);
    drop(nodes);
}

fn start_node(appliance: &Appliance, flags: &[String], number: usize) -> Process {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    appliance.node_with(&format!("n{number}"), None, &flags)
}

/// Each job has one ledger row, and one clip whose file is intact; nothing else is left anywhere.
fn check(appliance: &mut Appliance, key: &str, ids: &[String]) {
    let count = ids.len() as i64;
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each submission has made its own job");
    assert_eq!(appliance.count("jobs"), count, "and no other");
    for id in ids {
        let job = appliance.job(key, id);
        assert_eq!(job["status"], "done", "{job:#}");
        let (status, video) = appliance.raw("GET", job["clip"]["url"].as_str().unwrap(), None, None);
        assert_eq!((status, video.len() as u64), (200, job["clip"]["bytes"].as_u64().unwrap()), "{job:#}");
    }
    assert_eq!(appliance.ledger_rows(), count);
    assert_eq!(appliance.count("ledger JOIN jobs ON jobs.id = ledger.job WHERE jobs.status = 'done'"), count);
    assert_eq!(appliance.count("leases WHERE ended_at_ms IS NULL"), 0, "no slot is held");
    assert_eq!(appliance.count("leases WHERE state = 'done'"), count);
    let counted = "leases WHERE state = 'failed' AND failure_code NOT IN ('node_lost', 'node_failed')";
    assert_eq!(appliance.count(counted), 0, "an interruption is no failure");
    for number in 0..NODES {
        for folder in ["outbox", "work"] {
            let dir = appliance.scratch().join(format!("n{number}")).join(folder);
            let what = format!("nothing to be left in {}", dir.display());
            until(&what, || std::fs::read_dir(&dir).unwrap().next().is_none().then_some(()));
        }
    }
    // A server that starts sweeps.
    appliance.restart();
    let clips: Vec<(String, String)> = {
        let store = appliance.store();
        let mut rows = store.prepare("SELECT epoch || '-' || lease, lower(hex(sha256)) FROM clips, epochs").unwrap();
        rows.query_map([], |row| Ok((format!("{}.mp4", row.get::<_, String>(0)?), row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    assert_eq!(clips.len() as i64, count);
    for (name, sha256) in &clips {
        let video = std::fs::read(appliance.data_dir().join("clips").join(name)).unwrap();
        assert_eq!(sha256_hex(&video), *sha256, "{name}");
    }
    let known: BTreeSet<String> =
        clips.iter().flat_map(|(name, _)| [name.clone(), name.replace(".mp4", ".jpg")]).collect();
    until("a sweep of the files without a row", || {
        let found = std::fs::read_dir(appliance.data_dir().join("clips")).unwrap();
        let names = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !known.contains(name)).collect::<Vec<_>>().is_empty().then_some(())
    });
    appliance.doctor();
}
