//! What breaks: the server, nodes, the network, the clock, the disk. And nodes that meddle with what is not theirs.

use super::messages::{Call, Event, How, Request};
use super::model::Cause;
use super::story::Checked;
use super::world::World;
use crate::support::video;

/// Milliseconds between two events, about.
const PACE: u64 = 3_000;
/// The farthest that the wall clock is set ahead or back, in milliseconds: 10 hours.
const JUMP: i64 = 36_000_000;

impl World {
    /// False if nothing breaks.
    pub fn weather_changes(&mut self) -> Checked<bool> {
        let delay = PACE / 2 + self.rng.below(PACE as usize) as u64;
        self.at(delay * self.kind.pace(), Event::Weather);
        let node = self.rng.below(self.agents.len());
        match self.rng.below(100) {
            0..8 => self.server_ends(true),
            8..12 => self.server_ends(false),
            12..26 => self.node_dies(node),
            26..34 => self.cut_off(),
            34..46 => {
                let ahead = self.rng.below(2 * JUMP as usize) as i64 - JUMP;
                self.server.ahead_ms = ahead;
                self.server.set_time(self.now);
                self.tell(&format!("the server's wall clock is set to {} s off", ahead / 1_000));
            }
            46..52 => {
                let room = [None, Some(0), Some(2_000), Some(20_000)][self.rng.below(4)];
                self.server.set_disk(room);
                self.tell(&format!("the disk has room for {room:?} bytes"));
            }
            52..66 => {
                self.server.set_disk(None);
                self.tell("the disk has room");
            }
            66..74 => self.node_stops(node),
            _ => self.meddle(node),
        }
        self.compare(Cause::Nothing)?;
        Ok(true)
    }

    fn server_ends(&mut self, is_crash: bool) {
        if !self.server.is_up() {
            return;
        }
        if is_crash {
            self.server.crash();
        } else {
            self.server.stop();
        }
        self.tell(if is_crash { "the server dies" } else { "the server is stopped" });
    }

    fn node_dies(&mut self, node: usize) {
        if !self.agents[node].is_up {
            return;
        }
        self.agents[node].is_up = false;
        self.tell(&format!("node {node} dies"));
        let delay = self.rng.below(90_000) as u64;
        self.at(delay, Event::NodeStarts(node));
    }

    /// A node is stopped: it gives its jobs back and says so.
    fn node_stops(&mut self, node: usize) {
        let agent = &mut self.agents[node];
        if !agent.is_up {
            return;
        }
        let (boot, leases) = (agent.boot, agent.leases());
        agent.is_up = false;
        self.tell(&format!("node {node} is stopped"));
        for (slot, lease) in leases {
            let call = Call::Fail { lease, how: How::Interrupted };
            self.send(Request { node, boot, slot, sent: self.now, call });
        }
        self.send(Request { node, boot, slot: 0, sent: self.now, call: Call::Leave });
        let delay = self.rng.below(60_000) as u64;
        self.at(delay, Event::NodeStarts(node));
    }

    /// Some nodes are cut off from the server for a while.
    fn cut_off(&mut self) {
        let time = self.rng.below(70_000) as u64;
        let mut cut = Vec::new();
        for node in 0..self.agents.len() {
            if self.one_in(4) {
                self.agents[node].cut_off_until = self.now + time;
                cut.push(node);
            }
        }
        self.tell(&format!("nodes {cut:?} are cut off for {} s", time / 1_000));
    }

    /// A node asks for something under a lease that is another's, or has long ended.
    fn meddle(&mut self, node: usize) {
        let Some(lease) = self.any_lease() else { return };
        let (lease, video) = (lease.0, video::of(1080, 30));
        let call = match self.rng.below(5) {
            0 => Call::Heartbeat { lease, fraction: 0.5 },
            1 => Call::Upload { lease, from: 0, to: video.len(), video, is_cut: false },
            2 => Call::Fail { lease, how: How::ALL[self.rng.below(How::ALL.len())] },
            _ => Call::Complete { lease, video, is_intact: true },
        };
        self.tell(&format!("node {node} meddles with lease {lease}"));
        let boot = self.agents[node].boot;
        self.send(Request { node, boot, slot: 0, sent: self.now, call });
    }
}
