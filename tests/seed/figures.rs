//! What the dashboard shows of the last 30 days: ended jobs, the queue and the disk, by half hour.

use dinkem_appliance::os::files::free_bytes;
use rusqlite::params;

use crate::jobs::{HALF_HOUR, Stock, period};
use crate::store::{DAY, Seed};

/// Days with samples.
const DAYS: i64 = 30;

/// Adds them. The last sample agrees with the store and the disk of now.
pub fn create(seed: &mut Seed, stock: &Stock<'_>, waiting: usize) {
    for ((at, status, class, code), (jobs, last, last_at)) in &stock.ended {
        seed.insert(
            "INSERT INTO ended_jobs (at_ms, status, class, code, jobs, last_job, last_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![at, status, class, code, jobs, last, last_at],
        );
    }
    let free = free_bytes(&seed.dir).map(u64::cast_signed);
    let all: i64 = stock.stored.values().sum();
    let (first, now) = (period(seed.now - DAYS * DAY), period(seed.now));
    let mut stored: i64 = stock.stored.range(..first).map(|(_, bytes)| bytes).sum();
    for at in (first..=now).step_by(HALF_HOUR as usize) {
        stored += stock.stored.get(&at).copied().unwrap_or_default();
        let most = waiting as i64 / 6;
        let queue = if at == now { waiting as i64 } else { seed.rng.between(0, most) * seed.rng.between(0, 3) / 3 };
        seed.insert(
            "INSERT INTO samples (at_ms, waiting, free_bytes, stored_bytes) VALUES (?, ?, ?, ?)",
            params![at, queue, free.map(|free| free + all - stored), stored],
        );
    }
}
