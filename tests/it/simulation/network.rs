//! Requests and answers under way: lost, late, doubled, out of order. What arrives at the server is answered by the
//! real app.

use dinkem_appliance::app::leases::{self, UploadError};
use dinkem_appliance::app::nodes;
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::id::LeaseId;
use dinkem_appliance::domain::job::Stage;
use dinkem_appliance::domain::lease::Progress;
use dinkem_appliance::domain::sha256::Sha256;

use super::messages::{Answer, Call, Event, Reply, Request};
use super::model::Cause;
use super::server::Outcome;
use super::story::Checked;
use super::world::World;

/// A body whose connection breaks after so many bytes.
struct CutBody<'a>(&'a [u8]);

impl std::io::Read for CutBody<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::ErrorKind::ConnectionReset.into()),
            read => Ok(read),
        }
    }
}

impl World {
    /// A slot's timer.
    pub fn wake(&mut self, node: usize, slot: usize, turn: u64) {
        let agent = &mut self.agents[node];
        if !agent.is_up || agent.slots[slot].turn != turn {
            return;
        }
        let (call, again) = agent.wake(slot, self.now, &mut self.rng);
        let boot = agent.boot;
        self.wake_at(node, slot, again - self.now);
        if let Some(call) = call {
            self.send(Request { node, boot, slot, sent: self.now, call });
        }
    }

    /// Sends a request to the server.
    pub fn send(&mut self, request: Request) {
        while let Some(delay) = self.delay(request.node) {
            self.at(delay, Event::Request(request));
            if !self.one_in(30) {
                return;
            }
        }
    }

    /// How long a message of this node is under way; `None`: it is lost.
    fn delay(&mut self, node: usize) -> Option<u64> {
        if self.agents[node].cut_off_until > self.now {
            return None;
        }
        match self.rng.below(100) {
            0..3 => None,
            3..6 => Some(self.rng.below(60_000) as u64),
            _ => Some(2 + self.rng.below(200) as u64),
        }
    }

    /// False if no server is there.
    pub fn request_arrives(&mut self, request: Request) -> Checked<bool> {
        if !self.server.is_up() {
            return Ok(false);
        }
        self.maybe_light_fuse();
        let (lease, outcome) = self.serve(&request)?;
        let reply = match outcome {
            Outcome::Down | Outcome::Crashed => return Ok(true),
            Outcome::Answer(reply) => reply.unwrap_or_else(refusal),
        };
        let Request { node, boot, slot, sent, .. } = request;
        if let Some(delay) = self.delay(node) {
            self.at(delay, Event::Answer(Answer { node, boot, slot, sent, lease, reply }));
        }
        Ok(true)
    }

    /// The server answers; the rows are compared. Returns the lease that the request named.
    fn serve(&mut self, request: &Request) -> Checked<(Option<i64>, Outcome<Reply>)> {
        let agent = &self.agents[request.node];
        let (key, row, slots) = (agent.key.clone(), agent.row(), agent.slots.len() as u32);
        let server = &mut self.server;
        let (lease, cause, what, outcome) = match request.call {
            Call::Claim => {
                let outcome = server.claim_as_planted(&key, &agent.renderers, slots);
                (None, Cause::Claim { node: row }, "claims a job".to_owned(), outcome.map(Reply::Claimed))
            }
            Call::Heartbeat { lease, fraction } => {
                let progress = Progress { stage: Stage::Rendering, fraction };
                let outcome = server.as_node(&key, |app, node| leases::heartbeat(app, node, LeaseId(lease), progress));
                (Some(lease), Cause::Nothing, format!("beats for lease {lease}"), outcome.map(|_| Reply::Beaten))
            }
            Call::Upload { lease, from, to, video, is_cut } => {
                let (offset, part) = (from as u64, &video[from..to]);
                let outcome = server.as_node(&key, |app, node| {
                    let (mut whole, mut cut) = (part, CutBody(&part[..part.len() / 2]));
                    let body: &mut dyn std::io::Read = if is_cut { &mut cut } else { &mut whole };
                    match leases::append_video(app, node, LeaseId(lease), offset, body) {
                        Ok(bytes) | Err(UploadError::WrongOffset(bytes)) => Ok(Reply::Stored(bytes)),
                        Err(UploadError::Failed(error)) => Err(error),
                    }
                });
                let what = format!("uploads bytes {from} to {to} of {} for lease {lease}", video.len());
                (Some(lease), Cause::Nothing, what, outcome)
            }
            Call::Complete { lease, video, is_intact } => {
                let hash = if is_intact { Sha256::of(video) } else { Sha256::of("damaged") };
                let outcome = server.complete(&key, lease, hash.into());
                let cause = Cause::Complete { node: row, lease };
                (Some(lease), cause, format!("completes lease {lease}"), outcome.map(|()| Reply::Ended))
            }
            Call::Fail { lease, how } => {
                let report = || how.failure().into();
                let outcome = server.as_node(&key, |app, node| leases::fail(app, node, LeaseId(lease), report()));
                let cause = Cause::Fail { node: row, lease };
                (Some(lease), cause, format!("fails lease {lease} ({how:?})"), outcome.map(|()| Reply::Ended))
            }
            Call::Leave => {
                let outcome = server.as_node(&key, |app, node| nodes::leave(app, node).map(|()| Reply::Ended));
                (None, Cause::Nothing, "says that it stops".to_owned(), outcome)
            }
        };
        self.after(&outcome);
        let end = match &outcome {
            Outcome::Down => "but the server is down".to_owned(),
            Outcome::Crashed => "and the server is dead".to_owned(),
            Outcome::Answer(Ok(Reply::Claimed(None))) => "and gets none".to_owned(),
            Outcome::Answer(Ok(Reply::Claimed(Some(given)))) => {
                format!("and gets job {} with lease {}", given.job, given.lease)
            }
            Outcome::Answer(Ok(Reply::Stored(bytes))) => format!("and the server has {bytes}"),
            Outcome::Answer(Ok(_)) => "with success".to_owned(),
            Outcome::Answer(Err(error)) => format!("and is refused: {}", error.code.as_str()),
        };
        self.tell(&format!("node {} (row {row}) {what}, {end}", request.node));
        self.compare(cause)?;
        Ok((lease, outcome))
    }

    /// The agent that it is for may have been started anew since.
    pub fn answer_arrives(&mut self, answer: &Answer) {
        let Answer { node, slot, boot, .. } = *answer;
        let (now, rng, agent) = (self.now, &mut self.rng, &mut self.agents[node]);
        if agent.is_up
            && agent.boot == boot
            && let Some(at) = agent.hear(answer, now, rng)
        {
            self.wake_at(node, slot, at - now);
        }
    }
}

fn refusal(error: Error) -> Reply {
    match (error.kind, error.code.as_str()) {
        (Kind::Conflict, "lost" | "cancelled") => Reply::TooLate,
        (_, code) => Reply::Refused(code),
    }
}
