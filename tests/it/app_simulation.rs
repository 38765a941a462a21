//! What must always hold, asserted after every step of a long, random, repeatable day: clients, nodes, `admin` beside
//! the server, restarts, silence.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::jobs::operator;
use dinkem_appliance::app::{App, accounts, jobs, leases, nodes};
use dinkem_appliance::domain::failure::{Failure, FailureCode, Retry};
use dinkem_appliance::domain::id::{JobId, LeaseId};
use dinkem_appliance::domain::job::{Caller, Job, JobStatus, Stage};
use dinkem_appliance::domain::job_info::JobInfo;
use dinkem_appliance::domain::key::KeyClass;
use dinkem_appliance::domain::lease::Progress;
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::store::{Store, ledger};
use sha2::{Digest, Sha256};

use crate::support::dice::Dice;
use crate::support::office::{BUILTIN, LEASE, Office, spec};
use crate::support::video::CLIP;

/// Steps of one day.
const STEPS: u32 = 400;
/// Slots of every node.
const SLOTS: u32 = 2;

/// A day, and what its clients and nodes believe.
struct Day {
    office: Option<Office>,
    admin: Arc<App>,
    watcher: Store,
    dice: Dice,
    callers: Vec<Caller>,
    nodes: Vec<Node>,
    /// Every lease ever given, with its node, also dead ones: nodes come late, too.
    leases: Vec<(usize, LeaseId)>,
    acknowledged: Vec<(usize, uuid::Uuid)>,
}

impl Day {
    fn new(seed: u64) -> Self {
        let office = Office::open();
        let callers = ["a", "b"].iter().flat_map(|name| <[Caller; 2]>::from(office.account(name))).collect();
        let nodes = (0..3).map(|_| office.node("n")).collect();
        Self {
            admin: office.admin(),
            watcher: Store::beside(office.dir.path()).unwrap(),
            office: Some(office),
            dice: Dice::new(seed),
            callers,
            nodes,
            leases: Vec::new(),
            acknowledged: Vec::new(),
        }
    }

    fn office(&self) -> &Office {
        self.office.as_ref().unwrap()
    }

    fn step(&mut self) {
        match self.dice.roll(100) {
            0..25 => {
                let caller = self.dice.roll(self.callers.len());
                let info = jobs::submit(&self.office().app, &self.callers[caller], spec()).unwrap();
                self.acknowledged.push((caller, info.job.public_id));
            }
            25..50 => {
                let node = self.dice.roll(self.nodes.len());
                let claim =
                    leases::claim(&self.office().app, &self.nodes[node], BUILTIN, SLOTS, Duration::ZERO).unwrap();
                self.leases.extend(claim.map(|grant| (node, grant.lease.id)));
            }
            50..85 if !self.leases.is_empty() => self.work(),
            85..90 if !self.acknowledged.is_empty() => {
                let (caller, id) = self.acknowledged[self.dice.roll(self.acknowledged.len())];
                jobs::remove(&self.office().app, &self.callers[caller], id).unwrap();
            }
            90..94 => {
                let part = self.dice.roll(4) as u32 + 1;
                self.office().clock.advance(LEASE * part / 3);
                leases::expire(&self.office().app).unwrap();
            }
            94..98 => self.administer(),
            98.. => self.office = self.office.take().map(Office::restart),
            _ => {}
        }
    }

    /// `admin` does something in another process. What is refused changes nothing, which the invariants assert.
    fn administer(&mut self) {
        let name = ["a", "b"][self.dice.roll(2)];
        let node = self.nodes[self.dice.roll(self.nodes.len())].public_id.to_string();
        let job = match self.acknowledged.len() {
            0 => uuid::Uuid::nil(),
            many => self.acknowledged[self.dice.roll(many)].1,
        };
        match self.dice.roll(8) {
            0 => {
                accounts::deactivate(&self.admin, &crate::support::operator(), name).unwrap();
                accounts::activate(&self.admin, &crate::support::operator(), Some(name)).unwrap();
            }
            1 => drop(operator::cancel(&self.admin, &crate::support::operator(), job)),
            2 | 3 => drop(operator::retry(&self.admin, &crate::support::operator(), job)),
            4 => drop(nodes::drain(&self.admin, &crate::support::operator(), &node).unwrap()),
            _ => drop(nodes::resume(&self.admin, &crate::support::operator(), &node).unwrap()),
        }
        // Whatever the server writes next, it takes in what was changed before.
        accounts::activate(&self.office().app, &crate::support::operator(), Some(name)).unwrap();
    }

    /// A node does something under one of the leases that it ever had. Late ones are refused; that is asserted by the
    /// invariants, not here.
    fn work(&mut self) {
        // Mostly recent leases, so that some work gets done.
        let recent = self.leases.len().min(6);
        let (node, lease) = self.leases[self.leases.len() - 1 - self.dice.roll(recent)];
        let (what, retry) = (self.dice.roll(8), [Retry::Never, Retry::Anywhere, Retry::Elsewhere][self.dice.roll(3)]);
        let (app, node) = (&self.office().app, &self.nodes[node]);
        match what {
            0..3 => {
                let progress = Progress { stage: Stage::Rendering, fraction: 0.5 };
                let _late = leases::heartbeat(app, node, lease, progress);
            }
            3..6 => {
                let _late = leases::append_video(app, node, lease, 0, &mut CLIP.as_slice());
                let _late = leases::complete(app, node, lease, Sha256::digest(&*CLIP).into());
            }
            _ => {
                let failure = Failure { code: FailureCode::RenderFailed, message: "x".into(), retry };
                let _late = leases::fail(app, node, lease, failure, None);
            }
        }
    }

    /// All jobs, oldest first, by the eyes of their owners.
    fn jobs(&self) -> Vec<JobInfo> {
        let (app, mut all) = (&self.office().app, Vec::new());
        for caller in self.callers.iter().step_by(2) {
            let mut before = None;
            loop {
                let page = jobs::list(app, caller, None, 100, before).unwrap();
                all.extend(page.jobs);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
        }
        assert_eq!(all.len(), self.acknowledged.len(), "no job is ever lost");
        all.sort_by_key(|info| info.job.id);
        all
    }

    fn check(&self, done: &mut HashSet<JobId>) {
        let jobs = self.jobs();
        let rows = self.watcher.read(|db| ledger::page(db, JobId(0), 10_000)).unwrap();
        let billed: HashSet<JobId> = rows.iter().map(|row| row.job).collect();
        assert_eq!(billed.len(), rows.len(), "billed once");
        let now_done: HashSet<JobId> =
            jobs.iter().map(|info| &info.job).filter(|job| job.status == JobStatus::Done).map(|job| job.id).collect();
        assert_eq!(billed, now_done, "what is done is billed and nothing else");
        assert!(done.is_subset(&now_done), "what is done stays done");
        *done = now_done;

        let rendering = jobs.iter().filter(|info| info.job.status == JobStatus::Rendering).count();
        let held = nodes::list(&self.office().app).unwrap();
        assert!(held.iter().all(|node| node.leases <= SLOTS), "no node holds more than its slots");
        assert_eq!(held.iter().map(|node| node.leases as usize).sum::<usize>(), rendering, "one lease a running job");
        self.check_files(jobs.iter().map(|info| &info.job));

        let mut lines: HashMap<(i64, KeyClass), u64> = HashMap::new();
        for info in jobs.iter().filter(|info| info.job.status == JobStatus::Queued) {
            let ahead = lines.entry((info.job.account.0, info.job.class)).or_default();
            *ahead += 1;
            assert_eq!(info.queue_position, Some(*ahead), "the queue is what the rows say");
        }
    }

    fn check_files<'a>(&self, jobs: impl Iterator<Item = &'a Job>) {
        let clips = self.office().dir.path().join("clips");
        for clip in jobs.filter_map(|job| job.clip.as_ref()) {
            let length = clips.join(format!("{}.mp4", clip.lease)).metadata().expect("a clip has its file").len();
            assert_eq!(length, clip.bytes);
        }
    }
}

#[test]
fn whatever_happens_in_whatever_order_the_invariants_hold() {
    let mut ends: HashMap<JobStatus, usize> = HashMap::new();
    for seed in 1..=4 {
        let (mut day, mut done) = (Day::new(seed), HashSet::new());
        for _ in 0..STEPS {
            day.step();
            day.check(&mut done);
        }
        for info in day.jobs() {
            *ends.entry(info.job.status).or_default() += 1;
        }
    }
    for status in JobStatus::ALL {
        assert!(ends.get(&status).is_some_and(|count| *count > 3), "the days were eventful: {ends:?}");
    }
}
