//! The heartbeat of one lease: reports progress to the server, and stops the work once the lease is lost.

use std::time::Duration;

use log::{debug, info};

use crate::domain::epoch::LeaseName;
use crate::node::api::{Server, Trouble};
use crate::node::frames::Frames;
use crate::node::lease::{Hold, Leave};

/// Minimum number of milliseconds between two heartbeats, unless a stage begins or the lease is very short.
const HEARTBEAT_GAP_MS: u64 = 500;
const GAP: Duration = Duration::from_millis(HEARTBEAT_GAP_MS);

/// Sends heartbeats until the work is over or the lease is lost: as often as the server says, but at least three times
/// per lease duration; besides at the beginning of each stage, and with live frames while somebody watches.
pub fn beat(server: &Server, lease: LeaseName, hold: &Hold<'_>, mut frames: Frames) {
    while hold.check().is_ok() {
        let seen = hold.bell().rings();
        let asked_at = hold.now();
        let (progress, more) = hold.next_report();
        let frame = frames.next(asked_at);
        let heard = server.heartbeat(lease, progress, frame.as_deref());
        let frames_every = frames.note(frame, &heard, asked_at);
        let is_heard = heard.is_ok();
        match heard {
            Ok(heard) => {
                hold.extend(asked_at, heard.expires_in);
                hold.set_beats(heard.next_in);
                if more {
                    continue;
                }
            }
            Err(Trouble::Lost | Trouble::Unknown) => {
                info!("Lease {lease}: the server no longer assigns this job to this node.");
                return hold.leave(Leave::Lost);
            }
            Err(Trouble::Away(error) | Trouble::Refused(error)) => {
                debug!("Lease {lease}: heartbeat failed: {error}");
            }
        }
        let (expires_in, said) = hold.terms();
        let Rhythm { least, most } = rhythm(expires_in, said, frames_every);
        let most = if is_heard { most } else { least };
        let gap = least.saturating_sub(hold.now().saturating_sub(asked_at));
        if hold.rest(gap).is_ok() {
            hold.bell().wait_past(seen, most - least);
        }
    }
}

/// The time from one heartbeat to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rhythm {
    /// However much there is to report.
    least: Duration,
    /// However little. Not less than `least`.
    most: Duration,
}

/// The rhythm for a lease of this length, if the server said how often to beat, and if frames are due this often.
/// Servers of older versions say nothing: then each progress is reported.
fn rhythm(lease: Duration, said: Option<Duration>, frames_every: Option<Duration>) -> Rhythm {
    let third = lease / 3;
    let least = said.unwrap_or(GAP).max(GAP).min(third);
    let most = if said.is_some() { least } else { third };
    match frames_every {
        Some(frames) => {
            let least = least.min(frames.max(GAP));
            Rhythm { least, most: most.min(frames).max(least) }
        }
        None => Rhythm { least, most },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_come_as_often_as_the_server_says_and_thrice_a_lease() {
        let none = None;
        let cases = [
            // Lease, what the server says, frames: at least, at most.
            (30_000, none, none, 500, 10_000),
            (30_000, Some(10_000), none, 10_000, 10_000),
            (30_000, Some(4_000), none, 4_000, 4_000),
            (30_000, Some(60_000), none, 10_000, 10_000),
            (30_000, Some(500), Some(5_000), 500, 500),
            (30_000, Some(0), none, 500, 500),
            (30_000, Some(10_000), Some(5_000), 5_000, 5_000),
            (30_000, Some(10_000), Some(0), 500, 500),
            (30_000, none, Some(5_000), 500, 5_000),
            (30_000, none, Some(0), 500, 500),
            (900, none, none, 300, 300),
            (900, Some(10_000), Some(5_000), 300, 300),
        ];
        for (lease, said, frames, least, most) in cases {
            let [lease, least, most] = [lease, least, most].map(Duration::from_millis);
            let [said_for, frames_every] = [said, frames].map(|ms| ms.map(Duration::from_millis));
            let rhythm = rhythm(lease, said_for, frames_every);
            assert_eq!(rhythm, Rhythm { least, most }, "{lease:?} {said:?} {frames:?}");
        }
    }
}
