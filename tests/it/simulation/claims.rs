//! Whether the job that a node was given was its turn.

use std::cmp::Ordering;

use dinkem_appliance::app::{App, nodes};
use dinkem_appliance::domain::id::NodeId;
use dinkem_appliance::domain::key::KeyClass;
use dinkem_appliance::domain::node::NodeState;
use dinkem_appliance::domain::schedule::policy::ReservedBeyondDinks;

use super::model::{Account, Job, Model, Taken};
use super::story::{Checked, Invariant, Violation};
use super::world::Kind;

/// Judges claims by what the model knows.
pub struct Judge<'a> {
    model: &'a Model,
    admin: &'a App,
    node: i64,
    kind: Kind,
}

impl<'a> Judge<'a> {
    pub fn new(model: &'a Model, admin: &'a App, taken: &Taken, kind: Kind) -> Self {
        Self { model, admin, node: taken.node, kind }
    }

    /// Checks a job that was just given to the node. Returns the accounts that were passed by.
    pub fn check(&self, row: i64) -> Checked<Vec<usize>> {
        let job = self.model.job(row);
        let account = &self.model.accounts[job.account];
        let broken =
            |invariant, what: &str| Violation::of(invariant, format!("node {} was given job {row}, {what}", self.node));
        if !account.is_active {
            return broken(Invariant::CountersAgree, "whose account is not active");
        }
        if !self.can_render(job) {
            return broken(Invariant::Rules, "which it cannot render");
        }
        if !self.may_take(job) {
            return broken(Invariant::Rules, "which failed on it and should go elsewhere");
        }
        let line = match job.class {
            KeyClass::Metered => &account.metered,
            KeyClass::Reserved => &account.reserved,
        };
        if let Some(earlier) = line.range(..row).find(|earlier| self.may_take(self.model.job(**earlier))) {
            return broken(Invariant::Rules, &format!("but job {earlier} of the same account came first"));
        }
        let turn = self.turn(job, row);
        let mut passed = Vec::new();
        for (number, other) in self.model.accounts.iter().enumerate().filter(|(_, other)| other.is_active) {
            if let Some(reserved) = self.first(&other.reserved)
                && self.turn(self.model.job(reserved), reserved) < turn
            {
                let what = format!("but could have taken the reserved job {reserved}, which goes first");
                let is_metered = job.class == KeyClass::Metered;
                return broken(if is_metered { Invariant::ReservedFirst } else { Invariant::Rules }, &what);
            }
            if job.class == KeyClass::Reserved {
                continue;
            }
            if number == job.account {
                continue;
            }
            let Some(waiting) = self.first(&other.metered) else { continue };
            if other.passed_by >= self.most_passes() {
                let what = format!(
                    "but job {waiting} of account {number} waits, which it could take, and {} jobs of others went before",
                    other.passed_by
                );
                return broken(Invariant::NobodyStarves, &what);
            }
            passed.push(number);
        }
        Ok(passed)
    }

    /// When it is a job's turn, as far as the order of reserved jobs decides it.
    fn turn(&self, job: &Job, row: i64) -> Turn {
        let Account { dinks, reserved_running, .. } = self.model.accounts[job.account];
        let tier = match job.class {
            KeyClass::Metered => 2,
            KeyClass::Reserved if reserved_running < dinks => 0,
            KeyClass::Reserved if self.model.beyond == ReservedBeyondDinks::First => 1,
            KeyClass::Reserved => 3,
        };
        // Metered jobs go by what their account was charged, which only the server knows.
        let (running, dinks, row) = if tier == 2 { (0, 1, 0) } else { (reserved_running, dinks, row) };
        Turn { tier, running, dinks, row }
    }

    /// Metered jobs that others may be given while an account waits.
    fn most_passes(&self) -> u64 {
        self.model.accounts.len() as u64 * self.kind.most_passes()
    }

    /// The first of these jobs that the node may take.
    fn first(&self, line: &std::collections::BTreeSet<i64>) -> Option<i64> {
        line.iter().copied().find(|row| self.may_take(self.model.job(*row)))
    }

    fn can_render(&self, job: &Job) -> bool {
        self.model.nodes.get(&self.node).is_some_and(|node| node.offer.can_render(&job.needs))
    }

    fn may_take(&self, job: &Job) -> bool {
        self.can_render(job) && (!job.avoids.contains(&NodeId(self.node)) || !self.another_can_take(job))
    }

    /// Whether another live node can take a job that failed on this one.
    fn another_can_take(&self, job: &Job) -> bool {
        let nodes = nodes::list(self.admin).unwrap();
        nodes.iter().any(|other| {
            let takes_work = matches!(other.state, NodeState::Up) && !other.is_benched && !other.node.draining;
            let is_other = other.node.id.0 != self.node && !job.avoids.contains(&other.node.id);
            is_other && takes_work && other.node.offer.can_render(&job.needs)
        })
    }
}

/// The order of reserved jobs as the design page has it, written once more.
#[derive(PartialEq, Eq)]
struct Turn {
    tier: u8,
    running: u32,
    dinks: u32,
    row: i64,
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        // Running jobs without dinks are more than any share of dinks.
        let share = |one: &Self, of: &Self| u64::from(one.running) * u64::from(of.dinks);
        let by_share = (self.dinks == 0).cmp(&(other.dinks == 0)).then_with(|| match self.dinks {
            0 => self.running.cmp(&other.running),
            _ => share(self, other).cmp(&share(other, self)),
        });
        Some(self.tier.cmp(&other.tier).then(by_share).then(self.row.cmp(&other.row)))
    }
}
