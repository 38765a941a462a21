//! A store from before epochs gets its first one when it is updated. Its leases and files keep their names, and a copy
//! that was made before the update is still detected.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dinkem_appliance::app::{App, clips, jobs, leases};
use dinkem_appliance::domain::job::{JobStatus, Stage};
use dinkem_appliance::domain::lease::Progress;
use dinkem_appliance::domain::sha256::Sha256;
use rusqlite::Connection;

use crate::support::epochs::{clip_file, epoch_of};
use crate::support::test_app::{self, TestApp, spec};
use crate::support::video::{CLIP, POSTER};
use crate::support::wait::until;

/// The mark of the older store; its beginning becomes the epoch.
const MARK: &str = "7f3a9c1e000102030405060708090a0b";
const EPOCH: &str = "7f3a9c1e";

/// Turns a data directory into one of version 6, which had no epochs.
fn put_back_to_version_6(data: &Path) {
    let db = Connection::open(data.join("store.db")).unwrap();
    db.execute_batch(&format!(
        "DROP TABLE epochs;
         CREATE TABLE served (
             id   INTEGER PRIMARY KEY CHECK (id = 1),
             mark BLOB    NOT NULL CHECK (length(mark) = 16)
         ) STRICT;
         INSERT INTO served (id, mark) VALUES (1, x'{MARK}');
         PRAGMA user_version = 6"
    ))
    .unwrap();
    let text = fs::read_to_string(data.join("epoch")).unwrap();
    let numbers: Vec<_> = text.lines().skip(1).take(3).collect();
    fs::write(data.join("served"), format!("{}\nmarks {MARK}\n", numbers.join("\n"))).unwrap();
    let prefix = format!("{}-", epoch_of(data));
    for entry in fs::read_dir(data.join("clips")).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name().into_string().unwrap());
        fs::rename(path, data.join("clips").join(name.strip_prefix(&prefix).unwrap())).unwrap();
    }
    fs::remove_file(data.join("epoch")).unwrap();
}

fn close(app: Arc<App>, data: &Path) {
    drop(Arc::into_inner(app).unwrap());
    until("the store to be closed", || (!data.join("store.db-wal").exists()).then_some(()));
}

fn names(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data.join("clips")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn update_keeps_the_names_of_leases_and_files_and_begins_an_epoch() {
    let test = TestApp::start();
    let (caller, _) = test.account("studio");
    let node = test.node("n1");
    let submit = |app: &App| jobs::submit(app, &caller, spec()).unwrap().job.public_id;
    let done = submit(&test.app);
    let grant = test.claim(&node).unwrap();
    leases::append_video(&test.app, &node, grant.lease.id, 0, &mut &CLIP[..]).unwrap();
    leases::put_poster(&test.app, &node, grant.lease.id, &mut &POSTER[..]).unwrap();
    leases::complete(&test.app, &node, grant.lease.id, Sha256::of(&*CLIP).into()).unwrap();
    let running = submit(&test.app);
    let held = test.claim(&node).unwrap().lease.id;
    let TestApp { app, clock, random, dir } = test;
    close(app, dir.path());
    put_back_to_version_6(dir.path());
    let old_names = [format!("{}.jpg", grant.lease.id), format!("{}.mp4", grant.lease.id)];
    assert_eq!(names(dir.path()), old_names);

    let copy = test_app::private_dir();
    for name in ["store.db", "served"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let refused = test_app::serve(copy.path(), &clock, &random).err().unwrap();
    assert_eq!(refused.code.as_str(), "store_copied", "{refused}");
    assert!(refused.message.contains("copied or replaced"), "{refused}");
    fs::remove_file(copy.path().join("served")).unwrap();
    let refused = test_app::serve(copy.path(), &clock, &random).err().unwrap();
    assert!(refused.message.contains("the file epoch next to it is missing"), "{refused}");

    for _ in 0..2 {
        let app = test_app::serve(dir.path(), &clock, &random).unwrap();
        assert_eq!((epoch_of(dir.path()).as_str(), dir.path().join("served").exists()), (EPOCH, false));
        let clip = jobs::get(&app, &caller, done).unwrap().job.clip.unwrap();
        assert_eq!(clips::open_video(&app, &clip.token).unwrap().bytes, CLIP.len() as u64);
        clips::open_poster(&app, &clip.token).unwrap();
        assert_eq!(dinkem_appliance::app::upkeep::sweep::sweep(&app).unwrap(), 0);
        assert_eq!(names(dir.path()), old_names);
        // A node goes on with its lease across the update.
        assert_eq!(leases::name(&app, held).to_string(), held.to_string());
        leases::heartbeat(&app, &node, held, Progress { stage: Stage::Rendering, fraction: 0.5 }).unwrap();
        assert_eq!(jobs::get(&app, &caller, running).unwrap().job.status, JobStatus::Rendering);
        close(app, dir.path());
    }

    let app = test_app::serve(dir.path(), &clock, &random).unwrap();
    jobs::remove(&app, &caller, running).unwrap();
    submit(&app);
    let new = leases::claim(&app, &node, test_app::BUILTIN, 1, std::time::Duration::ZERO).unwrap().unwrap().lease.id;
    leases::append_video(&app, &node, new, 0, &mut &CLIP[..]).unwrap();
    assert_eq!(leases::name(&app, new).to_string(), format!("{EPOCH}-{new}"));
    assert!(dir.path().join(clip_file(dir.path(), new, "mp4")).exists());
}
