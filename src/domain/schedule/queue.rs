//! The queued jobs of active accounts, in the order of the [`policy`](super::policy), and the jobs that nodes are
//! working on, as far as the order depends on them.
//!
//! An in-memory copy of the store's rows: made from them at startup and whenever the two may differ. Only what metered
//! accounts were charged, and how long jobs took, is known here alone; after a restart all accounts start equal.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::super::id::{AccountId, JobId, NodeId};
use super::super::job::Renderer;
use super::super::key::KeyClass;
use super::super::offer::{Needs, Offer};
use super::entry::{ReadyJob, Rows, RunningJob, Stopped, WaitingKind};
use super::estimate::Before;
use super::policy::{self, ReservedBeyondDinks, Standing, Turn};

/// What decides which nodes may take a job.
type Kind = (Needs, Vec<NodeId>);
/// Whose jobs are in line for each other: first come, first served.
type Line = (AccountId, KeyClass);

/// The jobs of one kind and one line.
#[derive(Debug)]
struct Lane {
    jobs: BTreeSet<JobId>,
    /// The key under which it is in [`Lanes::turns`].
    turn: Turn,
}

/// The jobs of one kind.
#[derive(Debug, Default)]
struct Lanes {
    lanes: HashMap<Line, Lane>,
    /// Whose turn it is: one for each lane.
    turns: BTreeSet<Turn>,
}

/// The jobs of one class and renderer.
#[derive(Debug, Default)]
struct Load {
    jobs: u64,
    /// The same by account.
    accounts: HashMap<AccountId, u64>,
}

/// All queued jobs of active accounts, and the running jobs of all accounts.
#[derive(Debug, Default)]
pub struct ReadyQueue {
    beyond: ReservedBeyondDinks,
    kinds: HashMap<Kind, Lanes>,
    /// The same jobs by line.
    lines: HashMap<Line, VecDeque<JobId>>,
    /// What each of them needs.
    jobs: HashMap<JobId, (Line, Kind)>,
    /// How many there are.
    loads: HashMap<(KeyClass, Renderer), Load>,
    /// With the milliseconds charged for each.
    running: HashMap<JobId, (RunningJob, u64)>,
    standings: HashMap<AccountId, Standing>,
    /// The pass of the account whose metered job was started last: an account that has been idle starts from here.
    pass_ms: u64,
    /// Mean rendering time of the last jobs in milliseconds, once one is done.
    took_ms: HashMap<Renderer, u64>,
}

impl ReadyQueue {
    /// An empty queue.
    pub fn new(beyond: ReservedBeyondDinks) -> Self {
        Self { beyond, ..Self::default() }
    }

    /// Changes when reserved jobs beyond dinks are started. Takes effect with the next [`Self::rebuild`].
    pub fn set_beyond(&mut self, beyond: ReservedBeyondDinks) {
        self.beyond = beyond;
    }

    /// Takes in what the rows say. Charges of jobs that are no longer running are refunded: how long they ran is not
    /// known.
    pub fn rebuild(&mut self, rows: Rows) {
        let (standings, charged) = (std::mem::take(&mut self.standings), std::mem::take(&mut self.running));
        let lines = std::mem::take(&mut self.lines);
        *self = Self { pass_ms: self.pass_ms, took_ms: std::mem::take(&mut self.took_ms), ..Self::new(self.beyond) };
        for (account, standing) in standings {
            self.standings.insert(account, Standing { dinks: 0, reserved_running: 0, ..standing });
        }
        for (account, dinks) in rows.dinks {
            self.standings.entry(account).or_default().dinks = dinks;
        }
        let mut refunds = charged;
        for job in rows.running {
            match refunds.remove(&job.id) {
                Some((_, charged_ms)) => self.add_running(job, charged_ms),
                None => self.start_running(job),
            }
        }
        for (job, charged_ms) in refunds.into_values() {
            self.standings.entry(job.account).or_default().correct(charged_ms, 0);
        }
        for job in rows.ready {
            if !lines.contains_key(&(job.account, job.class)) {
                self.arrive(&job);
            }
            self.add(job);
        }
    }

    /// What the rows must say, in the order of rows.
    pub fn rows(&self) -> Rows {
        let mut ready: Vec<ReadyJob> = self.jobs.iter().map(|(id, place)| ready_job(*id, place)).collect();
        let mut running: Vec<RunningJob> = self.running.values().map(|(job, _)| *job).collect();
        let with_dinks = self.standings.iter().filter(|(_, standing)| standing.dinks > 0);
        let mut dinks: Vec<_> = with_dinks.map(|(account, standing)| (*account, standing.dinks)).collect();
        ready.sort_by_key(|job| job.id);
        running.sort_by_key(|job| job.id);
        dinks.sort();
        Rows { ready, running, dinks }
    }

    /// Sets how long jobs with a renderer take, in milliseconds, unless this is known better.
    pub fn seed_speed(&mut self, renderer: Renderer, took_ms: u64) {
        self.took_ms.entry(renderer).or_insert(took_ms);
    }

    /// Adds a job at its place in the queue. Replaces a job that is already there.
    pub fn insert(&mut self, job: ReadyJob) {
        self.remove(job.id);
        self.arrive(&job);
        self.add(job);
    }

    /// If a job is the first of its line: time in which its account asked for nothing is no credit.
    fn arrive(&mut self, job: &ReadyJob) {
        if job.class == KeyClass::Metered && !self.lines.contains_key(&(job.account, job.class)) {
            let standing = self.standings.entry(job.account).or_default();
            standing.pass_ms = standing.pass_ms.max(self.pass_ms);
        }
    }

    fn add(&mut self, mut job: ReadyJob) {
        job.avoids.sort_unstable();
        let line = (job.account, job.class);
        let standing = self.standings.entry(job.account).or_default();
        let ids = self.lines.entry(line).or_default();
        if let Err(place) = ids.binary_search(&job.id) {
            ids.insert(place, job.id);
        }
        let kind = (job.needs, job.avoids);
        let turn = policy::turn(job.class, standing, job.id, self.beyond);
        let lanes = self.kinds.entry(kind.clone()).or_default();
        let lane = lanes.lanes.entry(line).or_insert_with(|| Lane { jobs: BTreeSet::new(), turn });
        lane.jobs.insert(job.id);
        if lane.jobs.first() == Some(&job.id) {
            lanes.take_turn(line, standing, self.beyond);
        }
        let load = self.loads.entry((job.class, job.needs.renderer)).or_default();
        load.jobs += 1;
        *load.accounts.entry(job.account).or_default() += 1;
        self.jobs.insert(job.id, (line, kind));
    }

    /// Removes a job that is no longer queued.
    pub fn remove(&mut self, id: JobId) {
        let Some((line, kind)) = self.jobs.remove(&id) else { return };
        if let Some(ids) = self.lines.get_mut(&line) {
            if let Ok(place) = ids.binary_search(&id) {
                ids.remove(place);
            }
            if ids.is_empty() {
                self.lines.remove(&line);
            }
        }
        if let Some(load) = self.loads.get_mut(&(line.1, kind.0.renderer)) {
            load.remove(line.0);
        }
        if let Some(lanes) = self.kinds.get_mut(&kind) {
            if let Some(lane) = lanes.lanes.get_mut(&line) {
                lane.jobs.remove(&id);
            }
            let standing = self.standings.get(&line.0).copied().unwrap_or_default();
            lanes.take_turn(line, &standing, self.beyond);
            if lanes.lanes.is_empty() {
                self.kinds.remove(&kind);
            }
        }
    }

    /// A node has started a queued job.
    pub fn start(&mut self, id: JobId) {
        let Some((line, (needs, _))) = self.jobs.get(&id) else { return };
        let ((account, class), renderer) = (*line, needs.renderer);
        if class == KeyClass::Metered {
            let pass_ms = self.standings.get(&account).map_or(0, |standing| standing.pass_ms);
            self.pass_ms = self.pass_ms.max(pass_ms);
        }
        self.remove(id);
        self.start_running(RunningJob { id, account, class, renderer });
    }

    /// A job is not running any more.
    pub fn stop(&mut self, id: JobId, stopped: Stopped) {
        let Some((job, charged_ms)) = self.running.remove(&id) else { return };
        let standing = self.standings.entry(job.account).or_default();
        match job.class {
            KeyClass::Reserved => standing.reserved_running = standing.reserved_running.saturating_sub(1),
            KeyClass::Metered => standing.correct(charged_ms, stopped.took_ms),
        }
        if stopped.is_done {
            if job.class == KeyClass::Metered {
                standing.mean_ms = policy::mean(standing.mean_ms, stopped.took_ms);
            }
            let took_ms = self.took_ms.entry(job.renderer).or_insert(stopped.took_ms);
            *took_ms = policy::mean(*took_ms, stopped.took_ms);
        }
        self.take_turns((job.account, job.class));
    }

    /// An account has this many dinks from now on.
    pub fn set_dinks(&mut self, account: AccountId, dinks: u32) {
        self.standings.entry(account).or_default().dinks = dinks;
        self.take_turns((account, KeyClass::Reserved));
    }

    /// Charges a job that is running now.
    fn start_running(&mut self, job: RunningJob) {
        let standing = self.standings.entry(job.account).or_default();
        let charged_ms = if job.class == KeyClass::Metered { standing.charge() } else { 0 };
        self.add_running(job, charged_ms);
    }

    fn add_running(&mut self, job: RunningJob, charged_ms: u64) {
        if job.class == KeyClass::Reserved {
            self.standings.entry(job.account).or_default().reserved_running += 1;
        }
        self.running.insert(job.id, (job, charged_ms));
        self.take_turns((job.account, job.class));
    }

    /// Puts a line's lanes where its account now stands.
    fn take_turns(&mut self, line: Line) {
        let standing = self.standings.get(&line.0).copied().unwrap_or_default();
        for lanes in self.kinds.values_mut() {
            lanes.take_turn(line, &standing, self.beyond);
        }
    }

    /// The job that this node gets: the next of those that it can render and that should not go elsewhere. A job that
    /// avoids the node waits for another one as long as `elsewhere` says that there is one.
    pub fn pick(&self, node: NodeId, offer: &Offer, mut elsewhere: impl FnMut(&ReadyJob) -> bool) -> Option<ReadyJob> {
        let firsts = self.kinds.iter().filter_map(|((needs, avoids), lanes)| {
            let turn = *lanes.turns.first()?;
            let fits = offer.can_render(needs)
                && (!avoids.contains(&node) || !self.get(turn.job).is_some_and(|job| elsewhere(&job)));
            fits.then_some(turn)
        });
        self.get(firsts.min()?.job)
    }

    /// A queued job, if it is in the queue.
    pub fn get(&self, id: JobId) -> Option<ReadyJob> {
        self.jobs.get(&id).map(|place| ready_job(id, place))
    }

    /// Position among the queued jobs of the same account and class, starting at 1; `None` if the job is not queued.
    pub fn position(&self, id: JobId) -> Option<u64> {
        let (line, _) = self.jobs.get(&id)?;
        let place = self.lines.get(line)?.binary_search(&id).ok()?;
        Some(place as u64 + 1)
    }

    /// Number of queued jobs of this account and class.
    pub fn waiting(&self, account: AccountId, class: KeyClass) -> u64 {
        self.lines.get(&(account, class)).map_or(0, |line| line.len() as u64)
    }

    /// Number of queued jobs of this account.
    pub fn queued(&self, account: AccountId) -> u64 {
        KeyClass::ALL.into_iter().map(|class| self.waiting(account, class)).sum()
    }

    /// Number of queued jobs of this class, and the first of them.
    pub fn waiting_in(&self, class: KeyClass) -> (u64, Option<JobId>) {
        let lines = || self.lines.iter().filter(|((_, of), _)| *of == class).map(|(_, line)| line);
        (lines().map(|line| line.len() as u64).sum(), lines().filter_map(|line| line.front()).min().copied())
    }

    /// Number of queued jobs of this class with this renderer.
    pub fn waiting_for(&self, class: KeyClass, renderer: Renderer) -> u64 {
        self.loads.get(&(class, renderer)).map_or(0, |load| load.jobs)
    }

    /// Number of running jobs with this renderer.
    pub fn running_with(&self, renderer: Renderer) -> u64 {
        self.running.values().filter(|(job, _)| job.renderer == renderer).count() as u64
    }

    /// Whether there is a job for a node with these renderers, regardless of avoided nodes.
    pub fn has_any(&self, renderers: &[Renderer]) -> bool {
        self.kinds.keys().any(|(needs, _)| renderers.contains(&needs.renderer))
    }

    /// The queued jobs by what decides why they wait, unordered.
    pub fn kinds(&self) -> Vec<WaitingKind> {
        let kind = |((needs, avoids), lanes): (&Kind, &Lanes)| {
            let oldest = lanes.lanes.values().filter_map(|lane| lane.jobs.first()).min().copied()?;
            let jobs = lanes.lanes.values().map(|lane| lane.jobs.len() as u64).sum();
            Some(WaitingKind { needs: *needs, avoids: avoids.clone(), jobs, oldest })
        };
        self.kinds.iter().filter_map(kind).collect()
    }

    /// What goes before a job at this position among its account's jobs of its class, whether or not it is in the queue.
    pub fn before(&self, job: &ReadyJob, position: u64) -> Before {
        let renderer = job.needs.renderer;
        let load = |class| self.loads.get(&(class, renderer));
        let jobs_of = |class| load(class).map_or(0, |load| load.jobs);
        let is_idle = self.beyond == ReservedBeyondDinks::Idle;
        let other_class = match job.class {
            KeyClass::Metered if is_idle => load(KeyClass::Reserved).map_or(0, |load| self.covered(load)),
            KeyClass::Metered => jobs_of(KeyClass::Reserved),
            KeyClass::Reserved if is_idle && !self.standing(job.account).covers(position) => jobs_of(KeyClass::Metered),
            KeyClass::Reserved => 0,
        };
        let own = load(job.class).and_then(|load| load.accounts.get(&job.account)).copied().unwrap_or(0);
        let accounts = load(job.class).map_or(0, |load| load.accounts.len() as u64) - u64::from(own > 0);
        // Each other account is served about as often until it is this job's turn.
        let turns = (jobs_of(job.class) - own).min(accounts.saturating_mul(position));
        let jobs = other_class + turns + position.saturating_sub(1);
        Before { other_class, accounts, jobs, took_ms: self.took_ms.get(&renderer).copied() }
    }

    /// How many of these jobs their accounts' free dinks cover.
    fn covered(&self, load: &Load) -> u64 {
        let covered = |(account, jobs): (&AccountId, &u64)| self.standing(*account).free_dinks().min(*jobs);
        load.accounts.iter().map(covered).sum()
    }

    /// How an account stands.
    pub fn standing(&self, account: AccountId) -> Standing {
        self.standings.get(&account).copied().unwrap_or_default()
    }

    /// Number of queued jobs.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

impl Load {
    fn remove(&mut self, account: AccountId) {
        let Some(own) = self.accounts.get_mut(&account) else { return };
        self.jobs -= 1;
        *own -= 1;
        if *own == 0 {
            self.accounts.remove(&account);
        }
    }
}

impl Lanes {
    /// Puts a lane where its account now stands; an empty lane is removed.
    fn take_turn(&mut self, line: Line, standing: &Standing, beyond: ReservedBeyondDinks) {
        let Some(lane) = self.lanes.get_mut(&line) else { return };
        self.turns.remove(&lane.turn);
        match lane.jobs.first() {
            None => drop(self.lanes.remove(&line)),
            Some(job) => {
                lane.turn = policy::turn(line.1, standing, *job, beyond);
                self.turns.insert(lane.turn);
            }
        }
    }
}

fn ready_job(id: JobId, (line, (needs, avoids)): &(Line, Kind)) -> ReadyJob {
    ReadyJob { id, account: line.0, class: line.1, needs: *needs, avoids: avoids.clone() }
}
