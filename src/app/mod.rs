//! The use cases: one function each, one transaction each. HTTP and `admin` call the same ones.
//!
//! Knows nothing of rouille or of how answers look.

pub mod accounts;
pub mod audit;
pub mod billing;
pub mod clips;
pub mod counters;
pub mod demos;
pub mod jobs;
pub mod leases;
pub mod nodes;
mod stored_files;
pub mod tls;
pub mod upkeep;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::{Builder, Uuid};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::key::Secret;
use crate::domain::limits;
use crate::domain::quota::Quotas;
use crate::os::clock::Clock;
use crate::os::doorbell::Doorbell;
use crate::os::random::Random;
use crate::os::room::Room;
use crate::store::Store;

use crate::app::accounts::keys::Uses;
use crate::app::clips::files::ClipFiles;
use crate::app::counters::Counters;
use crate::app::demos::files::DemoFiles;
use crate::app::demos::incoming::Incoming;
use crate::app::demos::index::Indexer;
use crate::app::leases::claims::Claims;
use crate::app::leases::heartbeats::Heartbeats;
use crate::app::leases::upload_turns::{OpenUploads, VideoChecks};
use crate::app::nodes::instances::Instances;
use crate::app::upkeep::health::Probe;

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
    store: Store,
    heartbeats: Heartbeats,
    clip_files: ClipFiles,
    claims: Claims,
    instances: Instances,
    uses: Uses,
    uploads: OpenUploads,
    checks: VideoChecks,
    /// The disk of the data directory.
    pub room: Arc<Room>,
    incoming: Incoming,
    demo_files: DemoFiles,
    /// The demos that wait to be read.
    pub indexer: Indexer,
    /// What has been counted since the start.
    pub counters: Counters,
    probe: Probe,
    damage: upkeep::store_check::Found,
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
        let room = Room::of(data_dir, limits::DISK_RESERVE_BYTES);
        Self::serve_on(data_dir, settings, clock, random, room)
    }

    /// The same on a disk of the caller's, of which tests say how much of it is free.
    pub fn serve_on(
        data_dir: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        room: Arc<Room>,
    ) -> Result<Arc<App>> {
        upkeep::ballast::remove_if_full(data_dir, &room);
        let news = Arc::new(Doorbell::default());
        let app = Self::with(Store::serve(data_dir, news.clone())?, settings, news, clock, random, room);
        app.leave_mark();
        upkeep::sweep::clear_indexings(&app)?;
        upkeep::sweep::sweep_demos(&app)?;
        demos::index::enqueue(&app)?;
        // Nothing is known of the live leases yet: the first look gives each of them its time anew.
        leases::expire(&app)?;
        Ok(app)
    }

    /// Opens the data directory beside a running server, as `admin` does: no lock, no migration. One that holds no
    /// store is refused.
    pub fn beside(data_dir: &Path, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Arc<App>> {
        Self::beside_on(data_dir, clock, random, Room::of(data_dir, limits::DISK_RESERVE_BYTES))
    }

    /// The same on a disk of the caller's, of which tests say how much of it is free.
    pub fn beside_on(
        data_dir: &Path,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        room: Arc<Room>,
    ) -> Result<Arc<App>> {
        let settings =
            Settings { lease_ms: limits::LEASE_SECONDS * 1_000, fetch_allow: Vec::new(), quotas: Quotas::default() };
        Ok(Self::with(Store::beside(data_dir)?, settings, Arc::default(), clock, random, room))
    }

    fn with(
        store: Store,
        settings: Settings,
        news: Arc<Doorbell>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        room: Arc<Room>,
    ) -> Arc<App> {
        let lease = Duration::from_millis(settings.lease_ms);
        let clip_files = ClipFiles::of(&store.folder);
        Arc::new(App {
            settings,
            news,
            clock,
            random,
            store,
            heartbeats: Heartbeats::new(lease),
            clip_files,
            claims: Claims::default(),
            instances: Instances::default(),
            uses: Uses::default(),
            uploads: OpenUploads::default(),
            checks: VideoChecks::default(),
            room,
            incoming: Incoming::default(),
            demo_files: DemoFiles::default(),
            indexer: Indexer::default(),
            counters: Counters::default(),
            probe: Probe::default(),
            damage: upkeep::store_check::Found::default(),
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

    /// Keeps beside the store how far it has come, so that an older one that is put in its place is noticed.
    pub fn note_rows(&self) -> Result<usize> {
        self.store.note_rows().map(|()| 0)
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
}

/// The error of whoever asks for something while the server stops.
pub fn stopping() -> Error {
    Error::new(Kind::Unavailable, "stopping", "The server is stopping; try again shortly.")
}
