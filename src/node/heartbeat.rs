//! The heartbeat of one lease: reports progress to the server, and stops the work once the lease is lost.

use std::time::Duration;

use log::{debug, info};

use crate::node::api::{Server, Trouble};
use crate::node::frames::Frames;
use crate::node::lease::{Hold, Leave};

/// Minimum number of milliseconds between two heartbeats, however much there is to report.
const HEARTBEAT_GAP_MS: u64 = 500;

/// Sends heartbeats until the work is over or the lease is lost: on every change, and at least three times per lease
/// duration; more often, and with live frames, while somebody watches.
pub fn beat(server: &Server, lease: i64, hold: &Hold<'_>, mut frames: Frames) {
    while hold.check().is_ok() {
        let gap = hold.period().min(Duration::from_millis(HEARTBEAT_GAP_MS));
        let seen = hold.bell().rings();
        let asked_at = hold.now();
        let (progress, more) = hold.next_report();
        let frame = frames.next(asked_at);
        let heard = server.heartbeat(lease, progress, frame.as_deref());
        let period_of_frames = frames.note(frame, &heard, asked_at);
        let rest = match heard {
            Ok(heard) => {
                hold.extend(asked_at, heard.expires_in);
                if more {
                    continue;
                }
                let period = hold.period();
                period_of_frames.map_or(period, |frames| period.min(frames)).saturating_sub(gap)
            }
            Err(Trouble::Lost | Trouble::Unknown) => {
                info!("Lease {lease}: the server no longer assigns this job to this node.");
                return hold.leave(Leave::Lost);
            }
            Err(Trouble::Away(error) | Trouble::Refused(error)) => {
                debug!("Lease {lease}: heartbeat failed: {error}");
                Duration::ZERO
            }
        };
        if hold.rest(gap).is_ok() {
            hold.bell().wait_past(seen, rest);
        }
    }
}
