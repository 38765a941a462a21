//! The use cases: one function each, one transaction each. HTTP and `admin` call the same ones.
//!
//! Knows nothing of rouille or of how answers look.

pub mod accounts;
pub mod all_jobs;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod clips;
pub mod counters;
pub mod demos;
pub mod dinks;
pub mod doctor;
pub mod health;
pub mod jobs;
pub mod keys;
pub mod leases;
pub mod nodes;
pub mod promote;
pub mod rates;
pub mod statements;
pub mod tls;
pub mod usage;

mod complete;
mod footage;
mod indexing;
mod pulse;
mod submit;
mod sweep;
mod turns;
mod uploads;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::{Builder, Uuid};

use crate::config;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::key::Secret;
use crate::domain::limits;
use crate::domain::quota::Quotas;
use crate::os::clock::Clock;
use crate::os::doorbell::Doorbell;
use crate::os::files;
use crate::os::random::Random;
use crate::store::Store;

use counters::Counters;
use health::Probe;
use indexing::Indexer;
pub use indexing::index_next;
use keys::Uses;
use pulse::Pulse;
pub use sweep::sweep;
use turns::{Checks, Uploads};

/// How this appliance is to behave.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Milliseconds a lease lives without a heartbeat.
    pub lease_ms: u64,
    /// CIDRs that may be fetched although the rule refuses them, as text for the nodes.
    pub fetch_allow: Vec<String>,
    /// What each account may take.
    pub quotas: Quotas,
}

/// The appliance: everything a use case needs.
pub struct App {
    /// How it is to behave.
    pub settings: Settings,
    /// Rings when a job is queued, cancelled or put back, and when a lease ends: waiting claims look again.
    pub news: Arc<Doorbell>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Who is written down for what the operator changes.
    operator: String,
    store: Store,
    pulse: Pulse,
    uses: Uses,
    uploads: Uploads,
    checks: Checks,
    /// The demos that wait to be read.
    pub indexer: Indexer,
    /// What has been counted since the start.
    pub counters: Counters,
    probe: Probe,
    stopping: AtomicBool,
}

impl App {
    /// Opens the data directory as the server: takes its lock (a second server is refused in words), creates or
    /// migrates the store, gives live leases a fresh grace period.
    pub fn serve(
        data_dir: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<App>> {
        let news = Arc::new(Doorbell::default());
        let app = Self::with(Store::serve(data_dir, news.clone())?, settings, news, clock, random);
        app.leave_mark();
        sweep::sweep_demos(&app)?;
        // Nothing is known of the live leases yet: the first look gives each of them its time anew.
        leases::expire(&app)?;
        Ok(app)
    }

    /// Opens the data directory beside a running server, as `admin` does: no lock, no migration; creates it if need be.
    pub fn beside(data_dir: &Path, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Arc<App>> {
        let settings =
            Settings { lease_ms: limits::LEASE_SECONDS * 1_000, fetch_allow: Vec::new(), quotas: Quotas::default() };
        Ok(Self::with(Store::beside(data_dir)?, settings, Arc::default(), clock, random))
    }

    fn with(
        store: Store,
        settings: Settings,
        news: Arc<Doorbell>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Arc<App> {
        let lease = Duration::from_millis(settings.lease_ms);
        Arc::new(App {
            settings,
            news,
            clock,
            random,
            operator: config::operator(),
            store,
            pulse: Pulse::new(lease),
            uses: Uses::default(),
            uploads: Uploads::default(),
            checks: Checks::default(),
            indexer: Indexer::default(),
            counters: Counters::default(),
            probe: Probe::default(),
            stopping: AtomicBool::new(false),
        })
    }

    /// How many leases' files are being uploaded or checked right now.
    pub fn uploads_in_flight(&self) -> usize {
        self.uploads.in_flight()
    }

    /// Says that the server is stopping: waiting claims end at once.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.news.ring();
        self.indexer.news.ring();
    }

    /// Leaves a new mark, by which the next start knows the store again: at the server's start, and once it has stopped.
    /// A full disk keeps no server from starting; then the mark before stays.
    pub fn leave_mark(&self) {
        let left = self.random.bits().and_then(|mark| self.store.leave_mark(mark.to_be_bytes()));
        if let Err(error) = left {
            log::warn!("the store's mark could not be written anew: {error}");
        }
    }

    /// Whether the server is stopping.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        self.store.folder.path()
    }

    /// Goes once through the store's writer and once through a reader. That it returns is the sign of life; what they
    /// say, of a full disk for one, is not asked.
    pub fn touch_store(&self) {
        let _written = self.store.write(|_| Ok(()));
        let _read = self.store.read(|_| Ok(()));
    }

    /// A random UUID (version 4).
    fn random_uuid(&self) -> Result<Uuid> {
        Ok(Builder::from_random_bytes(self.random.bits()?.to_be_bytes()).into_uuid())
    }

    /// A UUID that begins with the time (version 7).
    fn timed_uuid(&self, now_ms: i64) -> Result<Uuid> {
        let bits = self.random.bits()?.to_be_bytes();
        let mut random = [0; 10];
        random.copy_from_slice(&bits[..10]);
        Ok(Builder::from_unix_timestamp_millis(now_ms.max(0).cast_unsigned(), &random).into_uuid())
    }

    /// A new secret: a UUID of 122 random bits.
    fn secret(&self) -> Result<Secret> {
        Ok(Secret::new(self.random_uuid()?.hyphenated().to_string()))
    }

    /// Refuses new work when the data directory's disk is down to its reserve.
    fn check_room(&self) -> Result<()> {
        check_free(files::free_bytes(self.data_dir()))
    }
}

/// The error of whoever asks for something while the server stops.
pub fn stopping() -> Error {
    Error::new(Kind::Unavailable, "stopping", "The server is stopping; try again shortly.")
}

fn check_free(free: Option<u64>) -> Result<()> {
    match free {
        Some(free) if free < limits::DISK_RESERVE_BYTES => Err(Error::new(
            Kind::NoSpace,
            "no_space",
            "The server's disk is full down to its reserve: it takes no new work until there is room again.",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_work_is_refused_when_the_disk_is_down_to_its_reserve() {
        let cases = [
            (None, true),
            (Some(0), false),
            (Some(limits::DISK_RESERVE_BYTES - 1), false),
            (Some(limits::DISK_RESERVE_BYTES), true),
        ];
        for (free, good) in cases {
            let refused = check_free(free).err().map(|error| error.kind);
            assert_eq!(refused, (!good).then_some(Kind::NoSpace), "{free:?}");
        }
    }
}
