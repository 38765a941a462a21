//! What travels between nodes, clients and the server, and what else happens at a time.

use dinkem_appliance::domain::failure::{Failure, FailureCode, Retry};
use dinkem_appliance::domain::key::KeyClass;

use super::server::Given;

/// A video as a node uploads it.
pub type Video = &'static [u8];

/// Something that happens at a time.
pub enum Event {
    /// A client decides what to do.
    Client(usize),
    /// A client's submission arrives at the server.
    Submission(Submission),
    /// A node's request arrives at the server.
    Request(Request),
    /// An answer arrives at its node.
    Answer(Answer),
    /// A slot of a node looks at its own clock. Outdated unless `turn` is the slot's.
    Wake {
        node: usize,
        slot: usize,
        turn: u64,
    },
    /// The server's background passes run.
    Passes,
    /// The operator does something.
    Operator,
    /// Something breaks.
    Weather,
    ServerStarts,
    NodeStarts(usize),
}

/// A submission, sent again with the same key until it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Submission {
    pub account: usize,
    pub class: KeyClass,
    /// The number of its idempotency key, from which its job follows.
    pub number: u64,
    pub tries: u32,
}

/// A request of a node.
#[derive(Clone, Copy)]
pub struct Request {
    pub node: usize,
    /// How often its agent had been started when it was sent.
    pub boot: u32,
    pub slot: usize,
    pub sent: u64,
    pub call: Call,
}

#[derive(Clone, Copy)]
pub enum Call {
    Claim,
    Heartbeat {
        lease: i64,
        fraction: f64,
    },
    /// These bytes of a video. `is_cut`: the connection breaks in the middle.
    Upload {
        lease: i64,
        from: usize,
        to: usize,
        video: Video,
        is_cut: bool,
    },
    /// `is_intact`: with the hash of what was uploaded.
    Complete {
        lease: i64,
        video: Video,
        is_intact: bool,
    },
    Fail {
        lease: i64,
        how: How,
    },
    Leave,
}

/// How an attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    ForGood,
    Here,
    Interrupted,
    NotReady,
    Fetch,
}

impl How {
    pub const ALL: [Self; 5] = [Self::ForGood, Self::Here, Self::Interrupted, Self::NotReady, Self::Fetch];

    pub fn failure(self) -> Failure {
        let (code, retry) = match self {
            Self::ForGood => (FailureCode::PlayerNotInDemo, Retry::Never),
            Self::Here => (FailureCode::RenderFailed, Retry::Elsewhere),
            Self::Interrupted => (FailureCode::NodeFailed, Retry::Anywhere),
            Self::NotReady => (FailureCode::NodeNotReady, Retry::Elsewhere),
            Self::Fetch => (FailureCode::FetchFailed, Retry::Anywhere),
        };
        Failure { code, message: "simulated".into(), retry }
    }
}

/// The answer to a request.
#[derive(Clone, Copy)]
pub struct Answer {
    pub node: usize,
    pub boot: u32,
    pub slot: usize,
    /// When its request was sent.
    pub sent: u64,
    /// The lease that the request named.
    pub lease: Option<i64>,
    pub reply: Reply,
}

#[derive(Clone, Copy)]
pub enum Reply {
    Claimed(Option<Given>),
    Beaten,
    /// The server has so many bytes of the video.
    Stored(u64),
    /// The lease has ended as the node asked.
    Ended,
    /// The lease had ended before: a conflict.
    TooLate,
    /// Anything else, with its code.
    Refused(&'static str),
}
