//! A run: the server, its nodes and clients, what is under way between them, and time. One step after the other, all
//! from one seed.

use std::collections::BTreeMap;

use dinkem_appliance::domain::id::LeaseId;
use dinkem_appliance::domain::job::{RESOLUTIONS, Renderer};
use dinkem_appliance::domain::offer::Offer;
use dinkem_appliance::domain::schedule::policy::ReservedBeyondDinks;

use crate::support::rng::Rng;

use super::agent::Agent;
use super::claims::Judge;
use super::messages::Event;
use super::model::{self, Account, Cause, Model};
use super::planted::Planted;
use super::server::{ACCOUNTS, Outcome, Server};
use super::story::{Checked, Story};
use super::whole;

/// Steps between two comparisons of everything.
const WHOLE_EVERY: u64 = 250;
/// Steps between two comparisons of the whole queue.
const QUEUE_EVERY: u64 = 25;
/// Accounts of a run at least.
const FEWEST_ACCOUNTS: usize = 8;
/// Nodes of a run at least.
const FEWEST_NODES: usize = 3;

/// What kind of run a seed makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Usual,
    /// Much waits, and one account submits most of it.
    Flood,
    /// A small farm over hours: jobs stall, or take too long.
    Slow,
}

impl Kind {
    pub fn of(seed: u64) -> Self {
        match seed % 8 {
            5 => Self::Flood,
            2 => Self::Slow,
            _ => Self::Usual,
        }
    }

    /// Steps of a run.
    pub fn steps(self) -> u64 {
        if self == Self::Usual { 1_000 } else { 2_500 }
    }

    /// How much slower than usual everything is.
    pub fn pace(self) -> u64 {
        if self == Self::Slow { 10 } else { 1 }
    }

    /// How many more nodes than the fewest there are at most.
    fn more_nodes(self) -> usize {
        if self == Self::Slow { 3 } else { 24 }
    }

    /// How often each other account may be served while an account waits. Accounts are charged by how long their jobs
    /// take, so one that had long ones waits while others have several short ones: up to 7,200 s, against 120 s.
    pub fn most_passes(self) -> u64 {
        if self == Self::Slow { 80 } else { 10 }
    }
}

pub struct World {
    pub server: Server,
    pub model: Model,
    pub agents: Vec<Agent>,
    pub rng: Rng,
    pub story: Story,
    pub kind: Kind,
    /// Milliseconds since the run began.
    pub now: u64,
    /// Submissions sent so far.
    pub submissions: u64,
    /// Whether the server, which is down, will be started.
    is_start_due: bool,
    events: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
}

impl World {
    pub fn new(seed: u64, planted: Option<Planted>) -> Self {
        let mut rng = Rng::new(seed);
        // The first numbers of neighbouring seeds are alike.
        for _ in 0..8 {
            let _unused = rng.below(2);
        }
        let beyond = if seed % 4 == 3 { ReservedBeyondDinks::Idle } else { ReservedBeyondDinks::First };
        let mut world = Self {
            server: Server::start(beyond, planted),
            model: Model::new(beyond),
            agents: Vec::new(),
            rng,
            story: Story::new(seed),
            kind: Kind::of(seed),
            now: 0,
            submissions: 0,
            is_start_due: false,
            events: BTreeMap::new(),
            scheduled: 0,
        };
        let more = if world.kind == Kind::Flood { 1 } else { ACCOUNTS - FEWEST_ACCOUNTS + 1 };
        let accounts = FEWEST_ACCOUNTS + world.rng.below(more);
        for account in 0..accounts {
            world.model.accounts.push(Account { is_active: true, ..Account::default() });
            if world.rng.below(2) == 0 {
                let dinks = 1 + world.rng.below(4) as u32;
                world.set_dinks(account, dinks);
            }
            let delay = world.rng.below(5_000) as u64;
            world.at(delay, Event::Client(account));
        }
        for _ in 0..FEWEST_NODES + world.rng.below(world.kind.more_nodes()) {
            world.add_node();
        }
        world.at(1_000, Event::Passes);
        world.at(10_000, Event::Operator);
        world.at(20_000, Event::Weather);
        world
    }

    /// Something happens after so many milliseconds.
    pub fn at(&mut self, delay: u64, event: Event) {
        self.scheduled += 1;
        self.events.insert((self.now + delay, self.scheduled), event);
    }

    /// True once in so many times.
    pub fn one_in(&mut self, many: usize) -> bool {
        self.rng.below(many) == 0
    }

    pub fn tell(&mut self, what: &str) {
        self.story.tell(self.now, what);
    }

    /// A new node with free slots.
    pub fn add_node(&mut self) {
        let number = self.agents.len();
        let name = format!("node {number}");
        let (key, node) = self.server.join(&name);
        let renderers = match self.rng.below(4) {
            0 => vec![Renderer::Game],
            1 => Renderer::ALL.to_vec(),
            _ => vec![Renderer::Builtin],
        };
        let (slots, speed) = (1 + self.rng.below(4), 2_000 + self.rng.below(20_000) as u64);
        let offer =
            Offer { renderers: renderers.clone(), slots: slots as u32, resolutions: RESOLUTIONS.to_vec(), game: None };
        self.model.nodes.insert(node.id.0, model::Node { offer });
        self.agents.push(Agent::new(key, node, renderers, slots, speed, self.kind));
        for slot in 0..slots {
            let delay = self.rng.below(3_000) as u64;
            self.wake_at(number, slot, delay * self.kind.pace());
        }
    }

    /// Sets a slot's timer; an earlier one is outdated.
    pub fn wake_at(&mut self, node: usize, slot: usize, delay: u64) {
        let place = &mut self.agents[node].slots[slot];
        place.turn += 1;
        let turn = place.turn;
        self.at(delay, Event::Wake { node, slot, turn });
    }

    /// Lets the next thing happen that changes the world or reaches the server, and checks what must always hold.
    pub fn step(&mut self) -> Checked {
        self.story.steps += 1;
        loop {
            let ((at, _), event) = self.events.pop_first().expect("clients and passes go on for ever");
            self.now = at;
            self.server.set_time(at);
            if self.happen(event)? {
                break;
            }
        }
        if !self.server.is_up() && !self.is_start_due {
            self.is_start_due = true;
            let longest = if self.one_in(12) { 60_000 } else { 3_000 };
            let delay = self.rng.below(longest) as u64;
            self.at(delay, Event::ServerStarts);
        }
        if self.story.steps.is_multiple_of(WHOLE_EVERY) || self.story.is_loud {
            whole::check(self)?;
        } else if self.story.steps.is_multiple_of(QUEUE_EVERY) {
            whole::check_queue(self)?;
        }
        whole::check_waiting(self)
    }

    /// True if it is a step. What only the agent of a node notices is none: an answer, or a look at its clock. Nor is a
    /// request that finds no server.
    fn happen(&mut self, event: Event) -> Checked<bool> {
        match event {
            Event::Client(account) => return self.client_acts(account),
            Event::Submission(submission) => return self.submission_arrives(submission),
            Event::Request(request) => return self.request_arrives(request),
            Event::Answer(answer) => {
                self.answer_arrives(&answer);
                return Ok(false);
            }
            Event::Wake { node, slot, turn } => {
                self.wake(node, slot, turn);
                return Ok(false);
            }
            Event::Passes => return self.passes_run(),
            Event::Operator => return self.operator_acts(),
            Event::Weather => return self.weather_changes(),
            Event::ServerStarts => {
                self.is_start_due = false;
                self.server.restart();
                self.tell("the server starts");
                whole::check(self)?;
            }
            Event::NodeStarts(node) => {
                if self.agents[node].is_up || !self.model.nodes.contains_key(&self.agents[node].row()) {
                    return Ok(false);
                }
                self.agents[node].start();
                for slot in 0..self.agents[node].slots.len() {
                    self.wake_at(node, slot, 100);
                }
                self.tell(&format!("node {node} starts again"));
            }
        }
        Ok(true)
    }

    /// The background passes of the server.
    fn passes_run(&mut self) -> Checked<bool> {
        let delay = (1_000 + self.rng.below(3_000) as u64) * self.kind.pace().min(5);
        self.at(delay, Event::Passes);
        if !self.server.is_up() {
            return Ok(false);
        }
        self.maybe_light_fuse();
        let before = self.model.live.len();
        let outcome = self.server.call(dinkem_appliance::app::leases::expire);
        self.after(&outcome);
        self.compare(Cause::Expiry)?;
        let ended = before - self.model.live.len();
        self.tell(&format!("the server looks for overdue leases and ends {ended}"));
        if self.one_in(20) {
            let outcome = self.server.call(dinkem_appliance::app::upkeep::sweep::sweep);
            self.after(&outcome);
            self.compare(Cause::Nothing)?;
        }
        Ok(true)
    }

    /// Now and then the server will die in the middle of its next call.
    pub fn maybe_light_fuse(&mut self) {
        if self.one_in(150) {
            let looks = 1 + self.rng.below(6) as u32;
            self.server.light_fuse(looks);
        }
    }

    /// Tells if the server died in a call.
    pub fn after<T>(&mut self, outcome: &Outcome<T>) {
        if matches!(outcome, Outcome::Crashed) {
            self.tell("the server dies in the middle of this:");
        }
    }

    /// Compares the rows with the model after something that may have changed them in this way.
    pub fn compare(&mut self, cause: Cause) -> Checked {
        let Some(taken) = self.model.compare(&self.server.rows, cause)? else { return Ok(()) };
        let passed = Judge::new(&self.model, &self.server.admin, &taken, self.kind).check(taken.job)?;
        for account in passed {
            let passed_by = &mut self.model.accounts[account].passed_by;
            *passed_by += 1;
            self.model.most_passed_by = self.model.most_passed_by.max(*passed_by);
        }
        let job = self.model.job(taken.job);
        if job.class == dinkem_appliance::domain::key::KeyClass::Metered {
            let account = job.account;
            self.model.accounts[account].passed_by = 0;
        }
        self.model.apply(&taken);
        Ok(())
    }

    /// The number of a lease that a node holds or held, at random.
    pub fn any_lease(&mut self) -> Option<LeaseId> {
        let leases = self.model.leases.len();
        let recent = leases.min(40);
        if recent == 0 {
            return None;
        }
        let back = self.rng.below(recent);
        self.model.leases.keys().nth_back(back).copied().map(LeaseId)
    }
}
