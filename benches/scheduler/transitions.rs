//! A job's transitions on the store alone: the statements of `app/jobs/submit.rs`, `app/leases/held.rs`,
//! `app/leases/complete.rs` and `app/jobs/lifecycle.rs` in the same transactions, without a video's file.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dinkem_appliance::domain::clip::{Clip, ClipToken, VideoFacts, View};
use dinkem_appliance::domain::delivery::{self, Event};
use dinkem_appliance::domain::id::LeaseId;
use dinkem_appliance::domain::job::{Caller, JobStatus};
use dinkem_appliance::domain::ledger::LedgerRow;
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::os::random::{Random, SystemRandom};
use dinkem_appliance::store::leases::Ending;
use dinkem_appliance::store::{self, Store};
use uuid::Builder;

use crate::spec::spec;

/// Makes ids differ.
static NUMBER: AtomicU64 = AtomicU64::new(1);

fn now_ms() -> i64 {
    SystemClock::new().now_ms()
}

/// Adds a queued job.
pub fn submit(store: &Store, caller: &Caller) {
    let now = now_ms();
    let mut random = [0; 10];
    random[..8]
        .copy_from_slice(&NUMBER.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    let id = Builder::from_unix_timestamp_millis(now.cast_unsigned(), &random).into_uuid();
    let caller = caller.clone();
    store
        .write(move |tx| {
            assert!(tx.queued(caller.account.id) < u64::MAX);
            store::jobs::insert(tx, id, &caller, spec(), None, now).map(drop)
        })
        .unwrap();
}

/// Leases the next job to a node; also returns the time within the transaction, which is shared with other operations.
pub fn claim(store: &Store, node: &Node) -> Option<(LeaseId, Duration)> {
    let (now, id, offer) = (now_ms(), node.id, node.offer.clone());
    let claimed = store.write(move |tx| {
        let start = Instant::now();
        let (_, held) = store::nodes::to_work(tx, id, now)?.expect("a node that may get work");
        if held >= offer.slots {
            return Ok(None);
        }
        let Some(ready) = tx.pick(id, &offer, |_| false) else { return Ok(None) };
        assert!(store::jobs::start(tx, &ready, now)?);
        let lease = store::leases::insert(tx, ready.id, id, now)?;
        store::jobs::by_id(tx, ready.id)?;
        Ok(Some((lease, start.elapsed())))
    });
    let claimed = claimed.unwrap();
    if let Some((lease, _)) = claimed {
        store.lease_given(lease);
    }
    claimed
}

/// Completes the lease's job, with a row for a clip that does not exist.
pub fn complete(store: &Store, node: &Node, lease: LeaseId) {
    let (now, node) = (now_ms(), node.id);
    let token = ClipToken::from_bits(SystemRandom.bits().unwrap());
    let video = VideoFacts { width: 1920, height: 1080, frames: 1800, fps: 60, duration_ms: 30_000, has_audio: false };
    let (view, sha256) = (View::Tactical, Sha256([7; 32]));
    let clip = Clip { token, lease, bytes: 5_000_000, sha256, video, view, pov_verified: None };
    // A completion reads its job before it examines the video.
    let job = store.read(|db| store::jobs::of_live_lease(db, lease, node)).unwrap().expect("a live lease");
    store
        .write(move |tx| {
            assert!(store::leases::end(tx, lease, node, &Ending::DONE, now)?);
            store::nodes::reset_benchings(tx, node)?;
            assert!(store::jobs::finish(tx, job.id, now)?);
            assert!(store::node_record::failed_on(tx, job.id)?.is_empty());
            store::clips::insert(tx, &job, &clip, now)?;
            let kind = FootageKind::of(&job.spec);
            let rate = store::rates::hour_at(tx, kind, now)?;
            let row = LedgerRow {
                job: job.id,
                account: job.account,
                class: job.class,
                kind,
                footage_ms: clip.video.duration_ms,
                at_ms: now,
                rate,
                amount: rate.for_footage(clip.video.duration_ms),
                currency: store::rates::currency_at(tx, now)?,
            };
            store::ledger::insert(tx, &row)?;
            store::history::count_ended(tx, &job, JobStatus::Done, None, now)?;
            let event = Event::of_job(JobStatus::Done).expect("an event");
            let id = delivery::id_of(job.public_id, event, now);
            store::outbox::insert(tx, job.account, id, event, Some(job.id), now).map(drop)
        })
        .unwrap();
}
