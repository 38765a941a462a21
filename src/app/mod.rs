//! Use cases: one function and one transaction each, shared by HTTP and `admin`.
//!
//! Independent of rouille and of response formats.

pub mod accounts;
pub mod audit;
pub mod billing;
pub mod clips;
pub mod counters;
pub mod demos;
pub mod jobs;
pub mod leases;
pub mod nodes;
pub mod operators;
pub mod overview;
pub mod short_id;
mod stored_files;
pub mod tls;
pub mod upkeep;
pub mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ipnet::IpNet;
use uuid::{Builder, Uuid};

use crate::domain::camera::CameraMode;
use crate::domain::epoch::{Epoch, Epochs};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::{JobSpec, Renderer};
use crate::domain::key::Secret;
use crate::domain::lease::LEASE_SECONDS;
use crate::domain::quota::Quotas;
use crate::domain::schedule::policy::ReservedBeyondDinks;
use crate::os::clock::Clock;
use crate::os::doorbell::Doorbell;
use crate::os::random::Random;
use crate::os::room::{DISK_RESERVE_BYTES, Room};
use crate::store::{self, COMMIT_BATCH, Store, Tx};

use crate::app::accounts::keys::Uses;
use crate::app::clips::bucket::{ClipBucket, Storage};
use crate::app::clips::files::ClipFiles;
use crate::app::counters::Counters;
use crate::app::demos::files::DemoFiles;
use crate::app::demos::incoming::Incoming;
use crate::app::demos::index::Indexer;
use crate::app::demos::titles::Titles;
use crate::app::jobs::waits::Waits;
use crate::app::leases::claims::Claims;
use crate::app::leases::frames::Frames;
use crate::app::leases::heartbeats::Heartbeats;
use crate::app::leases::upload_turns::{OpenUploads, VideoChecks};
use crate::app::leases::watched::Watched;
use crate::app::nodes::forgetting::Departed;
use crate::app::nodes::instances::Instances;
use crate::app::nodes::live::Live;
use crate::app::upkeep::health::Probe;
use crate::app::webhooks::turns::Outbox;

/// Settings of the appliance.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Milliseconds until a lease without a heartbeat expires.
    pub lease_ms: u64,
    /// Networks that demos may be fetched from and webhooks be sent to despite the address filter.
    pub fetch_allow: Vec<IpNet>,
    /// Quotas of each account.
    pub quotas: Quotas,
    /// What the built-in renderer shows of the map.
    pub camera: CameraMode,
    /// The renderer of jobs that do not ask for one.
    pub default_renderer: Renderer,
    /// When reserved jobs beyond their account's dinks are started.
    pub reserved_beyond_dinks: ReservedBeyondDinks,
    /// The socket of the Litestream that replicates the store, if one does.
    pub replica_socket: Option<PathBuf>,
    /// The bucket for clips; `None`: they lie in the data directory.
    pub storage: Option<Storage>,
}

impl Default for Settings {
    fn default() -> Self {
        let (fetch_allow, quotas, camera) = (Vec::new(), Quotas::default(), CameraMode::default());
        let default_renderer = JobSpec::DEFAULT_RENDERER;
        let reserved_beyond_dinks = ReservedBeyondDinks::default();
        let lease_ms = LEASE_SECONDS * 1_000;
        let (replica_socket, storage) = (None, None);
        Self { lease_ms, fetch_allow, quotas, camera, default_renderer, reserved_beyond_dinks, replica_socket, storage }
    }
}

/// The state shared by all use cases.
pub struct App {
    /// Settings.
    pub settings: Settings,
    /// Wakes waiting claims when a job is queued, cancelled or requeued, and when a lease ends.
    pub news: Arc<Doorbell>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Random number source.
    pub random: Arc<dyn Random>,
    store: Store,
    /// The store's epochs, which do not change while a server runs.
    epochs: Arc<Epochs>,
    heartbeats: Heartbeats,
    frames: Frames,
    watched: Watched,
    clip_files: ClipFiles,
    claims: Arc<Claims>,
    waits: Arc<Waits>,
    instances: Instances,
    live: Live,
    departed: Departed,
    uses: Uses,
    uploads: OpenUploads,
    checks: VideoChecks,
    /// Free space on the data directory's disk.
    pub room: Arc<Room>,
    titles: Titles,
    overview: overview::Latest,
    incoming: Incoming,
    demo_files: DemoFiles,
    /// Queue of demos to index.
    pub indexer: Indexer,
    /// Events to send to webhooks.
    pub outbox: Outbox,
    /// Counters since the start.
    pub counters: Counters,
    probe: Probe,
    month_usage: billing::recent::Cache,
    damage: upkeep::store_check::Found,
    findings: upkeep::findings::Board,
    archived: upkeep::retention::Reached,
    /// What lies on the disk, for the dashboard.
    pub measured: upkeep::storage::Latest,
    replica: upkeep::replica::Known,
    stopping: AtomicBool,
}

impl App {
    /// Opens the data directory for the server: locks it (a second server gets an error), creates or migrates the
    /// store, and gives live leases a new grace period.
    pub fn serve(
        data_dir: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<App>> {
        let room = Room::of(data_dir, DISK_RESERVE_BYTES);
        Self::serve_on(data_dir, settings, clock, random, room)
    }

    /// Like [`Self::serve`], with a given disk, so that tests can control its free space.
    pub fn serve_on(
        data_dir: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        room: Arc<Room>,
    ) -> Result<Arc<App>> {
        upkeep::ballast::remove_if_full(data_dir, &room);
        let news = Arc::new(Doorbell::default());
        let store = Store::serve(data_dir, news.clone())?;
        store.enter_epoch(|| random.bits().map(Epoch::from_bits), clock.now_ms())?;
        let app = Self::with(store, settings, news, clock, random, room, true)?;
        app.store.set_reserved_beyond_dinks(app.settings.reserved_beyond_dinks)?;
        upkeep::sweep::clear_indexings(&app)?;
        upkeep::sweep::sweep_demos(&app)?;
        demos::index::enqueue(&app)?;
        // Nothing is known about the live leases yet. The first check restarts the timeout of each.
        leases::expire(&app)?;
        Ok(app)
    }

    /// Opens the data directory for `admin`, next to a running server: no lock, no migration. Fails if there is no
    /// store.
    pub fn beside(data_dir: &Path, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Arc<App>> {
        Self::beside_as(data_dir, Settings::default(), clock, random)
    }

    /// Like [`Self::beside`], with settings: where clips lie, for example.
    pub fn beside_as(
        data_dir: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<App>> {
        let room = Room::of(data_dir, DISK_RESERVE_BYTES);
        Self::with(Store::beside(data_dir)?, settings, Arc::default(), clock, random, room, false)
    }

    /// Like [`Self::beside`], with a given disk, so that tests can control its free space.
    pub fn beside_on(
        data_dir: &Path,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        room: Arc<Room>,
    ) -> Result<Arc<App>> {
        Self::with(Store::beside(data_dir)?, Settings::default(), Arc::default(), clock, random, room, false)
    }

    fn with(
        store: Store,
        settings: Settings,
        news: Arc<Doorbell>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        room: Arc<Room>,
        is_served: bool,
    ) -> Result<Arc<App>> {
        let epochs = Arc::new(store.read(store::epochs::all)?);
        let lease = Duration::from_millis(settings.lease_ms);
        let mut clip_files = ClipFiles::of(&store.folder, Arc::clone(&epochs));
        if let Some(storage) = &settings.storage {
            let (clock, random) = (Arc::clone(&clock), Arc::clone(&random));
            clip_files.bucket = Some(ClipBucket::open(storage, is_served, clock, random)?);
        }
        Ok(Arc::new(App {
            epochs,
            settings,
            claims: Claims::new(Arc::clone(&news)),
            news,
            clock,
            random,
            store,
            heartbeats: Heartbeats::new(lease),
            frames: Frames::default(),
            watched: Watched::default(),
            clip_files,
            waits: Arc::default(),
            instances: Instances::default(),
            live: Live::default(),
            departed: Departed::default(),
            uses: Uses::default(),
            uploads: OpenUploads::default(),
            checks: VideoChecks::default(),
            room,
            titles: Titles::default(),
            overview: overview::Latest::default(),
            incoming: Incoming::default(),
            demo_files: DemoFiles::default(),
            indexer: Indexer::default(),
            outbox: Outbox::default(),
            counters: Counters::default(),
            probe: Probe::default(),
            month_usage: billing::recent::Cache::default(),
            damage: upkeep::store_check::Found::default(),
            findings: upkeep::findings::Board::default(),
            archived: upkeep::retention::Reached::default(),
            measured: upkeep::storage::Latest::default(),
            replica: upkeep::replica::Known::default(),
            stopping: AtomicBool::new(false),
        }))
    }

    /// From now on, writes only while this server leads.
    pub fn follow(&self, leader: Arc<upkeep::leader::LeaderLock>) {
        self.store.write_only_if(Box::new(move || leader.check()));
    }

    /// Number of leases whose files are being uploaded or checked.
    pub fn uploads_in_flight(&self) -> usize {
        self.uploads.in_flight()
    }

    /// The origin that browsers are sent to for clips, if they are.
    pub fn foreign_origin(&self) -> Option<String> {
        self.clip_files.foreign_origin()
    }

    /// Number of requests that wait for a job to change.
    pub fn waiting_requests(&self) -> usize {
        self.waits.count()
    }

    /// Number of waiting claims.
    pub fn waiting_claims(&self) -> usize {
        self.claims.count()
    }

    /// How often a waiting claim was woken for a job.
    pub fn woken_claims(&self) -> u64 {
        self.claims.woken.get()
    }

    /// How many commits of other processes have been noticed.
    pub fn changes_by_others(&self) -> u64 {
        self.store.changes_by_others()
    }

    /// Signals that the server is shutting down. Waiting claims and requests end immediately.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.news.ring();
        self.claims.wake_all();
        self.waits.wake_all();
        self.indexer.news.ring();
        self.measured.wanted.ring();
        self.outbox.stop();
        if let Some(bucket) = &self.clip_files.bucket {
            bucket.news.ring();
        }
    }

    /// Breaks off requests to the bucket. Call it after [`Self::stop`], when no client waits any more.
    pub fn hang_up(&self) {
        if let Some(bucket) = &self.clip_files.bucket {
            bucket.bucket.hang_up();
        }
    }

    /// Records the store's progress in a file next to it, so that replacing it with an older copy is detected.
    pub fn note_rows(&self) -> Result<usize> {
        self.store.note_rows().map(|()| 0)
    }

    /// Whether the server is shutting down.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        self.store.folder.path()
    }

    /// Makes one round trip through the store's writer and one through a reader. Only their return matters for
    /// liveness; errors, such as a full disk, are ignored.
    pub fn touch_store(&self) {
        let _written = self.store.write(|_| Ok(()));
        let _read = self.store.read(|_| Ok(()));
    }

    /// Runs a deletion of at most `limit` rows again and again, in transactions of their own, until nothing is left;
    /// returns how many rows were deleted.
    fn delete_in_batches(
        &self,
        delete: impl Fn(&mut Tx<'_>, usize) -> Result<usize> + Copy + Send + 'static,
    ) -> Result<usize> {
        let mut deleted = 0;
        loop {
            let count = self.store.write(move |tx| delete(tx, COMMIT_BATCH))?;
            deleted += count;
            if count < COMMIT_BATCH {
                return Ok(deleted);
            }
        }
    }

    /// A random UUID (version 4).
    fn random_uuid(&self) -> Result<Uuid> {
        Ok(Builder::from_random_bytes(self.random.bits()?.to_be_bytes()).into_uuid())
    }

    /// A time-ordered UUID (version 7).
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

/// The error for requests that arrive while the server is shutting down.
pub fn stopping() -> Error {
    Error::new(Kind::Unavailable, ErrorCode::Stopping, "The server is shutting down; try again shortly.")
}
