//! The app of a server in a temporary directory, without HTTP, with fake time and randomness.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::accounts::{auth, dinks};
use dinkem_appliance::app::{App, Settings, accounts, leases, nodes};
use dinkem_appliance::domain::job::{Caller, Renderer};
use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::quota::Quotas;
use dinkem_appliance::os::clock::{Clock, FakeClock};
use dinkem_appliance::os::files::claim_private_dir;
use dinkem_appliance::os::random::FakeRandom;
use dinkem_appliance::os::room::Room;
use tempfile::TempDir;

use super::wait::until;

pub use super::spec::spec;

/// The time at which every test starts. Unix time in milliseconds.
pub const START_MS: i64 = 1_794_000_000_000;
/// Duration of a lease.
pub const LEASE: Duration = Duration::from_secs(30);
pub const BUILTIN: &[Renderer] = &[Renderer::Builtin];

/// An empty private directory, for a store that no appliance creates.
pub fn private_dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    claim_private_dir(dir.path()).unwrap();
    dir
}

/// The app and its surroundings.
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

    /// The same with other settings.
    pub fn start_as(set: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, random) = (Arc::new(FakeClock::at(START_MS)), Arc::new(FakeRandom::default()));
        let mut settings = settings();
        set(&mut settings);
        let app = App::serve(dir.path(), settings, clock.clone(), random.clone()).unwrap();
        Self { app, clock, random, dir }
    }

    /// The same with other quotas and on a fake disk.
    pub fn start_with(set: impl FnOnce(&mut Quotas), disk: impl FnOnce(&Path) -> Arc<Room>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, random) = (Arc::new(FakeClock::at(START_MS)), Arc::new(FakeRandom::default()));
        let mut settings = settings();
        set(&mut settings.quotas);
        let app = App::serve_on(dir.path(), settings, clock.clone(), random.clone(), disk(dir.path())).unwrap();
        Self { app, clock, random, dir }
    }

    pub fn restart(self) -> Self {
        let Self { app, clock, random, dir } = self;
        drop(Arc::into_inner(app).expect("no other references to the app"));
        // A child process that another test is just spawning briefly holds the lock too.
        let app = until("the lock of the data directory", || match serve(dir.path(), &clock, &random) {
            Err(error) if error.code.as_str() == "data_dir_in_use" => None,
            opened => Some(opened.unwrap()),
        });
        Self { app, clock, random, dir }
    }

    /// The app as `admin` in another process opens it.
    pub fn admin(&self) -> Arc<App> {
        App::beside(self.dir.path(), self.clock.clone(), self.random.clone()).unwrap()
    }

    /// The same on a fake disk.
    pub fn admin_with_disk(&self, disk: Arc<Room>) -> Arc<App> {
        App::beside_on(self.dir.path(), self.clock.clone(), self.random.clone(), disk).unwrap()
    }

    /// An active account with a dink: its metered and its reserved caller.
    pub fn account(&self, name: &str) -> (Caller, Caller) {
        let (_, keys) = accounts::create(&self.app, &crate::support::operator(), name, true).unwrap();
        accounts::activate(&self.app, &crate::support::operator(), Some(name)).unwrap();
        dinks::set(&self.app, &crate::support::operator(), name, 1).unwrap();
        let caller = |key: Option<Secret>| self.authenticate(&key.unwrap()).unwrap();
        (caller(keys.metered), caller(keys.reserved))
    }

    /// Authenticates a request with this key.
    pub fn authenticate(&self, key: &Secret) -> dinkem_appliance::domain::Result<Caller> {
        auth::authenticate(&self.app, &[&bearer(key)])
    }

    pub fn node(&self, name: &str) -> Node {
        let token = nodes::token(&self.app, &crate::support::operator()).unwrap();
        nodes::join(&self.app, &token, name).unwrap().node
    }

    /// A claim for one slot, without waiting.
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
    Settings { lease_ms: LEASE.as_millis() as u64, ..Settings::default() }
}

pub fn bearer(key: &Secret) -> String {
    format!("Bearer {}", key.reveal())
}
