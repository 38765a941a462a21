//! Data directories for the measurements: accounts, nodes, and rows by the million.

use std::path::Path;
use std::sync::Arc;

use dinkem_appliance::app::accounts::{self, auth};
use dinkem_appliance::app::{App, Settings, nodes};
use dinkem_appliance::domain::job::{Caller, Renderer};
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::offer::Offer;
use dinkem_appliance::domain::operator::Operator;
use dinkem_appliance::domain::quota::Quotas;
use dinkem_appliance::os::clock::SystemClock;
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::store::STORE;
use rusqlite::{Connection, named_params};
use tempfile::TempDir;

/// A lease must not expire during a measurement. In milliseconds.
const LEASE_MS: u64 = 3_600_000;

/// A data directory and who is in it.
pub struct Stage {
    pub dir: TempDir,
    /// Metered callers, each of its own account, whose rows have the numbers from 1 on.
    pub callers: Vec<Caller>,
    /// Nodes that have offered the built-in renderer.
    pub nodes: Vec<Node>,
}

impl Stage {
    pub fn new(accounts: usize, nodes: usize, slots: u32) -> Self {
        // In the target directory, because `/tmp` may be a tmpfs, where syncs are free.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch directory");
        let app = serve(dir.path());
        let operator = Operator::named("bench");
        let keys: Vec<String> = (0..accounts)
            .map(|number| {
                let name = format!("studio-{number}");
                let (_, keys) = accounts::create(&app, &operator, &name, true).unwrap();
                accounts::activate(&app, &operator, Some(&name)).unwrap();
                format!("Bearer {}", keys.metered.expect("a metered key").reveal())
            })
            .collect();
        let callers = keys.iter().map(|key| auth::authenticate(&app, &[key]).unwrap()).collect();
        let join = |number| {
            let token = nodes::token(&app, &operator).unwrap();
            let node = nodes::join(&app, &token, &format!("node-{number}")).unwrap().node;
            Node { offer: offer(slots), ..node }
        };
        let nodes = (0..nodes).map(join).collect();
        Self { dir, callers, nodes }
    }

    /// Adds jobs of the first `accounts` accounts in turn, by SQL: done ones with their leases, or queued ones.
    pub fn add_jobs(&self, accounts: usize, jobs: u64, status: &str) {
        let db = Connection::open(self.dir.path().join(STORE)).expect("the store");
        db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA foreign_keys = OFF; BEGIN")
            .unwrap();
        let first: i64 = db.query_row("SELECT COALESCE(MAX(id), 0) + 1 FROM jobs", [], |row| row.get(0)).unwrap();
        db.execute(JOBS, named_params! { ":first": first, ":jobs": jobs, ":accounts": accounts, ":status": status })
            .unwrap();
        if status == "done" {
            db.execute(LEASES, named_params! { ":first": first }).unwrap();
        }
        db.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
}

const JOBS: &str = "
    INSERT INTO jobs (
        id, public_id, account, key, class, status, renderer, demo_url, steam64_id, round, fps, resolution,
        spec_show_xray, cl_draw_only_deathnotices, created_at_ms, started_at_ms, finished_at_ms
    )
    WITH RECURSIVE number (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM number WHERE n < :first + :jobs - 1)
    SELECT n, unhex(printf('%016x%016x', n, n * 2654435761)), 1 + n % :accounts,
        (SELECT id FROM api_keys WHERE account = 1 + n % :accounts AND class = 'metered'), 'metered', :status, 'builtin',
        'https://demos.example.com/2026/11/match-730-1234567890.dem.bz2', 76561197960265735, 5, 60, 1080, 0, 1,
        1790000000000 + n, iif(:status = 'done', 1790000000000 + n, NULL), iif(:status = 'done', 1790000060000 + n, NULL)
    FROM number
";

const LEASES: &str = "
    INSERT INTO leases (job, node, state, started_at_ms, ended_at_ms)
    SELECT id, 1, 'done', started_at_ms, finished_at_ms FROM jobs WHERE id >= :first
";

/// The app of a server.
pub fn serve(dir: &Path) -> Arc<App> {
    let quotas = Quotas { queued_jobs: u64::MAX, ..Quotas::default() };
    let settings = Settings { quotas, lease_ms: LEASE_MS, ..Settings::default() };
    App::serve(dir, settings, Arc::new(SystemClock::new()), Arc::new(SystemRandom)).expect("an app")
}

/// What each node offers.
pub fn offer(slots: u32) -> Offer {
    Offer { renderers: vec![Renderer::Builtin], slots, ..Offer::none() }
}
