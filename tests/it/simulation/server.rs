//! The server under test: the real app on a store in memory, which can be ended at any moment and started again, and
//! `admin` beside it. A planted bug alters a call here.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use dinkem_appliance::app::accounts::auth;
use dinkem_appliance::app::{App, Settings, accounts, leases, nodes, webhooks};
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::id::LeaseId;
use dinkem_appliance::domain::job::{Caller, Renderer};
use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::operator::Operator;
use dinkem_appliance::domain::schedule::policy::ReservedBeyondDinks;
use dinkem_appliance::os::files::claim_private_dir;
use dinkem_appliance::os::room::{DISK_RESERVE_BYTES, Room};
use dinkem_appliance::wire::node_requests::CompleteReport;
use tempfile::TempDir;

use super::planted::{Plant, Planted};
use super::rows::Rows;
use super::time::{Crash, Fuse, SimClock, SimRandom};

/// The time at which every run starts. Unix time in milliseconds.
const START_MS: i64 = 1_794_000_000_000;
/// Milliseconds until a lease without a heartbeat expires.
pub const LEASE_MS: u64 = 30_000;
/// Accounts in the store with which every run starts.
pub const ACCOUNTS: usize = 20;
/// Free bytes on a disk that is not full.
const MUCH: u64 = 1 << 40;

/// A store with active accounts, of which every second has a webhook.
struct Template {
    store: Vec<u8>,
    /// Names and keys: metered, reserved.
    accounts: Vec<AccountKeys>,
}

#[derive(Clone)]
pub struct AccountKeys {
    pub name: String,
    pub metered: Secret,
    pub reserved: Secret,
}

static TEMPLATE: LazyLock<Template> = LazyLock::new(Template::make);

impl Template {
    fn make() -> Self {
        let (dir, fuse) = (folder(), Arc::default());
        let clock = Arc::new(SimClock::new(&fuse));
        clock.set(START_MS, 0);
        let app = App::serve(dir.path(), Settings::default(), clock, Arc::new(SimRandom::new(1, &fuse))).unwrap();
        let operator = operator();
        let account = |number: usize| {
            let name = format!("account {number}");
            let (_, keys) = accounts::create(&app, &operator, &name, true).unwrap();
            accounts::activate(&app, &operator, Some(&name)).unwrap();
            if has_webhook(number) {
                let url = "https://example.com/hook".to_owned();
                webhooks::operator::set(&app, &operator, &name, url, false).unwrap();
            }
            AccountKeys { name, metered: keys.metered.unwrap(), reserved: keys.reserved.unwrap() }
        };
        let accounts = (0..ACCOUNTS).map(account).collect();
        drop(app);
        let path = dir.path().join("store.db");
        let db = rusqlite::Connection::open(&path).unwrap();
        // A store that no server has served may be copied.
        db.execute_batch("DELETE FROM epochs; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(db);
        Self { store: std::fs::read(path).unwrap(), accounts }
    }
}

/// Whether the account with this number has a webhook.
pub fn has_webhook(account: usize) -> bool {
    account.is_multiple_of(2)
}

/// A folder in memory where the system has one: nothing is synced to a disk.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let mut name = tempfile::Builder::new();
    let name = name.prefix("dinkem-simulation-");
    let dir = if memory.is_dir() { name.tempdir_in(memory).unwrap() } else { name.tempdir().unwrap() };
    claim_private_dir(dir.path()).unwrap();
    dir
}

pub fn operator() -> Operator {
    Operator::named("simulation")
}

pub fn bearer(key: &Secret) -> String {
    format!("Bearer {}", key.reveal())
}

/// How a call of the server ended.
pub enum Outcome<T> {
    /// It answered.
    Answer(Result<T, Error>),
    /// It is not running.
    Down,
    /// It died in the middle.
    Crashed,
}

impl<T> Outcome<T> {
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Answer(answer) => Outcome::Answer(answer.map(to)),
            Self::Down => Outcome::Down,
            Self::Crashed => Outcome::Crashed,
        }
    }
}

/// A job that was given to a node.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    pub lease: i64,
    pub job: i64,
    /// Height of its video and frames per second.
    pub format: (u32, u32),
}

/// The server, `admin`, and the rows.
pub struct Server {
    pub rows: Rows,
    pub admin: Arc<App>,
    app: Option<Arc<App>>,
    plant: Plant,
    fuse: Arc<Fuse>,
    clock: Arc<SimClock>,
    admin_clock: Arc<SimClock>,
    random: Arc<SimRandom>,
    disk: Arc<AtomicU64>,
    room: Arc<Room>,
    settings: Settings,
    started: u64,
    now: u64,
    /// How far the wall clock is ahead, in milliseconds.
    pub ahead_ms: i64,
    /// How often it ended, and how often of that in the middle of a call.
    pub ends: u64,
    pub ends_within: u64,
    dir: TempDir,
}

impl Server {
    /// A running server with active accounts.
    pub fn start(beyond: ReservedBeyondDinks, planted: Option<Planted>) -> Self {
        let (dir, fuse) = (folder(), Arc::<Fuse>::default());
        let store = dir.path().join("store.db");
        std::fs::write(&store, &TEMPLATE.store).unwrap();
        let plant = Plant::new(&store, planted);
        let disk = Arc::new(AtomicU64::new(MUCH));
        let free = Arc::clone(&disk);
        let room = Room::new(DISK_RESERVE_BYTES, move || Some(free.load(Ordering::Relaxed)));
        let admin_clock = Arc::new(SimClock::default());
        let admin_random = Arc::new(SimRandom::new(2, &Arc::default()));
        let admin = App::beside_on(dir.path(), admin_clock.clone(), admin_random, Arc::clone(&room)).unwrap();
        let mut server = Self {
            rows: Rows::open(&store),
            admin,
            app: None,
            plant,
            clock: Arc::new(SimClock::new(&fuse)),
            admin_clock,
            random: Arc::new(SimRandom::new(3, &fuse)),
            fuse,
            disk,
            room,
            settings: Settings { lease_ms: LEASE_MS, reserved_beyond_dinks: beyond, ..Settings::default() },
            started: 0,
            now: 0,
            ahead_ms: 0,
            ends: 0,
            ends_within: 0,
            dir,
        };
        server.restart();
        server
    }

    pub fn accounts() -> &'static [AccountKeys] {
        &TEMPLATE.accounts
    }

    /// The server's wall clock. Unix time in milliseconds.
    pub fn now_ms(&self) -> i64 {
        START_MS + self.now.cast_signed() + self.ahead_ms
    }

    /// Moves the clocks to a time of the simulation in milliseconds.
    pub fn set_time(&mut self, now: u64) {
        self.now = now;
        self.clock.set(self.now_ms(), now - self.started);
        self.admin_clock.set(self.now_ms(), now);
    }

    pub fn is_up(&self) -> bool {
        self.app.is_some()
    }

    /// Whether the video of a lease is there and has this length.
    pub fn has_video(&self, lease: i64, bytes: u64) -> bool {
        let file = std::fs::read_to_string(self.dir.path().join("epoch")).unwrap();
        let epoch = file.lines().next().unwrap().strip_prefix("epoch ").unwrap();
        let video = self.dir.path().join("clips").join(format!("{epoch}-{lease}.mp4"));
        std::fs::metadata(video).is_ok_and(|file| file.len() == bytes)
    }

    /// The disk has this many bytes above the reserve from now on; `None`: many.
    pub fn set_disk(&self, above_reserve: Option<u64>) {
        self.disk.store(above_reserve.map_or(MUCH, |bytes| DISK_RESERVE_BYTES - 1 + bytes), Ordering::Relaxed);
    }

    /// Starts it, unless it runs. Its monotonic clock begins anew.
    pub fn restart(&mut self) {
        if self.app.is_some() {
            return;
        }
        self.fuse.light(0);
        self.started = self.now;
        self.clock = Arc::new(SimClock::new(&self.fuse));
        self.set_time(self.now);
        let settings = self.settings.clone();
        let app =
            App::serve_on(self.dir.path(), settings, self.clock.clone(), self.random.clone(), Arc::clone(&self.room));
        self.app = Some(app.unwrap());
    }

    /// Ends it at once, without any of what it does when it is stopped.
    pub fn crash(&mut self) {
        self.fuse.light(0);
        if let Some(app) = self.app.take() {
            self.ends += 1;
            drop(Arc::into_inner(app).expect("nothing else holds the app"));
        }
    }

    /// Stops it as a service manager does.
    pub fn stop(&mut self) {
        if let Some(app) = &self.app {
            app.stop();
            app.note_rows().unwrap();
        }
        self.crash();
    }

    /// The server dies after it has looked at its clock or its random source so often.
    pub fn light_fuse(&self, looks: u32) {
        self.fuse.light(looks);
    }

    /// Calls the server.
    pub fn call<T>(&mut self, work: impl FnOnce(&App) -> Result<T, Error>) -> Outcome<T> {
        let Some(app) = &self.app else { return Outcome::Down };
        let answer = catch_unwind(AssertUnwindSafe(|| work(app)));
        self.fuse.light(0);
        match answer {
            Ok(answer) => Outcome::Answer(answer),
            Err(payload) if payload.is::<Crash>() => {
                self.crash();
                self.ends_within += 1;
                Outcome::Crashed
            }
            Err(payload) => resume_unwind(payload),
        }
    }

    /// Calls the server as a client.
    pub fn as_client<T>(&mut self, key: &Secret, work: impl FnOnce(&App, &Caller) -> Result<T, Error>) -> Outcome<T> {
        self.call(|app| work(app, &auth::authenticate(app, &[&bearer(key)])?))
    }

    /// Calls the server as a node.
    pub fn as_node<T>(&mut self, key: &str, work: impl FnOnce(&App, &Node) -> Result<T, Error>) -> Outcome<T> {
        self.call(|app| work(app, &auth::authenticate_node(app, &[key])?))
    }

    /// Runs `admin` in another process; the server takes notice.
    pub fn administer<T>(&mut self, work: impl FnOnce(&App, &Operator) -> T) -> T {
        let done = work(&self.admin, &operator());
        self.notice();
        done
    }

    /// Makes the server take notice of what was written beside it.
    fn notice(&self) {
        if let Some(app) = &self.app {
            app.touch_store();
        }
    }

    /// A new node: its key and itself.
    pub fn join(&mut self, name: &str) -> (String, Node) {
        let token = nodes::token(&self.admin, &operator()).unwrap();
        let joined = nodes::join(&self.admin, &token, name).unwrap();
        self.notice();
        (bearer(&joined.key), joined.node)
    }

    /// `POST /api/node/claims` that does not wait.
    pub fn claim(&mut self, key: &str, renderers: &[Renderer], slots: u32) -> Outcome<Option<Given>> {
        let mut node_row = 0;
        let outcome = self.as_node(key, |app, node| {
            node_row = node.id.0;
            let granted = leases::claim(app, node, renderers, slots, std::time::Duration::ZERO)?;
            Ok(granted.map(|grant| Given {
                lease: grant.lease.id.0,
                job: grant.job.job.id.0,
                format: (grant.job.job.spec.resolution, grant.job.job.spec.fps),
            }))
        });
        if let Outcome::Answer(Ok(Some(given))) = &outcome {
            self.plant.note_given(given.job, node_row, self.now);
        }
        outcome
    }

    /// The same with the bugs of claims, if one is planted.
    pub fn claim_as_planted(&mut self, key: &str, renderers: &[Renderer], slots: u32) -> Outcome<Option<Given>> {
        if self.plant.bug.is_some()
            && let Outcome::Answer(Ok(node)) = self.as_node(key, |_, node| Ok(node.id.0))
        {
            let job = match self.plant.bug {
                Some(Planted::ClaimInTwoSteps) => self.plant.found_too(node, self.now, self.now_ms()),
                Some(Planted::FloodStarves) => self.plant.oldest(node, self.now_ms()),
                _ => None,
            };
            if let Some(job) = job {
                let given = Given { lease: self.plant.take(job, node, self.now_ms()), job, format: (1080, 30) };
                self.notice();
                return Outcome::Answer(Ok(Some(given)));
            }
        }
        self.claim(key, renderers, slots)
    }

    /// `POST /api/node/leases/{lease}/complete`.
    pub fn complete(&mut self, key: &str, lease: i64, report: CompleteReport) -> Outcome<()> {
        let outcome = self.as_node(key, |app, node| leases::complete(app, node, LeaseId(lease), report));
        let is_late = matches!(&outcome, Outcome::Answer(Err(error)) if error.kind == Kind::Conflict);
        if is_late && self.plant.is(Planted::CompletionWithoutFence) {
            self.plant.complete(lease, self.now_ms());
            self.notice();
            return Outcome::Answer(Ok(()));
        }
        let was_published = matches!(outcome, Outcome::Answer(Ok(())) | Outcome::Down);
        if !was_published && !is_late && self.plant.is(Planted::BilledBeforePublished) {
            self.plant.bill(lease, self.now_ms());
        }
        outcome
    }

    /// A job was cancelled, by its owner or the operator.
    pub fn cancelled(&self, job: i64) {
        if self.plant.is(Planted::SlotNotGivenBack) {
            self.plant.keep_slot(job);
        }
    }
}
