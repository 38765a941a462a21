//! The agent of a render node: for each slot a state machine that claims, beats, uploads and completes. It acts by its
//! own clock and by the answers that reach it.

use dinkem_appliance::domain::job::Renderer;
use dinkem_appliance::domain::node::Node;

use crate::support::rng::Rng;
use crate::support::video;

use super::messages::{Answer, Call, How, Reply, Video};
use super::server::{Given, LEASE_MS};
use super::world::Kind;

/// Milliseconds that a node waits for an answer.
const PATIENCE: u64 = 10_000;

/// Milliseconds of a job that is not done before its lease is too old.
const ENDLESS: u64 = 10_800_000;

/// A node's machine and what its agent knows.
pub struct Agent {
    pub key: String,
    pub node: Node,
    pub renderers: Vec<Renderer>,
    pub is_up: bool,
    pub boot: u32,
    /// Until when nothing reaches it.
    pub cut_off_until: u64,
    pub slots: Vec<Slot>,
    pace: Pace,
}

/// How fast an agent is. In milliseconds.
#[derive(Clone, Copy)]
struct Pace {
    /// What it takes for a job, at most twice as long.
    job: u64,
    /// Between two heartbeats.
    beat: u64,
    /// How much slower than usual everything is.
    slower: u64,
}

/// A slot. `turn` grows with each of its timers, so that older ones are recognized.
pub struct Slot {
    pub turn: u64,
    pub state: State,
}

pub enum State {
    Idle,
    /// Asked for a job at this time.
    Claiming(u64),
    Working(Work),
}

/// What a slot works on.
pub struct Work {
    lease: i64,
    video: Video,
    plan: Plan,
    /// When it has rendered.
    ready: u64,
    began: u64,
    /// When its lease runs out, by its own clock.
    expires: u64,
    beat: u64,
    pace: Pace,
    uploaded: u64,
    /// When it asked for something that is not answered yet.
    asked: Option<u64>,
}

/// How it will go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    Complete,
    /// The first try has a damaged video.
    Damaged,
    /// The video has the wrong format.
    Wrong,
    Fail(How),
    /// It sends heartbeats and gets no further.
    Stall,
    /// It sends nothing more, and does not stop either.
    Silence,
}

impl Plan {
    fn draw(rng: &mut Rng) -> Self {
        match rng.below(100) {
            0..76 => Self::Complete,
            76..79 => Self::Damaged,
            79 => Self::Wrong,
            80..93 => Self::Fail(
                [How::ForGood, How::ForGood, How::Here, How::Here, How::Interrupted, How::Fetch][rng.below(6)],
            ),
            93 => Self::Fail(How::NotReady),
            94..97 => Self::Stall,
            _ => Self::Silence,
        }
    }
}

impl Agent {
    pub fn new(key: String, node: Node, renderers: Vec<Renderer>, slots: usize, job: u64, kind: Kind) -> Self {
        let slower = kind.pace();
        let beat = if kind == Kind::Slow { LEASE_MS * 5 / 6 } else { LEASE_MS / 3 };
        let pace = Pace { job: job * slower, beat, slower };
        let slots = (0..slots).map(|_| Slot { turn: 0, state: State::Idle }).collect();
        Self { key, node, renderers, is_up: true, boot: 0, cut_off_until: 0, slots, pace }
    }

    pub fn row(&self) -> i64 {
        self.node.id.0
    }

    /// The agent starts anew: it knows nothing of earlier leases.
    pub fn start(&mut self) {
        self.is_up = true;
        self.boot += 1;
        for slot in &mut self.slots {
            (slot.state, slot.turn) = (State::Idle, slot.turn + 1);
        }
    }

    /// The leases that it is working on.
    pub fn leases(&self) -> Vec<(usize, i64)> {
        let lease = |(at, slot): (usize, &Slot)| match &slot.state {
            State::Working(work) => Some((at, work.lease)),
            _ => None,
        };
        self.slots.iter().enumerate().filter_map(lease).collect()
    }

    /// A slot's timer: what it sends now, and when it looks again.
    pub fn wake(&mut self, slot: usize, now: u64, rng: &mut Rng) -> (Option<Call>, u64) {
        let slot = &mut self.slots[slot];
        match &mut slot.state {
            State::Working(work) => {
                if now >= work.expires && work.plan != Plan::Silence || now > work.expires + 4 * LEASE_MS {
                    // Given up before the server gives the job to another node.
                    slot.state = State::Idle;
                    return (None, now + 500);
                }
                let call = work.act(now, rng);
                (call, work.next(now))
            }
            _ => {
                slot.state = State::Claiming(now);
                (Some(Call::Claim), now + PATIENCE)
            }
        }
    }

    /// An answer has arrived. Returns when the slot looks at its clock next, if its plans have changed.
    pub fn hear(&mut self, answer: &Answer, now: u64, rng: &mut Rng) -> Option<u64> {
        let pace = self.pace;
        let slot = &mut self.slots[answer.slot];
        match (&mut slot.state, answer.reply) {
            (State::Claiming(sent), Reply::Claimed(given)) if *sent == answer.sent => match given {
                Some(given) => {
                    slot.state = State::Working(Work::begin(given, answer.sent, now, pace, rng));
                    Some(now + 100)
                }
                None => {
                    slot.state = State::Idle;
                    Some(now + (3_000 + rng.below(15_000) as u64) * pace.slower)
                }
            },
            (State::Claiming(sent), _) if *sent == answer.sent => {
                slot.state = State::Idle;
                Some(now + 2_000)
            }
            (State::Working(work), reply) if answer.lease == Some(work.lease) => match reply {
                Reply::Beaten => {
                    work.expires = work.expires.max(answer.sent + LEASE_MS);
                    None
                }
                Reply::Stored(bytes) => {
                    (work.uploaded, work.asked) = (bytes, None);
                    Some(now)
                }
                Reply::Ended | Reply::TooLate => {
                    slot.state = State::Idle;
                    Some(now + rng.below(1_000) as u64)
                }
                Reply::Refused("video_mismatch" | "video_missing") => {
                    (work.uploaded, work.asked) = (0, None);
                    Some(now + 1_000)
                }
                Reply::Refused(_) => {
                    work.asked = None;
                    Some(now + 3_000)
                }
                Reply::Claimed(_) => None,
            },
            _ => None,
        }
    }
}

impl Work {
    fn begin(given: Given, sent: u64, now: u64, pace: Pace, rng: &mut Rng) -> Self {
        let plan = Plan::draw(rng);
        let (lines, fps) = given.format;
        let lines = if plan == Plan::Wrong { 2_520 - lines } else { lines };
        let longer = if pace.slower > 1 && rng.below(12) == 0 { ENDLESS } else { 0 };
        let ready = now + pace.job + rng.below(pace.job as usize) as u64 + longer;
        Self {
            lease: given.lease,
            video: video::of(lines, fps),
            plan,
            ready,
            began: now,
            expires: sent + LEASE_MS,
            beat: now,
            pace,
            uploaded: 0,
            asked: None,
        }
    }

    fn act(&mut self, now: u64, rng: &mut Rng) -> Option<Call> {
        let lease = self.lease;
        if now >= self.beat && self.plan != Plan::Silence {
            self.beat = now + self.pace.beat;
            let whole = (self.ready - self.began).max(1) as f64;
            let fraction = if self.plan == Plan::Stall { 0.1 } else { (now - self.began) as f64 / whole };
            return Some(Call::Heartbeat { lease, fraction: fraction.min(1.0) });
        }
        if now < self.ready || self.asked.is_some_and(|asked| now < asked + PATIENCE) {
            return None;
        }
        let uploaded = self.uploaded as usize;
        let call = match self.plan {
            Plan::Stall | Plan::Silence => return None,
            Plan::Fail(how) => Call::Fail { lease, how },
            _ if uploaded < self.video.len() => {
                let left = self.video.len() - uploaded;
                let to = if rng.below(3) == 0 { uploaded + 1 + rng.below(left) } else { self.video.len() };
                Call::Upload { lease, from: uploaded, to, video: self.video, is_cut: rng.below(30) == 0 }
            }
            Plan::Damaged => {
                self.plan = Plan::Complete;
                Call::Complete { lease, video: self.video, is_intact: false }
            }
            _ => Call::Complete { lease, video: self.video, is_intact: true },
        };
        self.asked = Some(now);
        Some(call)
    }

    /// When it looks at its clock next.
    fn next(&self, now: u64) -> u64 {
        let work = match (self.plan, self.asked) {
            (Plan::Stall, _) => u64::MAX,
            (Plan::Silence, _) => now + LEASE_MS,
            (_, Some(asked)) => asked + PATIENCE,
            (_, None) => self.ready,
        };
        let beat = if self.plan == Plan::Silence { u64::MAX } else { self.beat };
        work.min(beat).min(self.expires.max(now + 1_000)).max(now + 1)
    }
}
