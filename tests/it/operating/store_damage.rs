//! A damaged page of the store is found in the background after startup.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dinkem_appliance::app::upkeep::store_check::{self, Stopped};

use crate::support::appliance::Appliance;
use crate::support::client::Request;
use crate::support::process;
use crate::support::wait::until;

const PAGE: u64 = 4_096;
/// Text in the row whose page will be damaged.
const MARK: &str = "the row whose page is damaged";

/// Fills the audit log with many pages.
fn fill(data_dir: &Path) {
    let store = rusqlite::Connection::open(data_dir.join("store.db")).unwrap();
    store
        .execute_batch(&format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             INSERT INTO audit (at_ms, actor, action, subject, details)
             SELECT 1, 'x', 'x', 'x', CASE i WHEN 1000 THEN '{MARK}' ELSE hex(zeroblob(100)) END FROM n;
             PRAGMA wal_checkpoint(TRUNCATE)"
        ))
        .unwrap();
}

/// Overwrites the header of the page that contains the mark.
fn damage(data_dir: &Path) {
    let mut file = File::options().read(true).write(true).open(data_dir.join("store.db")).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    let at = bytes.windows(MARK.len()).position(|window| window == MARK.as_bytes()).unwrap() as u64;
    file.seek(SeekFrom::Start(at / PAGE * PAGE)).unwrap();
    file.write_all(&[0x5a; 512]).unwrap();
}

fn never() -> Stopped {
    Arc::new(|| false)
}

#[test]
fn readyz_reports_a_damaged_page_once_found() {
    let appliance = Appliance::start();
    fill(appliance.app.data_dir());
    assert!(store_check::look(&appliance.app, &never()).unwrap());
    appliance.send(&Request::get("/readyz")).expect(200);

    damage(appliance.app.data_dir());
    appliance.clock.advance(Duration::from_secs(60));
    appliance.send(&Request::get("/readyz")).expect(200);
    assert!(store_check::look(&appliance.app, &never()).unwrap());
    let problem = appliance.send(&Request::get("/readyz")).expect(503).json();
    assert_eq!(problem["code"], "store_damaged");
    assert!(problem["error"].as_str().unwrap().contains("admin restore"), "{problem}");
    appliance.send(&Request::get("/healthz")).expect(200);
}

#[test]
fn store_check_ends_when_the_server_stops() {
    let appliance = Appliance::start();
    fill(appliance.app.data_dir());
    let asked = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&asked);
    let at_once: Stopped = Arc::new(move || {
        noted.store(true, Ordering::SeqCst);
        true
    });
    let looked = store_check::look(&appliance.app, &at_once).unwrap();
    // The check of such a small store may finish before it is asked to stop.
    assert_eq!(looked, !asked.load(Ordering::SeqCst));
    appliance.send(&Request::get("/readyz")).expect(200);
}

#[test]
fn server_started_on_a_damaged_store_says_so_in_readyz_log_and_doctor() {
    let mut appliance = process::Appliance::start_plain(&[]);
    appliance.server().kill();
    fill(&appliance.data_dir());
    damage(&appliance.data_dir());
    appliance.restart();
    let problem = until("the damage to be reported", || {
        let (status, body) = appliance.raw("GET", "/readyz", None, None);
        (status == 503).then(|| serde_json::from_slice::<serde_json::Value>(&body).unwrap())
    });
    assert_eq!(problem["code"], "store_damaged");
    let data = appliance.data_dir();
    let (status, printed, _) = process::run(&["--json", "--data-dir", data.to_str().unwrap(), "admin", "doctor"]);
    assert!(!status.success() && printed.contains("store_damaged") && printed.contains("admin restore"), "{printed}");
    appliance.server().kill();
    let (_, log) = appliance.server().wait();
    assert!(log.iter().any(|line| line.contains("ERROR") && line.contains("damaged page")), "{log:?}");
}
