//! What clients and the operator do.

use dinkem_appliance::app::jobs::operator as any_jobs;
use dinkem_appliance::app::jobs::{self, Once};
use dinkem_appliance::app::{accounts, nodes};
use dinkem_appliance::domain::idempotency::IdempotencyKey;
use dinkem_appliance::domain::job::{Commands, JobSpec, JobStatus, Renderer, SteamId};
use dinkem_appliance::domain::key::{KeyClass, Secret};
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::wire::base::Base;

use super::messages::{Event, Submission};
use super::model::Cause;
use super::server::{Outcome, Server};
use super::story::{Checked, Invariant, Violation};
use super::world::{Kind, World};

/// Milliseconds between two acts of a client, about.
const CLIENT_PACE: u64 = 8_000;
/// Milliseconds between two acts of the operator, about.
const OPERATOR_PACE: u64 = 9_000;
/// Queued jobs beyond which clients hold back, unless there is a flood.
const ENOUGH: usize = 60;
/// Jobs in a flood.
const FLOOD: u64 = 1_000;

/// The job that a submission with this number asks for.
fn spec(number: u64) -> JobSpec {
    let pick = |sides: u64| Sha256::of(format!("{number} {sides}")).0[0] as u64 % sides;
    JobSpec {
        demo_url: "https://example.com/match.dem".into(),
        steam64_id: SteamId::new(SteamId::FIRST + 7).unwrap(),
        round: 2,
        fps: [30, 60][pick(2) as usize],
        resolution: if pick(4) == 0 { 1440 } else { 1080 },
        commands: Commands::default(),
        renderer: if pick(3) == 0 { Renderer::Game } else { Renderer::Builtin },
        metadata: None,
    }
}

impl World {
    fn key(account: usize, class: KeyClass) -> &'static Secret {
        let keys = &Server::accounts()[account];
        match class {
            KeyClass::Metered => &keys.metered,
            KeyClass::Reserved => &keys.reserved,
        }
    }

    fn new_submission(&mut self, account: usize) -> Submission {
        let reserved = if self.kind == Kind::Flood { 12 } else { 3 };
        let class = if self.one_in(reserved) { KeyClass::Reserved } else { KeyClass::Metered };
        self.submissions += 1;
        Submission { account, class, number: self.submissions, tries: 0 }
    }

    /// False if the client does nothing.
    pub fn client_acts(&mut self, account: usize) -> Checked<bool> {
        let (is_flood, is_flooding) = (self.kind == Kind::Flood, self.kind == Kind::Flood && account == 0);
        let pace = match self.kind {
            Kind::Flood if is_flooding => CLIENT_PACE / 8,
            Kind::Flood => CLIENT_PACE * 4,
            kind => CLIENT_PACE * kind.pace(),
        };
        let delay = pace / 2 + self.rng.below(pace as usize) as u64;
        self.at(delay, Event::Client(account));
        if is_flooding && self.submissions < FLOOD {
            for _ in 0..12 {
                self.submissions += 1;
                let (class, number) = (KeyClass::Metered, self.submissions);
                let delay = self.rng.below(500) as u64;
                self.at(delay, Event::Submission(Submission { account, class, number, tries: 0 }));
            }
        }
        let waiting: usize = self.model.accounts.iter().map(|one| one.reserved.len() + one.metered.len()).sum();
        match self.rng.below(20) {
            0 => self.client_removes(account),
            1..5 if waiting < ENOUGH => {
                for _ in 0..3 {
                    let (delay, submission) = (self.rng.below(2_000) as u64, self.new_submission(account));
                    self.at(delay, Event::Submission(submission));
                }
                Ok(false)
            }
            _ if waiting < ENOUGH || (is_flood && !is_flooding) => {
                let submission = self.new_submission(account);
                self.submission_arrives(submission)
            }
            _ => Ok(false),
        }
    }

    /// The client cancels or deletes one of its last jobs.
    fn client_removes(&mut self, account: usize) -> Checked<bool> {
        let own = self.model.jobs.iter().enumerate().rev().filter(|(_, job)| job.account == account);
        let rows: Vec<i64> = own.map(|(at, _)| at as i64 + 1).take(12).collect();
        if rows.is_empty() || !self.server.is_up() {
            return Ok(false);
        }
        let row = rows[self.rng.below(rows.len())];
        let (id, status) = (self.model.job(row).id, self.model.job(row).status);
        self.maybe_light_fuse();
        let key = Self::key(account, KeyClass::Metered);
        let outcome = self.server.as_client(key, |app, caller| jobs::remove(app, caller, id).map(drop));
        self.after(&outcome);
        self.tell(&format!("account {account} removes its job {row}{}", ending(&outcome)));
        if status.is_unfinished() {
            self.server.cancelled(row);
        }
        let cause = if status.is_unfinished() { Cause::Cancel { job: row } } else { Cause::DeleteClip { job: row } };
        self.compare(cause).map(|()| true)
    }

    /// False if no server is there: it is sent again.
    pub fn submission_arrives(&mut self, submission: Submission) -> Checked<bool> {
        let Submission { account, class, number, tries } = submission;
        if !self.server.is_up() {
            let delay = 1_000 + self.rng.below(6_000) as u64;
            self.at(delay, Event::Submission(submission));
            return Ok(false);
        }
        self.maybe_light_fuse();
        let once = Once {
            key: IdempotencyKey::parse(&format!("key {number}")).unwrap(),
            body_sha256: Sha256::of(number.to_string()),
        };
        let base = Base::at("https", "clips.example");
        let key = Self::key(account, class);
        let outcome =
            self.server.as_client(key, |app, caller| jobs::submit_once(app, caller, spec(number), once, base));
        self.after(&outcome);
        let again = if tries > 0 { " again" } else { "" };
        let what = format!("account {account} submits {} job number {number}{again}", class.as_str());
        self.tell(&format!("{what}{}", ending(&outcome)));
        let before = self.model.jobs.len();
        self.compare(Cause::Submit { account, class })?;
        let is_new = self.model.jobs.len() > before;
        let is_answered = match outcome {
            Outcome::Answer(Ok(submitted)) => {
                let known = self.model.jobs.iter().rev().find(|job| job.id == submitted.job);
                if known.is_none_or(|job| job.account != account) || submitted.again == is_new {
                    let what = format!("the acknowledged submission number {number} is no row");
                    return Violation::of(Invariant::NoJobLost, what);
                }
                // Its answer may be lost.
                !self.one_in(12)
            }
            Outcome::Answer(Err(error)) if is_new => {
                let what = format!("submission number {number} was refused ({}) and is a row", error.code.as_str());
                return Violation::of(Invariant::NoJobLost, what);
            }
            Outcome::Answer(Err(_)) => true,
            Outcome::Down | Outcome::Crashed => false,
        };
        if (!is_answered && tries < 4) || (tries == 0 && self.one_in(40)) {
            let delay = self.rng.below(6_000) as u64;
            self.at(delay, Event::Submission(Submission { tries: tries + 1, ..submission }));
        }
        Ok(true)
    }

    pub fn set_dinks(&mut self, account: usize, dinks: u32) {
        let name = &Server::accounts()[account].name;
        self.server.administer(|app, operator| accounts::dinks::set(app, operator, name, dinks)).unwrap();
        self.model.accounts[account].dinks = dinks;
    }

    /// False if the operator finds nothing to do.
    pub fn operator_acts(&mut self) -> Checked<bool> {
        let delay = OPERATOR_PACE / 2 + self.rng.below(OPERATOR_PACE as usize) as u64;
        self.at(delay * self.kind.pace(), Event::Operator);
        let (node, account) = (self.rng.below(self.agents.len()), self.rng.below(self.model.accounts.len()));
        let name = self.agents[node].node.name.clone();
        match self.rng.below(20) {
            0 => {
                let Some(job) = self.any_job(JobStatus::is_unfinished) else { return Ok(false) };
                let id = self.model.job(job).id;
                let done = self.server.administer(|app, operator| any_jobs::cancel(app, operator, id).map(drop));
                self.tell(&format!("the operator cancels job {job}{}", said(&done)));
                self.server.cancelled(job);
                self.compare(Cause::Cancel { job })?;
            }
            1..6 => {
                let ended = |status| matches!(status, JobStatus::Failed | JobStatus::Cancelled);
                let Some(job) = self.any_job(ended) else { return Ok(false) };
                let id = self.model.job(job).id;
                let done = self.server.administer(|app, operator| any_jobs::retry(app, operator, id).map(drop));
                self.tell(&format!("the operator retries job {job}{}", said(&done)));
                self.compare(Cause::Retry { job })?;
            }
            6..9 => {
                let done = self.server.administer(|app, operator| nodes::drain(app, operator, &name).map(drop));
                self.tell(&format!("the operator drains {name}{}", said(&done)));
                self.compare(Cause::Nothing)?;
            }
            9..15 => {
                let done = self.server.administer(|app, operator| nodes::resume(app, operator, &name).map(drop));
                self.tell(&format!("the operator resumes {name}{}", said(&done)));
                self.compare(Cause::Nothing)?;
            }
            15 => {
                let row = self.agents[node].row();
                let done = self.server.administer(|app, operator| nodes::remove(app, operator, &name).map(drop));
                self.tell(&format!("the operator removes {name}{}", said(&done)));
                self.compare(Cause::Removal { node: row })?;
                self.agents[node].is_up = false;
                if self.model.nodes.remove(&row).is_some() {
                    self.add_node();
                }
            }
            16..18 => {
                let dinks = self.rng.below(5) as u32;
                self.set_dinks(account, dinks);
                self.tell(&format!("the operator gives account {account} {dinks} dinks"));
                self.compare(Cause::Nothing)?;
            }
            _ => {
                let is_active = !self.model.accounts[account].is_active;
                let name = &Server::accounts()[account].name;
                let done = self.server.administer(|app, operator| match is_active {
                    true => accounts::activate(app, operator, Some(name)),
                    false => accounts::deactivate(app, operator, name),
                });
                done.unwrap();
                self.model.accounts[account].is_active = is_active;
                self.model.accounts[account].passed_by = 0;
                let word = if is_active { "activates" } else { "deactivates" };
                self.tell(&format!("the operator {word} account {account}"));
                self.compare(Cause::Nothing)?;
            }
        }
        Ok(true)
    }

    /// One of the last jobs with such a status.
    fn any_job(&mut self, has: impl Fn(JobStatus) -> bool) -> Option<i64> {
        let jobs = self.model.jobs.iter().enumerate().rev().filter(|(_, job)| has(job.status));
        let rows: Vec<i64> = jobs.map(|(at, _)| at as i64 + 1).take(30).collect();
        (!rows.is_empty()).then(|| rows[self.rng.below(rows.len())])
    }
}

fn ending<T>(outcome: &Outcome<T>) -> String {
    match outcome {
        Outcome::Answer(answer) => said(answer),
        Outcome::Down => ", but the server is down".to_owned(),
        Outcome::Crashed => ", and the server is dead".to_owned(),
    }
}

fn said<T>(answer: &Result<T, dinkem_appliance::domain::error::Error>) -> String {
    answer.as_ref().err().map(|error| format!(" and is refused: {}", error.code.as_str())).unwrap_or_default()
}
