//! A run: the server, its nodes and clients, what is under way between them, and time. One step after the other, all
//! from one seed.

use std::collections::BTreeMap;

use dinkem_appliance::domain::id::LeaseId;
use dinkem_appliance::domain::job::{RESOLUTIONS, Renderer};
use dinkem_appliance::domain::offer::Offer;

use crate::support::rng::Rng;

use super::agent::Agent;
use super::claims::Judge;
use super::messages::Event;
use super::model::{self, Account, Cause, Model};
use super::planted::Planted;
use super::server::{ACCOUNTS, Server};
use super::story::{Checked, Story};
use super::whole;

/// Steps between two comparisons of everything.
const WHOLE_EVERY: u64 = 250;
/// Accounts of a run at least.
const FEWEST_ACCOUNTS: usize = 8;
/// Nodes of a run at least, and how many more at most.
const FEWEST_NODES: usize = 3;
const MORE_NODES: usize = 24;

/// What kind of run a seed makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Usual,
    /// Much waits, and one account submits most of it.
    Flood,
}

impl Kind {
    pub fn of(seed: u64) -> Self {
        if seed % 8 == 5 { Self::Flood } else { Self::Usual }
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
        let mut world = Self {
            server: Server::start(planted),
            model: Model::default(),
            agents: Vec::new(),
            rng,
            story: Story::new(seed),
            kind: Kind::of(seed),
            now: 0,
            submissions: 0,
            events: BTreeMap::new(),
            scheduled: 0,
        };
        let accounts = FEWEST_ACCOUNTS + world.rng.below(ACCOUNTS - FEWEST_ACCOUNTS + 1);
        for account in 0..accounts {
            world.model.accounts.push(Account { is_active: true, ..Account::default() });
            if world.rng.below(2) == 0 {
                let dinks = 1 + world.rng.below(4) as u32;
                world.set_dinks(account, dinks);
            }
            let delay = world.rng.below(5_000) as u64;
            world.at(delay, Event::Client(account));
        }
        for _ in 0..FEWEST_NODES + world.rng.below(MORE_NODES) {
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
        let (slots, speed) = (1 + self.rng.below(4), 5_000 + self.rng.below(40_000) as u64);
        let offer =
            Offer { renderers: renderers.clone(), slots: slots as u32, resolutions: RESOLUTIONS.to_vec(), game: None };
        self.model.nodes.insert(node.id.0, model::Node { offer });
        self.agents.push(Agent::new(key, node, renderers, slots, speed));
        for slot in 0..slots {
            let delay = self.rng.below(3_000) as u64;
            self.wake_at(number, slot, delay);
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
        if self.story.steps.is_multiple_of(WHOLE_EVERY) {
            whole::check(self)?;
        }
        Ok(())
    }

    /// True if it is a step: a slot's look at its clock is none.
    fn happen(&mut self, event: Event) -> Checked<bool> {
        match event {
            Event::Client(account) => self.client_acts(account)?,
            Event::Submission(submission) => self.submission_arrives(submission)?,
            Event::Request(request) => self.request_arrives(request)?,
            Event::Answer(answer) => return Ok(self.answer_arrives(&answer)),
            Event::Wake { node, slot, turn } => {
                self.wake(node, slot, turn);
                return Ok(false);
            }
            Event::Passes => return self.passes_run(),
            Event::Operator => self.operator_acts()?,
            Event::Weather => self.weather_changes()?,
            Event::ServerStarts => {
                if self.server.is_up() {
                    return Ok(false);
                }
                self.server.restart();
                self.tell("the server starts");
                self.compare(Cause::Nothing)?;
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
        let delay = 1_000 + self.rng.below(3_000) as u64;
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
        if self.one_in(400) {
            let looks = 1 + self.rng.below(6) as u32;
            self.server.light_fuse(looks);
        }
    }

    /// Looks how a call ended. A server that died is started again.
    pub fn after<T>(&mut self, outcome: &super::server::Outcome<T>) {
        if matches!(outcome, super::server::Outcome::Crashed) {
            self.tell("the server dies in the middle of this:");
            let delay = self.rng.below(15_000) as u64;
            self.at(delay, Event::ServerStarts);
        }
    }

    /// Compares the rows with the model after something that may have changed them in this way.
    pub fn compare(&mut self, cause: Cause) -> Checked {
        let Some(taken) = self.model.compare(&self.server.rows, cause)? else { return Ok(()) };
        let passed = Judge::new(&self.model, &self.server.admin, &taken).check(taken.job)?;
        passed.into_iter().for_each(|account| self.model.accounts[account].passed_by += 1);
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
