//! Deliveries: the events in an account's outbox, each sent to its webhook until it is accepted or given up.

use uuid::{Builder, Uuid};

use super::id::{AccountId, DeliveryId, JobId};
use super::job::JobStatus;
use super::sha256::Sha256;

/// Pauses before each attempt, in milliseconds, counted from the attempt before (Standard Webhooks, "Retry schedule").
const PAUSES_MS: [i64; 10] = {
    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    [0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
};

/// Attempts per delivery before it is given up.
pub const ATTEMPTS: usize = PAUSES_MS.len();

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A job is done: its clip is published.
    ClipDone,
    /// A job failed for good.
    ClipFailed,
    /// A job was cancelled by its owner or the operator.
    ClipCancelled,
    /// The owner or the operator wants to see whether the webhook works.
    Test,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ClipDone, Self::ClipFailed, Self::ClipCancelled, Self::Test];

    /// The name in the store and in the body.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClipDone => "clip.done",
            Self::ClipFailed => "clip.failed",
            Self::ClipCancelled => "clip.cancelled",
            Self::Test => "webhook.test",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }

    /// The event of a job that has reached this status, if there is one.
    pub fn of_job(status: JobStatus) -> Option<Self> {
        match status {
            JobStatus::Done => Some(Self::ClipDone),
            JobStatus::Failed => Some(Self::ClipFailed),
            JobStatus::Cancelled => Some(Self::ClipCancelled),
            JobStatus::Queued | JobStatus::Rendering => None,
        }
    }
}

/// The id of a job's event. It depends only on the job, the event and its time, so the transaction that ends a job needs
/// no random source, and a restored backup repeats an event under the same id.
pub fn id_of(job: Uuid, event: Event, at_ms: i64) -> Uuid {
    let hash = Sha256::of(format!("{job} {} {at_ms}", event.as_str()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.0[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not accepted yet; further attempts follow.
    Pending,
    /// The receiver accepted it.
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// The name in the store and in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// An event in the outbox.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its row.
    pub id: DeliveryId,
    /// The `webhook-id`: the same for all attempts, so that receivers can ignore repeats.
    pub public_id: Uuid,
    /// The account that it belongs to.
    pub account: AccountId,
    /// What has happened.
    pub event: Event,
    /// The job, by row and public id; `None` for a test.
    pub job: Option<(JobId, Uuid)>,
    /// When it happened. Unix time in milliseconds, like all times here.
    pub at_ms: i64,
    /// Its state.
    pub state: DeliveryState,
    /// Attempts so far, since it was last replayed.
    pub attempts: u32,
    /// When the next attempt is due, while it is pending.
    pub next_at_ms: Option<i64>,
    /// The latest attempt.
    pub last: Option<Attempt>,
}

/// The outcome of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was made. Unix time in milliseconds.
    pub at_ms: i64,
    /// The response's status; `None` without a response.
    pub status: Option<u16>,
    /// Why it failed, for people; `None` if the receiver accepted it. Never contains any of the response's body.
    pub error: Option<String>,
}

/// When to try again after `attempts` attempts, the last one at `now_ms`; `None` to give up. `draw` is random: it
/// lengthens the pause by up to a tenth, so that events of one outage do not all return at once.
pub fn next_attempt(attempts: u32, now_ms: i64, draw: u128) -> Option<i64> {
    let pause = *PAUSES_MS.get(attempts as usize)?;
    let jitter = (draw % 1_000) as i64 * (pause / 10) / 1_000;
    Some(now_ms + pause + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_five_seconds_to_a_day_and_then_end() {
        const SECONDS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        for (attempts, seconds) in (1..).zip(SECONDS) {
            assert_eq!(next_attempt(attempts, 7, 0), Some(7 + seconds * 1_000), "{attempts}");
            let longest = next_attempt(attempts, 0, 999).unwrap();
            assert!(longest > seconds * 1_000 && longest < seconds * 1_100, "{attempts}: {longest}");
        }
        assert_eq!(next_attempt(ATTEMPTS as u32, 0, 0), None);
    }

    #[test]
    fn every_ended_job_has_an_event_with_an_id_of_its_own() {
        let job = Uuid::from_u128(1);
        assert_eq!(JobStatus::ALL.iter().filter(|status| Event::of_job(**status).is_some()).count(), 3);
        let ids = [
            id_of(job, Event::ClipDone, 1),
            id_of(job, Event::ClipDone, 2),
            id_of(job, Event::ClipFailed, 1),
            id_of(Uuid::from_u128(2), Event::ClipDone, 1),
        ];
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        assert_eq!(id_of(job, Event::ClipDone, 1), ids[0]);
    }
}
