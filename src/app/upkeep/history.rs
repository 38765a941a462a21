//! History by half hour, for the dashboard: samples of queue and disk, the last day's jobs, and how the disk fills up.

use uuid::Uuid;

use crate::app::App;
use crate::domain::error::Result;
use crate::domain::failure::FailureCode;
use crate::domain::history::{
    DAY_SLOTS, EndedJobs, HALF_HOUR_MS, HISTORY_DAYS, Sample, TREND_DAYS, days_until_reserve, half_hour,
    shrinks_per_day, thinned,
};
use crate::domain::id::JobId;
use crate::domain::job::JobStatus;
use crate::domain::key::KeyClass;
use crate::domain::retention::DAY_MS;
use crate::os::room::DISK_RESERVE_BYTES;
use crate::store::{self, Db};

/// Days of samples in the disk's trend.
const DISK_DAYS: i64 = 30;
/// Points of the disk's trend.
pub const DISK_POINTS: usize = 120;

/// Samples the queue and the disk, and deletes history that is too old. A background pass; always returns 0.
pub fn sample(app: &App) -> Result<usize> {
    let now = app.clock.now_ms();
    let at_ms = half_hour(now);
    let waiting = KeyClass::ALL.into_iter().map(|class| app.store.waiting_in(class).0).sum();
    // What is stored is added up from the rows of all clips, so only once in a half hour.
    let stored_bytes = app.store.read(|db| {
        let is_known = store::history::sample_at(db, at_ms)?.is_some_and(|known| known.stored_bytes.is_some());
        if is_known { Ok(None) } else { store::history::stored_bytes(db).map(Some) }
    })?;
    let sample = Sample { at_ms, waiting, free_bytes: app.room.free(), stored_bytes };
    app.store.write(move |tx| {
        store::history::add_sample(tx, &sample)?;
        store::history::delete_before(tx, at_ms - HISTORY_DAYS * DAY_MS)
    })?;
    Ok(0)
}

/// A half hour of the last day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Its start. Unix time in milliseconds.
    pub at_ms: i64,
    /// Clips completed for reserved jobs.
    pub done_reserved: u64,
    /// Clips completed for metered jobs.
    pub done_metered: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// Most jobs waiting at once; `None` if the server was not running.
    pub waiting: Option<u64>,
}

/// Jobs that failed for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// The reason.
    pub code: FailureCode,
    /// How many.
    pub jobs: u64,
    /// When the last of them failed. Unix time in milliseconds.
    pub last_at_ms: i64,
    /// That job, unless its row was archived or it was retried.
    pub last: Option<LastFailed>,
}

/// A failed job, as an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailed {
    /// Its public id.
    pub id: Uuid,
    /// Its account's name.
    pub account: String,
    /// The name of the node of its last attempt.
    pub node: Option<String>,
    /// The message of its failure.
    pub message: String,
}

/// What happened in the last 24 hours, to the half hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastDay {
    /// The last 48 half hours, oldest first; the last one is not over yet.
    pub slots: Vec<Slot>,
    /// Clips completed.
    pub done: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// Failures by their reason, the most frequent first.
    pub failures: Vec<Failures>,
}

/// The last 24 hours.
pub fn last_day(app: &App) -> Result<LastDay> {
    let from = half_hour(app.clock.now_ms()) - HALF_HOUR_MS * (DAY_SLOTS as i64 - 1);
    app.store.read(|db| {
        let mut slots: Vec<Slot> =
            (0..DAY_SLOTS as i64).map(|slot| Slot { at_ms: from + HALF_HOUR_MS * slot, ..Slot::default() }).collect();
        let place = |at_ms: i64| usize::try_from((at_ms - from) / HALF_HOUR_MS).ok();
        for sample in store::history::samples_since(db, from)? {
            if let Some(slot) = place(sample.at_ms).and_then(|place| slots.get_mut(place)) {
                slot.waiting = Some(sample.waiting);
            }
        }
        let ended = store::history::ended_since(db, from)?;
        for row in &ended {
            if let Some(slot) = place(row.at_ms).and_then(|place| slots.get_mut(place)) {
                *counter(slot, row) += row.jobs;
            }
        }
        let total = |of: fn(&Slot) -> u64| slots.iter().map(of).sum();
        Ok(LastDay {
            done: total(|slot| slot.done_reserved + slot.done_metered),
            failed: total(|slot| slot.failed),
            cancelled: total(|slot| slot.cancelled),
            failures: failures(db, &ended)?,
            slots,
        })
    })
}

/// The figure of a half hour to which ended jobs belong.
fn counter<'a>(slot: &'a mut Slot, ended: &EndedJobs) -> &'a mut u64 {
    match (ended.status, ended.class) {
        (JobStatus::Failed, _) => &mut slot.failed,
        (JobStatus::Cancelled, _) => &mut slot.cancelled,
        (_, KeyClass::Reserved) => &mut slot.done_reserved,
        (_, KeyClass::Metered) => &mut slot.done_metered,
    }
}

fn failures(db: &Db, ended: &[EndedJobs]) -> Result<Vec<Failures>> {
    let mut found: Vec<(Failures, JobId)> = Vec::new();
    for row in ended {
        let Some(code) = row.code else { continue };
        let (last_at_ms, jobs) = (row.last_at_ms, row.jobs);
        match found.iter_mut().find(|(known, _)| known.code == code) {
            Some((known, last)) => {
                known.jobs += jobs;
                if last_at_ms >= known.last_at_ms {
                    (known.last_at_ms, *last) = (last_at_ms, row.last_job);
                }
            }
            None => found.push((Failures { code, jobs, last_at_ms, last: None }, row.last_job)),
        }
    }
    found.sort_by_key(|(failures, _)| std::cmp::Reverse((failures.jobs, failures.last_at_ms)));
    let with_last =
        |(failures, last): (Failures, JobId)| Ok(Failures { last: last_failed(db, last, failures.code)?, ..failures });
    found.into_iter().map(with_last).collect()
}

fn last_failed(db: &Db, id: JobId, code: FailureCode) -> Result<Option<LastFailed>> {
    let Some(job) = store::jobs::find(db, id)?.filter(|job| job.status == JobStatus::Failed) else { return Ok(None) };
    let Some(failure) = job.failure.filter(|failure| failure.code == code) else { return Ok(None) };
    Ok(Some(LastFailed {
        id: job.public_id,
        account: store::accounts::by_id(db, job.account)?.name,
        node: store::leases::last_node(db, id)?,
        message: failure.message,
    }))
}

/// How the data directory's disk fills up.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskTrend {
    /// Samples of the last 30 days, oldest first, at most [`DISK_POINTS`].
    pub points: Vec<Sample>,
    /// Bytes free now, if known.
    pub free_bytes: Option<u64>,
    /// Bytes that stay free: below them, new work is refused.
    pub reserve_bytes: u64,
    /// Bytes by which free space shrinks in a day, negative if it grows; `None` with less than a day of samples.
    pub gained_per_day: Option<i64>,
    /// Days until only the reserve is free; `None` if free space does not shrink, or with less than a day of samples.
    pub days_left: Option<f64>,
}

/// The disk's last 30 days, and when it will be full.
pub fn disk_trend(app: &App) -> Result<DiskTrend> {
    let now = app.clock.now_ms();
    let samples = app.store.read(|db| store::history::samples_since(db, now - DISK_DAYS * DAY_MS))?;
    let lately = samples.partition_point(|sample| sample.at_ms < now - TREND_DAYS * DAY_MS);
    let gained_per_day = shrinks_per_day(&samples[lately..]);
    let free_bytes = app.room.free();
    let days_left =
        free_bytes.zip(gained_per_day).and_then(|(free, gained)| days_until_reserve(free, DISK_RESERVE_BYTES, gained));
    Ok(DiskTrend {
        points: thinned(&samples, DISK_POINTS),
        free_bytes,
        reserve_bytes: DISK_RESERVE_BYTES,
        gained_per_day,
        days_left,
    })
}
