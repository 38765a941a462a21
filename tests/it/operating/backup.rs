//! A backup contains everything, and a restored appliance continues where the old one stopped.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dinkem_appliance::app::upkeep::backup::{self, Backup, Restored};
use dinkem_appliance::app::{App, audit, demos, jobs, nodes};
use dinkem_appliance::domain::clip::Clip;
use dinkem_appliance::domain::error::Error;
use dinkem_appliance::domain::job::{Caller, JobStatus};
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::os::random::FakeRandom;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;
use crate::support::epochs::clip_file;
use crate::support::test_app::{self, TestApp, spec};
use crate::support::worker::Worker;

/// A server with an uploaded demo, a finished clip, a failed, a cancelled and a waiting job.
struct Studio {
    test: TestApp,
    caller: Caller,
    done: Uuid,
    waiting: Uuid,
    demo: PathBuf,
    scratch: TempDir,
}

impl Studio {
    fn open() -> Self {
        let test = TestApp::start();
        let (caller, _) = test.account("studio");
        let worker = Worker::new(&test.app);
        let kind = FootageKind::of(&spec());
        let done = worker.complete_job(&caller, kind);
        worker.fail_job(&caller, kind);
        let cancelled = worker.submit(&caller, kind);
        worker.remove(&caller, cancelled);
        let waiting = worker.submit(&caller, kind);
        let stored = demos::receive(&test.app, &caller, &mut b"a demo".as_slice()).unwrap();
        let demo = test.dir.path().join("demos").join(stored.sha256.to_string());
        Self { test, caller, done, waiting, demo, scratch: tempfile::tempdir().unwrap() }
    }

    fn backup(&self, videos: bool) -> (PathBuf, Backup) {
        let path = self.scratch.path().join(if videos { "with-videos.tar" } else { "without.tar" });
        let made = backup::make(&self.test.admin(), &path, videos).unwrap();
        (path, made)
    }

    fn restore(&self, to: &Path, from: &Path) -> Result<Restored, Error> {
        backup::restore(to, from, &*self.test.clock, &*self.test.random)
    }

    /// A server on a restored directory.
    fn serve(&self, dir: &Path) -> Arc<App> {
        test_app::serve(dir, &self.test.clock, &Arc::new(FakeRandom::default())).unwrap()
    }

    fn clip(&self, app: &App) -> Option<Clip> {
        jobs::get(app, &self.caller, self.done).unwrap().job.clip
    }
}

fn read(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    fs::read(path).ok()
}

#[test]
fn backup_with_videos_restores_everything_on_a_new_machine() {
    let studio = Studio::open();
    let (file, made) = studio.backup(true);
    assert_eq!((made.accounts, made.jobs, made.demos, made.videos), (1, 4, 1, Some(1)));
    assert_eq!((made.left_out, made.bytes), (Vec::<String>::new(), fs::metadata(&file).unwrap().len()));
    let before = studio.clip(&studio.test.app).unwrap();

    let new = tempfile::tempdir().unwrap();
    let dir = new.path().join("data");
    let restored = studio.restore(&dir, &file).unwrap();
    assert_eq!((restored.accounts, restored.jobs, restored.videos, restored.forgotten), (1, 4, 1, 0));
    assert_eq!(restored.aside, None, "there was nothing to set aside");
    let app = studio.serve(&dir);
    let after = studio.clip(&app).unwrap();
    assert_eq!((before.token.reveal(), before.lease), (after.token.reveal(), after.lease));
    let video = clip_file(studio.test.dir.path(), after.lease, "mp4");
    assert_eq!(read(dir.join(&video)), read(studio.test.dir.path().join(&video)));
    assert_eq!(read(dir.join("demos").join(studio.demo.file_name().unwrap())).as_deref(), Some(&b"a demo"[..]));
    assert_eq!(jobs::get(&app, &studio.caller, studio.waiting).unwrap().job.status, JobStatus::Queued);
    let latest = audit::list(&app, 1).unwrap().remove(0);
    assert_eq!((latest.action.as_str(), latest.subject.as_str()), ("restore", file.to_str().unwrap()));
}

#[test]
fn backup_without_videos_keeps_existing_clips_and_forgets_the_rest() {
    let studio = Studio::open();
    let (file, made) = studio.backup(false);
    assert_eq!(made.videos, None);
    let other = tempfile::tempdir().unwrap();
    let restored = studio.restore(other.path(), &file).unwrap();
    assert_eq!((restored.videos, restored.forgotten), (0, 1));
    let app = studio.serve(other.path());
    let job = jobs::get(&app, &studio.caller, studio.done).unwrap().job;
    assert_eq!((job.status, job.clip.is_none()), (JobStatus::Done, true));

    // On the original machine, which still has its clips.
    let Studio { test, caller, done, .. } = studio;
    let TestApp { app, clock, random, dir } = test;
    drop(Arc::into_inner(app).unwrap());
    let restored = backup::restore(dir.path(), &file, &*clock, &*random).unwrap();
    assert_eq!((restored.videos, restored.forgotten), (1, 0));
    let aside = restored.aside.expect("the old data is kept");
    assert!(aside.starts_with(dir.path()) && aside.join("store.db").exists());
    let app = test_app::serve(dir.path(), &clock, &random).unwrap();
    let clip = jobs::get(&app, &caller, done).unwrap().job.clip.unwrap();
    let video = clip_file(&aside, clip.lease, "mp4");
    assert!(dir.path().join(&video).exists() && aside.join(&video).exists());
}

#[test]
fn ids_and_tokens_from_after_the_backup_are_not_reused() {
    let studio = Studio::open();
    let token = nodes::token(&studio.test.app, &crate::support::operator()).unwrap();
    let (file, _) = studio.backup(false);
    nodes::join(&studio.test.app, &token, "since").unwrap();
    let worker = Worker::new(&studio.test.app);
    let since = worker.claim().lease.id;
    let lost = jobs::submit(&studio.test.app, &studio.caller, spec()).unwrap().job.public_id;

    let new = tempfile::tempdir().unwrap();
    let window = studio.restore(new.path(), &file).unwrap().lost;
    assert!((window.from_ms..=window.until_ms).contains(&test_app::START_MS), "{window:?}");
    let app = studio.serve(new.path());
    let unknown = jobs::get(&app, &studio.caller, lost).err().unwrap();
    assert_eq!(unknown.code.as_str(), "lost_in_failover", "{unknown}");
    assert_eq!(nodes::join(&app, &token, "again").err().map(|error| error.code.as_str()), Some("join_token_refused"));
    let later = Worker::new(&app).claim().lease.id;
    assert!(later.0 > since.0 + 1_000, "{later} may have been granted before {since}");
}

#[test]
fn restored_lease_expires_and_its_job_goes_to_another_node() {
    let studio = Studio::open();
    let held = Worker::new(&studio.test.app).claim().job.job.public_id;
    let (file, _) = studio.backup(false);
    let new = tempfile::tempdir().unwrap();
    studio.restore(new.path(), &file).unwrap();
    let app = studio.serve(new.path());
    studio.test.clock.advance(test_app::LEASE);
    dinkem_appliance::app::leases::expire(&app).unwrap();
    assert_eq!(Worker::new(&app).claim().job.job.public_id, held);
}

#[test]
fn missing_or_damaged_files_are_left_out_and_named() {
    let studio = Studio::open();
    let clip = studio.clip(&studio.test.app).unwrap();
    let video = studio.test.dir.path().join(clip_file(studio.test.dir.path(), clip.lease, "mp4"));
    let mut bytes = fs::read(&video).unwrap();
    bytes[100] ^= 1;
    fs::write(&video, bytes).unwrap();
    fs::remove_file(&studio.demo).unwrap();
    let (file, made) = studio.backup(true);
    let demo = format!("demos/{}", studio.demo.file_name().unwrap().to_str().unwrap());
    assert_eq!(made.left_out, [demo, clip_file(studio.test.dir.path(), clip.lease, "mp4")]);
    assert_eq!((made.demos, made.videos), (0, Some(0)));
    let new = tempfile::tempdir().unwrap();
    assert_eq!(studio.restore(new.path(), &file).unwrap().forgotten, 1);
}

#[test]
fn deleted_clip_is_not_reported_as_missing() {
    let studio = Studio::open();
    jobs::remove(&studio.test.app, &studio.caller, studio.done).unwrap();
    let (_, made) = studio.backup(true);
    assert_eq!((made.videos, made.left_out), (Some(0), Vec::new()));
}

/// Relative paths of all files in a folder.
fn relative_files(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            relative_files(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path);
        }
    }
}

/// Files that a restored data directory does not need.
fn is_temporary(path: &str) -> bool {
    ["ballast", "lock", "store.db-wal", "store.db-shm"].contains(&path)
        || path == "local-nodes/1/lock"
        || path.starts_with("local-nodes/1/cache")
}

#[test]
fn every_file_of_a_data_directory_is_restored_or_known_to_be_temporary() {
    let cli = Cli::new();
    let server = CliServer::start(&cli, &["--local-nodes", "1"]);
    let made = cli.run(&["--json", "admin", "account", "create", "studio"]).json();
    cli.run(&["admin", "activate"]);
    let key = made["metered_key"].as_str().unwrap();
    let fingerprint = cli.run(&["--json", "admin", "tls", "show"]).json()["fingerprint"].clone();
    let output = cli.run(&["--json", "admin", "backup", "all.tar", "--videos"]);
    assert_eq!(output.status, 0, "{output:?}");
    let printed = output.json();
    assert_eq!(
        (&printed["accounts"], &printed["jobs"], &printed["path"]),
        (&json!(1), &json!(0), &json!(cli.home().join("all.tar")))
    );
    let data = cli.home().join(".local/share/dinkem-appliance");
    let (mut served, mut restored) = (BTreeSet::new(), BTreeSet::new());
    relative_files(&data, "", &mut served);
    #[cfg(unix)]
    assert_eq!(mode(&cli.home().join("all.tar")), 0o600);
    drop(server);

    let output = cli.run(&["--json", "--data-dir", "new", "admin", "restore", "all.tar"]);
    assert_eq!((output.status, &output.json()["replaced"]), (0, &json!(null)), "{output:?}");
    relative_files(&cli.home().join("new"), "", &mut restored);
    let lost: Vec<_> = served.difference(&restored).filter(|path| !is_temporary(path)).collect();
    assert!(lost.is_empty() && served.contains("local-nodes/1/node.json"), "{lost:?} of {served:?}");
    let shown = cli.run(&["--json", "--data-dir", "new", "admin", "tls", "show"]).json();
    assert_eq!(shown["fingerprint"], fingerprint);
    let server = CliServer::start(&cli, &["--data-dir", "new", "--local-nodes", "1"]);
    assert_eq!(server.get("/api/account", key).0, 200);
    let nodes = cli.run(&["--json", "--data-dir", "new", "admin", "nodes", "list"]).json();
    assert_eq!(nodes["nodes"].as_array().map(Vec::len), Some(1), "the local node keeps its identity");
}

#[test]
fn backup_is_never_overwritten_or_left_incomplete() {
    let cli = Cli::new();
    assert_eq!(cli.run(&["admin", "backup", "a.tar"]).status, 0);
    let first = fs::read(cli.home().join("a.tar")).unwrap();
    let again = cli.run(&["admin", "backup", "a.tar"]);
    assert_eq!(again.status, 1, "{again:?}");
    assert!(again.err.contains("a.tar already exists"), "{again:?}");
    assert_eq!(fs::read(cli.home().join("a.tar")).unwrap(), first);
    let nowhere = cli.run(&["admin", "backup", "no/such/place/a.tar"]);
    assert_eq!((nowhere.status, nowhere.err.lines().count()), (1, 1), "{nowhere:?}");
    let left: Vec<_> = fs::read_dir(cli.home()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".dinkem-backup")), "{left:?}");
}

#[test]
fn restore_is_refused_while_a_server_runs_and_admin_is_refused_during_an_unfinished_restore() {
    let cli = Cli::new();
    cli.run(&["admin", "account", "create", "studio"]);
    assert_eq!(cli.run(&["admin", "backup", "a.tar"]).status, 0);
    let server = CliServer::start(&cli, &[]);
    let refused = cli.run(&["admin", "restore", "a.tar"]);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("Stop it, then restore"), "{refused:?}");
    assert_eq!(accounts(&cli), 1);
    drop(server);

    // The state after a crash between two renames.
    let data = cli.home().join(".local/share/dinkem-appliance");
    let ready = data.join("restore.ready");
    fs::create_dir(&ready).unwrap();
    for name in ["demos", "clips", "local-nodes"] {
        fs::create_dir(ready.join(name)).unwrap();
    }
    // A restored store has not been served yet.
    rusqlite::Connection::open(data.join("store.db")).unwrap().execute_batch("DELETE FROM epochs").unwrap();
    fs::rename(data.join("store.db"), ready.join("store.db")).unwrap();
    fs::write(ready.join("aside"), "replaced-1").unwrap();
    let waits = cli.run(&["admin", "account", "list"]);
    assert!(waits.status == 1 && waits.err.contains("Start the server to complete it"), "{waits:?}");
    drop(CliServer::start(&cli, &["--plain-http", "loopback"]));
    assert_eq!(accounts(&cli), 1);
}

fn accounts(cli: &Cli) -> usize {
    cli.run(&["--json", "admin", "account", "list"]).json()["accounts"].as_array().unwrap().len()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
