//! An appliance in a temporary directory, with time and randomness of the test's own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::{App, Settings, accounts, auth, leases, nodes};
use dinkem_appliance::domain::job::{Caller, Commands, JobSpec, Renderer, SteamId};
use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::quota::Quotas;
use dinkem_appliance::os::clock::{Clock, FakeClock};
use dinkem_appliance::os::files::claim_private_dir;
use dinkem_appliance::os::random::FakeRandom;
use dinkem_appliance::os::room::Room;
use tempfile::TempDir;

use super::wait::until;

/// When every test begins. Unix time in milliseconds.
pub const START_MS: i64 = 1_794_000_000_000;
/// How long a lease lives here.
pub const LEASE: Duration = Duration::from_secs(30);
/// What a node of the tests can do.
pub const BUILTIN: &[Renderer] = &[Renderer::Builtin];

/// An empty directory that is its owner's alone, for a store that is not made by an appliance.
pub fn private_dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    claim_private_dir(dir.path()).unwrap();
    dir
}

/// The appliance and what it was given.
pub struct TestApp {
    pub app: Arc<App>,
    pub clock: Arc<FakeClock>,
    pub random: Arc<FakeRandom>,
    pub dir: TempDir,
}

impl TestApp {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, random) = (Arc::new(FakeClock::at(START_MS)), Arc::new(FakeRandom::default()));
        let app = serve(dir.path(), &clock, &random).unwrap();
        Self { app, clock, random, dir }
    }

    /// The same with quotas of the test's own, on a disk of the test's own.
    pub fn start_with(set: impl FnOnce(&mut Quotas), disk: impl FnOnce(&Path) -> Arc<Room>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, random) = (Arc::new(FakeClock::at(START_MS)), Arc::new(FakeRandom::default()));
        let mut settings = settings();
        set(&mut settings.quotas);
        let app = App::serve_on(dir.path(), settings, clock.clone(), random.clone(), disk(dir.path())).unwrap();
        Self { app, clock, random, dir }
    }

    /// Stops the server and starts another on the same data.
    pub fn restart(self) -> Self {
        let Self { app, clock, random, dir } = self;
        drop(Arc::into_inner(app).expect("nobody else holds the app"));
        // A process that another test is just starting holds the lock's file as well, until it becomes its program.
        let app = until("the lock of the data directory", || match serve(dir.path(), &clock, &random) {
            Err(error) if error.code == "data_dir_in_use" => None,
            opened => Some(opened.unwrap()),
        });
        Self { app, clock, random, dir }
    }

    /// The same data as `admin` in another process sees it.
    pub fn admin(&self) -> Arc<App> {
        App::beside(self.dir.path(), self.clock.clone(), self.random.clone()).unwrap()
    }

    /// The same on a disk of the test's own.
    pub fn admin_on(&self, disk: Arc<Room>) -> Arc<App> {
        App::beside_on(self.dir.path(), self.clock.clone(), self.random.clone(), disk).unwrap()
    }

    /// An active account with dinks; its metered and its reserved caller.
    pub fn account(&self, name: &str) -> (Caller, Caller) {
        let (_, keys) = accounts::create(&self.app, name, true).unwrap();
        accounts::activate(&self.app, Some(name)).unwrap();
        dinkem_appliance::app::dinks::set(&self.app, name, 1).unwrap();
        let caller = |key: Option<Secret>| self.call(&key.unwrap()).unwrap();
        (caller(keys.metered), caller(keys.reserved))
    }

    /// A request with this key.
    pub fn call(&self, key: &Secret) -> dinkem_appliance::domain::Result<Caller> {
        auth::authenticate(&self.app, &[&bearer(key)])
    }

    /// A node that has joined.
    pub fn node(&self, name: &str) -> Node {
        let token = nodes::token(&self.app).unwrap();
        nodes::join(&self.app, &token, name).unwrap().node
    }

    /// One claim of a node with one slot, without waiting.
    pub fn claim(&self, node: &Node) -> Option<leases::Grant> {
        leases::claim(&self.app, node, BUILTIN, 1, Duration::ZERO).unwrap()
    }

    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}

pub fn serve(
    dir: &Path,
    clock: &Arc<FakeClock>,
    random: &Arc<FakeRandom>,
) -> dinkem_appliance::domain::Result<Arc<App>> {
    App::serve(dir, settings(), clock.clone(), random.clone())
}

fn settings() -> Settings {
    Settings { lease_ms: LEASE.as_millis() as u64, fetch_allow: Vec::new(), quotas: Quotas::default() }
}

pub fn bearer(key: &Secret) -> String {
    format!("Bearer {}", key.reveal())
}

/// What the tests order.
pub fn spec() -> JobSpec {
    JobSpec {
        demo_url: "https://example.com/match.dem".into(),
        steam64_id: SteamId::new(SteamId::FIRST + 7).unwrap(),
        round: 2,
        fps: 30,
        resolution: 1080,
        commands: Commands::default(),
        renderer: Renderer::Builtin,
        metadata: None,
    }
}
