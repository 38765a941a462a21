//! A store that was copied, or restored other than by `admin restore`, is refused with a remedy. Crashes and moves
//! are not mistaken for a copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app::upkeep::promote;
use dinkem_appliance::app::{App, audit, jobs, leases, nodes};
use dinkem_appliance::domain::error::{Error, Kind};
use dinkem_appliance::domain::id::LeaseId;
use dinkem_appliance::domain::job::{Caller, JobStatus, Stage};
use dinkem_appliance::domain::lease::Progress;
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::os::clock::FakeClock;
use dinkem_appliance::os::random::FakeRandom;
use dinkem_appliance::store::Store;
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;
use crate::support::test_app::{self, BUILTIN, START_MS, TestApp, spec};
use crate::support::wait::until;

/// A data directory after its server was killed while a node had a job.
struct Site {
    clock: Arc<FakeClock>,
    random: Arc<FakeRandom>,
    root: TempDir,
    data: PathBuf,
    caller: Caller,
    node: Node,
    job: Uuid,
    lease: LeaseId,
}

impl Site {
    /// `before` is called while the server runs, before it grants its last lease.
    fn after_kill(before: impl FnOnce(&Path)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        let (clock, random) = (Arc::new(FakeClock::at(START_MS)), Arc::new(FakeRandom::default()));
        let test = TestApp {
            app: test_app::serve(&data, &clock, &random).unwrap(),
            clock: clock.clone(),
            random: random.clone(),
            dir: tempfile::tempdir().unwrap(),
        };
        let (caller, _) = test.account("studio");
        let node = test.node("n1");
        // Leases that both stores know; the last one is only in the original.
        for _ in 0..3 {
            let id = jobs::submit(&test.app, &caller, spec()).unwrap().job.public_id;
            test.claim(&node).unwrap();
            jobs::remove(&test.app, &caller, id).unwrap();
        }
        let job = jobs::submit(&test.app, &caller, spec()).unwrap().job.public_id;
        before(&data);
        let lease = test.claim(&node).unwrap().lease.id;
        drop_and_wait(test.app, &data);
        Self { clock, random, root, data, caller, node, job, lease }
    }

    /// A server on a directory. A child process that another test is just spawning briefly holds the lock too.
    fn serve(&self, dir: &Path) -> Result<Arc<App>, Error> {
        until("the lock of the data directory", || match test_app::serve(dir, &self.clock, &self.random) {
            Err(error) if error.code.as_str() == "data_dir_in_use" => None,
            answer => Some(answer),
        })
    }

    /// Starts and kills a server.
    fn serve_once(&self, dir: &Path) -> Result<(), Error> {
        self.serve(dir).map(|app| drop_and_wait(app, dir))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    fn aside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn sql(&self, sql: &str) {
        Connection::open(self.path("store.db")).unwrap().execute_batch(sql).unwrap();
    }

    fn append(&self, line: &str) {
        let text = fs::read_to_string(self.path("epoch")).unwrap();
        fs::write(self.path("epoch"), text + line).unwrap();
    }

    fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("epoch")).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path("epoch"), text.replace(from, to)).unwrap();
    }
}

/// Drops a server and waits until its threads have closed the store.
fn drop_and_wait(app: Arc<App>, data: &Path) {
    drop(app);
    until("the store to be closed", || (!data.join("store.db-wal").exists()).then_some(()));
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_all(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// Copies the store while its server runs.
fn copy_of_store(data: &Path, to: &Path) {
    Store::beside(data).unwrap().copy_to(to).unwrap();
}

/// A way to copy a store: the directory where it is then, and part of the error.
type CopyCase = fn() -> (Site, PathBuf, &'static str);

const COPY_CASES: [(&str, CopyCase); 7] = [
    ("the directory was copied", || {
        let site = Site::after_kill(|_| {});
        let copy = site.aside("copy");
        copy_all(&site.data, &copy);
        (site, copy, "its file was copied or replaced")
    }),
    ("the store was replaced with an earlier copy", || {
        let scratch = tempfile::tempdir().unwrap();
        let copy = scratch.path().join("store.db");
        let site = Site::after_kill(|data| copy_of_store(data, &copy));
        fs::rename(&copy, site.path("store.db")).unwrap();
        let data = site.data.clone();
        (site, data, "its file was copied or replaced")
    }),
    ("the store was overwritten with an earlier copy", || {
        let scratch = tempfile::tempdir().unwrap();
        let copy = scratch.path().join("store.db");
        let site = Site::after_kill(|data| copy_of_store(data, &copy));
        fs::write(site.path("store.db"), fs::read(&copy).unwrap()).unwrap();
        let data = site.data.clone();
        (site, data, "its last lease has number 3, but number 4 has been issued here")
    }),
    ("the store was overwritten with a copy from an earlier run", || {
        let site = Site::after_kill(|_| {});
        let old = fs::read(site.path("store.db")).unwrap();
        let app = site.serve(&site.data).unwrap();
        jobs::submit(&app, &site.caller, spec()).unwrap();
        app.note_rows().unwrap();
        drop_and_wait(app, &site.data);
        fs::write(site.path("store.db"), old).unwrap();
        let data = site.data.clone();
        (site, data, "it lacks jobs or operator changes that were made here")
    }),
    ("the store was put into an empty directory", || {
        let site = Site::after_kill(|_| {});
        let copy = site.aside("copy");
        site.serve_once(&copy).unwrap();
        fs::remove_file(copy.join("epoch")).unwrap();
        fs::write(copy.join("store.db"), fs::read(site.path("store.db")).unwrap()).unwrap();
        (site, copy, "the file epoch next to it is missing")
    }),
    ("a store that no server has served was put there", || {
        let site = Site::after_kill(|_| {});
        site.sql("DELETE FROM epochs");
        let data = site.data.clone();
        (site, data, "it does not match the file epoch")
    }),
    ("the file epoch is damaged", || {
        let site = Site::after_kill(|_| {});
        fs::write(site.path("epoch"), b"\xff\xfe").unwrap();
        let data = site.data.clone();
        (site, data, "the file epoch next to it cannot be read")
    }),
];

#[test]
fn copied_store_is_refused_until_promoted_and_then_reuses_no_ids() {
    for (what, way) in COPY_CASES {
        let (site, data, noticed) = way();
        for _ in 0..2 {
            let error = site.serve(&data).err().unwrap_or_else(|| panic!("{what}: it must not be served"));
            assert_eq!((error.kind, error.code.as_str()), (Kind::Conflict, "store_copied"), "{what}: {error}");
            let command = format!("`dinkem-appliance admin --data-dir {} promote`", data.display());
            assert!(error.message.contains(noticed) && error.message.contains(&command), "{what}: {error}");
        }
        let admin = App::beside(&data, site.clock.clone(), site.random.clone()).unwrap();
        let renewed = promote::promote(&admin, &crate::support::operator()).unwrap();
        let entry = audit::list(&admin, 1).unwrap().remove(0);
        assert_eq!((entry.action.as_str(), entry.details), ("promote", renewed.details()), "{what}");
        drop(admin);

        let app = site.serve(&data).unwrap_or_else(|error| panic!("{what}: {error}"));
        let progress = Progress { stage: Stage::Rendering, fraction: 0.5 };
        let late = leases::heartbeat(&app, &site.node, site.lease, progress).unwrap_err();
        assert_eq!((late.kind, late.code.as_str()), (Kind::Conflict, "lost"), "{what}");
        let job = jobs::get(&app, &site.caller, site.job).unwrap().job;
        assert_eq!((job.status, job.attempts), (JobStatus::Queued, 0), "{what}");
        let grant = leases::claim(&app, &site.node, BUILTIN, 1, Duration::ZERO).unwrap().unwrap();
        assert_eq!(grant.job.job.public_id, site.job, "{what}");
        assert!(grant.lease.id.0 > 1_000_000, "{what}: {}", grant.lease.id);
        drop_and_wait(app, &data);
        site.serve_once(&data).unwrap_or_else(|error| panic!("{what}, again: {error}"));
    }
}

#[test]
fn promotion_voids_join_tokens() {
    let site = Site::after_kill(|_| {});
    let admin = || App::beside(&site.data, site.clock.clone(), site.random.clone()).unwrap();
    let token = nodes::token(&admin(), &crate::support::operator()).unwrap();
    promote::promote(&admin(), &crate::support::operator()).unwrap();
    let app = site.serve(&site.data).unwrap();
    assert_eq!(nodes::join(&app, &token, "n2").err().map(|error| error.code.as_str()), Some("join_token_refused"));
}

type Crash = fn(&Site);

/// States that a start may find although nothing was copied.
const CRASHES: [(&str, Crash); 8] = [
    ("the server was killed", |_| {}),
    ("killed at the first start: the store has no epoch yet", |site| {
        site.sql("DELETE FROM epochs");
        site.append("first\n");
    }),
    ("killed a little later: the store has it already", |site| site.append("first\n")),
    ("killed at the first start before there was a file", |site| {
        site.sql("DELETE FROM epochs");
        fs::remove_file(site.path("epoch")).unwrap();
    }),
    ("a power failure has lost the numbers of the last leases", |site| {
        site.edit(&format!("leases {:020}", site.lease.0), &format!("leases {:020}", 0));
    }),
    ("killed while the file was written", |site| fs::write(site.path("epoch.new"), "epoch 0000").unwrap()),
    ("a migration rewrites the store in place", |site| site.sql("VACUUM")),
    ("the file system provides neither inode number nor creation time", |site| {
        let text = fs::read_to_string(site.path("epoch")).unwrap();
        let line = text.lines().find(|line| line.starts_with("store ")).unwrap().to_owned();
        site.edit(&line, "store - -");
    }),
];

#[test]
fn crashes_and_moves_are_not_mistaken_for_a_copy() {
    for (what, crash) in CRASHES {
        let site = Site::after_kill(|_| {});
        crash(&site);
        for _ in 0..2 {
            let app = site.serve(&site.data).unwrap_or_else(|error| panic!("{what}: {error}"));
            let job = jobs::get(&app, &site.caller, site.job).unwrap().job;
            assert_eq!(job.status, JobStatus::Rendering, "{what}");
            drop_and_wait(app, &site.data);
        }
        let moved = site.aside("moved");
        fs::rename(&site.data, &moved).unwrap();
        let app = site.serve(&moved).unwrap_or_else(|error| panic!("{what}, moved: {error}"));
        // As on a clean shutdown.
        app.note_rows().unwrap();
        drop_and_wait(app, &moved);
        site.serve_once(&moved).unwrap_or_else(|error| panic!("{what}, stopped: {error}"));
    }
}

#[test]
fn server_that_cannot_write_beside_its_store_still_serves() {
    let site = Site::after_kill(|_| {});
    // A directory in the way makes writing the file fail, as a full disk would.
    fs::create_dir_all(site.path("epoch.new/x")).unwrap();
    for _ in 0..2 {
        let app = site.serve(&site.data).unwrap();
        app.note_rows().unwrap();
        drop_and_wait(app, &site.data);
    }
}

#[cfg(unix)]
#[test]
fn file_beside_the_store_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::after_kill(|_| {});
    assert_eq!(fs::metadata(site.path("epoch")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn promotion_is_refused_while_a_server_runs_and_reports_its_result() {
    let cli = Cli::new();
    let server = CliServer::start(&cli, &["--plain-http", "loopback"]);
    let refused = cli.run(&["admin", "promote"]);
    assert_ne!(refused.status, 0);
    assert!(refused.err.contains("Stop it, then promote"), "{refused:?}");
    drop(server);

    let data = cli.home().join(".local/share/dinkem-appliance");
    let copy = cli.home().join("copy");
    copy_all(&data, &copy);
    let at = ["--data-dir", copy.to_str().unwrap()];
    let serve =
        |flags: &[&str]| cli.run(&[&["serve", "--listen", "127.0.0.1:0", "--plain-http", "loopback"], flags].concat());
    let refused = serve(&at);
    assert_ne!(refused.status, 0);
    assert!(refused.err.contains(&format!("admin --data-dir {} promote", copy.display())), "{refused:?}");
    let doctor = cli.run(&[&["--json", "admin"], &at[..], &["doctor"]].concat());
    let codes: Vec<_> = doctor.json()["faults"].as_array().unwrap().iter().map(|fault| fault["code"].clone()).collect();
    assert!(codes.contains(&"store_copied".into()), "{doctor:?}");

    let promoted = cli.run(&[&["admin"], &at[..], &["promote"]].concat());
    assert_eq!(promoted.status, 0, "{promoted:?}");
    for text in [copy.to_str().unwrap(), "0 jobs returned to the queue", "join tokens were revoked"] {
        assert!(promoted.out.contains(text), "{promoted:?}");
    }
    drop(CliServer::start(&cli, &["--plain-http", "loopback", at[0], at[1]]));
    assert_eq!(cli.run(&[&["--json", "admin"], &at[..], &["promote"]].concat()).json()["jobs_put_back"], 0);
    let empty = cli.home().join("empty");
    fs::create_dir(&empty).unwrap();
    let nothing = cli.run(&["admin", "--data-dir", empty.to_str().unwrap(), "promote"]);
    assert!(nothing.status != 0 && nothing.err.contains("There is no store"), "{nothing:?}");
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0, "nothing must be created");
    // The original is unchanged.
    drop(CliServer::start(&cli, &["--plain-http", "loopback"]));
}

#[test]
fn missing_store_is_refused_and_not_replaced_by_an_empty_one() {
    let site = Site::after_kill(|_| {});
    for content in [None, Some("")] {
        fs::remove_file(site.path("store.db")).unwrap();
        content.inspect(|content| fs::write(site.path("store.db"), content).unwrap());
        let error = site.serve(&site.data).err().unwrap();
        assert_eq!((error.kind, error.code.as_str()), (Kind::Conflict, "store_missing"), "{error}");
        assert!(error.message.contains("admin restore"), "{error}");
        assert_eq!(fs::read(site.path("store.db")).ok().as_deref(), content.map(str::as_bytes));
        fs::write(site.path("store.db"), "").unwrap();
    }
}

#[test]
fn copy_of_a_running_store_is_refused_when_it_lacks_later_jobs() {
    let site = Site::after_kill(|_| {});
    let app = site.serve(&site.data).unwrap();
    let copy = site.aside("copy.db");
    copy_of_store(&site.data, &copy);
    jobs::submit(&app, &site.caller, spec()).unwrap();
    app.note_rows().unwrap();
    drop_and_wait(app, &site.data);
    fs::write(site.path("store.db"), fs::read(&copy).unwrap()).unwrap();
    let error = site.serve(&site.data).err().unwrap();
    assert_eq!((error.kind, error.code.as_str()), (Kind::Conflict, "store_copied"), "{error}");
    assert!(error.message.contains("it lacks jobs"), "{error}");
}
