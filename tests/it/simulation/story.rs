//! What happened in a run, step by step, and which invariant broke.

use std::collections::VecDeque;
use std::fmt;

/// Steps that are told after a failure.
const TOLD: usize = 60;

/// What must always hold, numbered as on the design page on scheduling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invariant {
    NoJobLost,
    OneLease,
    ReservedFirst,
    BilledOnce,
    NobodyStarves,
    CountersAgree,
    /// The other rules of that page, such as first come, first served within an account.
    Rules,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoJobLost => "1: a job acknowledged to a client is never lost",
            Self::OneLease => {
                "2: at most one live lease per job, and only its node changes the job; no node exceeds its slots"
            }
            Self::ReservedFirst => "3: no metered job is given a node that could take a waiting reserved job",
            Self::BilledOnce => {
                "4: a completed job has one ledger row, one video and one event, a failed or cancelled one no ledger row"
            }
            Self::NobodyStarves => "5: no account waits for ever while other metered work is served",
            Self::CountersAgree => "6: counters and the ready queue equal what the rows say",
            Self::Rules => "the other rules of scheduling",
        })
    }
}

/// A broken invariant.
#[derive(Debug)]
pub struct Violation {
    pub invariant: Invariant,
    /// A sentence.
    pub what: String,
}

impl Violation {
    pub fn of<T>(invariant: Invariant, what: impl Into<String>) -> Checked<T> {
        Err(Self { invariant, what: what.into() })
    }
}

/// The result of a check.
pub type Checked<T = ()> = Result<T, Violation>;

/// The steps of one run.
pub struct Story {
    pub seed: u64,
    pub steps: u64,
    lines: VecDeque<String>,
    /// Whether each step is printed as it happens.
    pub is_loud: bool,
}

impl Story {
    pub fn new(seed: u64) -> Self {
        Self { seed, steps: 0, lines: VecDeque::new(), is_loud: false }
    }

    /// Tells what happens in the current step, at a time in milliseconds.
    pub fn tell(&mut self, now: u64, what: &str) {
        let line = format!("{:>6}. {:>9.3} s  {what}", self.steps, now as f64 / 1_000.0);
        if self.is_loud {
            eprintln!("{line}");
        }
        if self.lines.len() == TOLD {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The last steps and what broke.
    pub fn end(&self, violation: &Violation) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        format!(
            "The last steps of seed {}:\n{}\n\nBroken in step {}: {}\n  {}\n\nReplay: DINKEM_SIM_SEED={} DINKEM_SIM_STEPS={}",
            self.seed,
            lines.join("\n"),
            self.steps,
            violation.invariant,
            violation.what,
            self.seed,
            self.steps
        )
    }
}
