//! Invariants checked after every step of a long random but repeatable run: clients, nodes, `admin` in another process,
//! restarts, lost nodes.

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
use dinkem_appliance::domain::list::JobFilter;
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::store::{Store, ledger};

use crate::support::rng::Rng;
use crate::support::test_app::{BUILTIN, LEASE, TestApp, spec};
use crate::support::video::CLIP;

/// Steps of one run.
const STEPS: u32 = 400;
const SLOTS: u32 = 2;

/// A run, and what its clients and nodes know.
struct Simulation {
    test: Option<TestApp>,
    admin: Arc<App>,
    watcher: Store,
    rng: Rng,
    callers: Vec<Caller>,
    nodes: Vec<Node>,
    /// Every lease ever granted, with its node. Ended ones stay in, because nodes may be late.
    leases: Vec<(usize, LeaseId)>,
    acknowledged: Vec<(usize, uuid::Uuid)>,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let test = TestApp::start();
        let callers = ["a", "b"].iter().flat_map(|name| <[Caller; 2]>::from(test.account(name))).collect();
        let nodes = (0..3).map(|_| test.node("n")).collect();
        Self {
            admin: test.admin(),
            watcher: Store::beside(test.dir.path()).unwrap(),
            test: Some(test),
            rng: Rng::new(seed),
            callers,
            nodes,
            leases: Vec::new(),
            acknowledged: Vec::new(),
        }
    }

    fn test(&self) -> &TestApp {
        self.test.as_ref().unwrap()
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..25 => {
                let caller = self.rng.below(self.callers.len());
                let info = jobs::submit(&self.test().app, &self.callers[caller], spec()).unwrap();
                self.acknowledged.push((caller, info.job.public_id));
            }
            25..50 => {
                let node = self.rng.below(self.nodes.len());
                let claim = leases::claim(&self.test().app, &self.nodes[node], BUILTIN, SLOTS, Duration::ZERO).unwrap();
                self.leases.extend(claim.map(|grant| (node, grant.lease.id)));
            }
            50..85 if !self.leases.is_empty() => self.work(),
            85..90 if !self.acknowledged.is_empty() => {
                let (caller, id) = self.acknowledged[self.rng.below(self.acknowledged.len())];
                jobs::remove(&self.test().app, &self.callers[caller], id).unwrap();
            }
            90..94 => {
                let part = self.rng.below(4) as u32 + 1;
                self.test().clock.advance(LEASE * part / 3);
                leases::expire(&self.test().app).unwrap();
            }
            94..98 => self.administer(),
            98.. => self.test = self.test.take().map(TestApp::restart),
            _ => {}
        }
    }

    /// `admin` does something in another process. A refused command changes nothing, which the invariants check.
    fn administer(&mut self) {
        let name = ["a", "b"][self.rng.below(2)];
        let node = self.nodes[self.rng.below(self.nodes.len())].public_id.to_string();
        let job = match self.acknowledged.len() {
            0 => uuid::Uuid::nil(),
            many => self.acknowledged[self.rng.below(many)].1,
        };
        match self.rng.below(8) {
            0 => {
                accounts::deactivate(&self.admin, &crate::support::operator(), name).unwrap();
                accounts::activate(&self.admin, &crate::support::operator(), Some(name)).unwrap();
            }
            1 => drop(operator::cancel(&self.admin, &crate::support::operator(), job)),
            2 | 3 => drop(operator::retry(&self.admin, &crate::support::operator(), job)),
            4 => drop(nodes::drain(&self.admin, &crate::support::operator(), &node).unwrap()),
            _ => drop(nodes::resume(&self.admin, &crate::support::operator(), &node).unwrap()),
        }
        // The server's next write picks up earlier changes.
        accounts::activate(&self.test().app, &crate::support::operator(), Some(name)).unwrap();
    }

    /// A node acts on one of its leases. Late calls are refused, which the invariants check.
    fn work(&mut self) {
        let recent = self.leases.len().min(6);
        let (node, lease) = self.leases[self.leases.len() - 1 - self.rng.below(recent)];
        let (what, retry) = (self.rng.below(8), [Retry::Never, Retry::Anywhere, Retry::Elsewhere][self.rng.below(3)]);
        let (app, node) = (&self.test().app, &self.nodes[node]);
        match what {
            0..3 => {
                let progress = Progress { stage: Stage::Rendering, fraction: 0.5 };
                let _late = leases::heartbeat(app, node, lease, progress);
            }
            3..6 => {
                let _late = leases::append_video(app, node, lease, 0, &mut CLIP.as_slice());
                let _late = leases::complete(app, node, lease, Sha256::of(&*CLIP).into());
            }
            _ => {
                let failure = Failure { code: FailureCode::RenderFailed, message: "x".into(), retry };
                let _late = leases::fail(app, node, lease, failure.into());
            }
        }
    }

    /// All jobs, oldest first, as their owners see them.
    fn jobs(&self) -> Vec<JobInfo> {
        let (app, mut all) = (&self.test().app, Vec::new());
        for caller in self.callers.iter().step_by(2) {
            let mut before = None;
            loop {
                let page = jobs::list(app, caller, &JobFilter::default(), 100, before).unwrap();
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
        assert_eq!(billed.len(), rows.len(), "jobs are billed once");
        let now_done: HashSet<JobId> =
            jobs.iter().map(|info| &info.job).filter(|job| job.status == JobStatus::Done).map(|job| job.id).collect();
        assert_eq!(billed, now_done, "exactly the done jobs are billed");
        assert!(done.is_subset(&now_done), "done jobs stay done");
        *done = now_done;

        let rendering = jobs.iter().filter(|info| info.job.status == JobStatus::Rendering).count();
        let held = nodes::list(&self.test().app).unwrap();
        assert!(held.iter().all(|node| node.leases <= SLOTS), "no node holds more than its slots");
        assert_eq!(
            held.iter().map(|node| node.leases as usize).sum::<usize>(),
            rendering,
            "one lease for each running job"
        );
        self.check_files(jobs.iter().map(|info| &info.job));

        let mut lines: HashMap<(i64, KeyClass), u64> = HashMap::new();
        for info in jobs.iter().filter(|info| info.job.status == JobStatus::Queued) {
            let ahead = lines.entry((info.job.account.0, info.job.class)).or_default();
            *ahead += 1;
            assert_eq!(info.queue_position, Some(*ahead), "queue positions match the rows");
        }
    }

    fn check_files<'a>(&self, jobs: impl Iterator<Item = &'a Job>) {
        let clips = self.test().dir.path().join("clips");
        for clip in jobs.filter_map(|job| job.clip.as_ref()) {
            let length = clips.join(format!("{}.mp4", clip.lease)).metadata().expect("every clip has a file").len();
            assert_eq!(length, clip.bytes);
        }
    }
}

#[test]
fn invariants_hold_after_every_random_step() {
    let mut ends: HashMap<JobStatus, usize> = HashMap::new();
    for seed in 1..=4 {
        let (mut simulation, mut done) = (Simulation::new(seed), HashSet::new());
        for _ in 0..STEPS {
            simulation.step();
            simulation.check(&mut done);
        }
        for info in simulation.jobs() {
            *ends.entry(info.job.status).or_default() += 1;
        }
    }
    for status in JobStatus::ALL {
        assert!(ends.get(&status).is_some_and(|count| *count > 3), "every final status occurred: {ends:?}");
    }
}
