//! Restoring when demos or clips are symlinks or separate disks: these stay in place, what cannot be replaced is named
//! before anything is touched, and the server starts whatever went wrong.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use dinkem_appliance::app::upkeep::backup;
use dinkem_appliance::app::{accounts, demos};
use dinkem_appliance::domain::rates::FootageKind;
use dinkem_appliance::os::random::FakeRandom;
use serde_json::Value;

use crate::support::cli::{Cli, CliOutput};
use crate::support::test_app::{self, TestApp, spec};
use crate::support::tools::skip;
use crate::support::worker::Worker;

/// A data directory whose server has stopped, and a full backup of it. After the backup came another account and a file
/// in each folder.
struct Site {
    cli: Cli,
    data: PathBuf,
    backup: PathBuf,
    demo: String,
    clip: String,
}

const LATER: &str = "later";
const FOLDERS: [&str; 2] = ["demos", "clips"];

impl Site {
    fn new() -> Self {
        let cli = Cli::with_empty_home();
        let TestApp { app, clock, random, dir } = TestApp::start();
        let test = TestApp { app, clock, random, dir };
        let (caller, _) = test.account("studio");
        Worker::new(&test.app).complete_job(&caller, FootageKind::of(&spec()));
        demos::receive(&test.app, &caller, &mut b"a demo".as_slice()).unwrap();
        let backup = cli.home().join("all.tar");
        backup::make(&test.admin(), &backup, true).unwrap();
        accounts::create(&test.app, &crate::support::operator(), LATER, false).unwrap();
        let TestApp { app, dir, .. } = test;
        drop(Arc::into_inner(app).unwrap());
        let data = cli.home().join("data");
        fs::rename(dir.keep(), &data).unwrap();
        let only = |folder: &str, end: &str| {
            let names = fs::read_dir(data.join(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.ends_with(end)).max().unwrap()
        };
        let (demo, clip) = (only("demos", ""), only("clips", ".mp4"));
        for folder in FOLDERS {
            fs::write(data.join(folder).join(LATER), LATER).unwrap();
        }
        Self { cli, data, backup, demo, clip }
    }

    fn restore(&self) -> CliOutput {
        let (data, backup) = (self.data.to_str().unwrap(), self.backup.to_str().unwrap());
        self.cli.run(&["--json", "--data-dir", data, "admin", "restore", backup])
    }

    /// Moves a folder elsewhere and leaves a symlink to it.
    fn link(&self, folder: &str) -> PathBuf {
        let place = self.cli.home().join(format!("elsewhere-{folder}"));
        fs::rename(self.data.join(folder), &place).unwrap();
        symlink(&place, self.data.join(folder)).unwrap();
        place
    }

    /// Starts a server here; the names of its accounts.
    fn accounts(&self) -> Vec<String> {
        let clock = Arc::new(dinkem_appliance::os::clock::FakeClock::at(test_app::START_MS));
        let app = test_app::serve(&self.data, &clock, &Arc::new(FakeRandom::default())).unwrap();
        accounts::list(&app).unwrap().into_iter().map(|account| account.name).collect()
    }

    /// Asserts that the folder has the restored files and `aside` has the later ones.
    fn assert_restored(&self, folder: &str, aside: &Path) {
        let restored = if folder == "demos" { &self.demo } else { &self.clip };
        let path = self.data.join(folder);
        assert!(path.join(restored).is_file(), "{folder} has the backup's file");
        assert!(!path.join(LATER).exists(), "{folder} has no later files");
        assert_eq!(fs::read_to_string(aside.join(LATER)).unwrap(), LATER, "{folder}: later files are set aside");
        assert!(!path.join("restore.part").exists() && !path.join("restore.ready").exists(), "{folder}");
    }
}

fn replaced_folders(printed: &Value) -> Vec<PathBuf> {
    printed["replaced_elsewhere"].as_array().unwrap().iter().map(|path| path.as_str().unwrap().into()).collect()
}

#[test]
fn symlinked_folders_stay_symlinks_and_their_content_is_replaced() {
    let site = Site::new();
    let places = FOLDERS.map(|folder| site.link(folder));
    let output = site.restore();
    assert_eq!(output.status, 0, "{output:?}");
    let printed = output.json();
    assert_eq!((&printed["videos"], replaced_folders(&printed).len()), (&1.into(), 2), "{printed}");
    for (folder, place) in FOLDERS.into_iter().zip(&places) {
        assert_eq!(fs::read_link(site.data.join(folder)).unwrap(), *place, "the symlink is unchanged");
        let aside =
            replaced_folders(&printed).into_iter().find(|aside| aside.starts_with(site.data.join(folder))).unwrap();
        site.assert_restored(folder, &aside);
    }
    assert_eq!(site.accounts(), ["studio"]);
    // Restore again.
    for folder in FOLDERS {
        fs::write(site.data.join(folder).join("again"), "again").unwrap();
    }
    let output = site.restore();
    assert_eq!((output.status, replaced_folders(&output.json()).len()), (0, 2), "{output:?}");
    assert_eq!(site.accounts(), ["studio"]);
}

/// A tmpfs, unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    /// `None`, with a message, if this user cannot mount.
    fn at(path: &Path, test: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8g,mode=700", "tmpfs"]).arg(path).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(path.to_owned()));
        }
        skip(&format!("{test}: only root may mount a disk, and not everywhere"));
        None
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Mounts a separate disk for a folder, with a copy of its content.
fn mount(site: &Site, folder: &str, test: &str) -> Option<Mounted> {
    let path = site.data.join(folder);
    let held = site.cli.home().join("held");
    fs::rename(&path, &held).unwrap();
    let mounted = Mounted::at(&path, test)?;
    for entry in fs::read_dir(&held).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
    }
    Some(mounted)
}

#[test]
fn folder_on_its_own_disk_is_restored_on_that_disk() {
    let site = Site::new();
    let Some(_mounted) = mount(&site, "clips", "a restore onto a mount point") else { return };
    fs::create_dir(site.data.join("clips/lost+found")).unwrap();
    let output = site.restore();
    assert_eq!(output.status, 0, "{output:?}");
    let aside = replaced_folders(&output.json()).remove(0);
    assert!(aside.starts_with(site.data.join("clips")), "{aside:?}");
    site.assert_restored("clips", &aside);
    assert!(site.data.join("clips/lost+found").is_dir(), "the file system's own folder stays");
    let plain = PathBuf::from(output.json()["replaced"].as_str().unwrap()).join("demos");
    site.assert_restored("demos", &plain);
    assert_eq!(site.accounts(), ["studio"]);
}

/// An obstacle, and the path that is named.
type Block = (fn(&Site), &'static str);

#[test]
fn irreplaceable_paths_are_named_before_anything_is_touched() {
    let blocks: [Block; 3] = [
        (
            |site| {
                fs::rename(site.data.join("store.db"), site.cli.home().join("real.db")).unwrap();
                symlink(site.cli.home().join("real.db"), site.data.join("store.db")).unwrap();
            },
            "store.db",
        ),
        (|site| symlink("/nowhere", site.data.join("tls")).unwrap(), "tls"),
        (
            |site| {
                let place = site.link("clips");
                fs::remove_dir_all(site.data.join("demos")).unwrap();
                symlink(place, site.data.join("demos")).unwrap();
            },
            "clips",
        ),
    ];
    for (block, name) in blocks {
        let site = Site::new();
        block(&site);
        let output = site.restore();
        assert_eq!((output.status, output.out.as_str()), (1, ""), "{output:?}");
        let path = site.data.join(name);
        assert!(
            output.err.contains(path.to_str().unwrap()) && output.err.contains("Nothing was changed"),
            "{output:?}"
        );
        assert!(site.data.join("clips").join(LATER).exists() && !site.data.join("restore.ready").exists(), "{name}");
        if name != "store.db" {
            assert_eq!(site.accounts(), ["studio", LATER], "the server starts with the old data");
        }
    }
}

/// The state after a crash during a restore: everything is unpacked, nothing has been moved.
fn interrupted(site: &Site, plan: &str) -> PathBuf {
    let new = site.cli.home().join("new");
    let output = site.cli.run(&["--data-dir", "new", "admin", "restore", site.backup.to_str().unwrap()]);
    assert_eq!(output.status, 0, "{output:?}");
    let ready = site.data.join("restore.ready");
    fs::create_dir(&ready).unwrap();
    for name in ["store.db", "epoch", "demos", "clips", "local-nodes"] {
        fs::rename(new.join(name), ready.join(name)).unwrap();
    }
    fs::write(ready.join("aside"), plan).unwrap();
    ready
}

#[test]
fn next_start_removes_what_a_killed_restore_had_unpacked() {
    let site = Site::new();
    let part = site.data.join("restore.part");
    fs::create_dir_all(part.join("clips")).unwrap();
    fs::write(part.join("clips/7.mp4"), "half").unwrap();
    assert_eq!(site.accounts(), ["studio", LATER], "nothing was restored");
    assert!(!part.exists());
}

#[test]
fn next_start_finishes_an_interrupted_restore_or_rolls_it_back() {
    let plan = "replaced-1\nstore.db\nepoch\nlocal-nodes\ndemos\nclips\n";
    let site = Site::new();
    interrupted(&site, plan);
    assert_eq!(site.accounts(), ["studio"], "the restore is finished");
    site.assert_restored("clips", &site.data.join("replaced-1/clips"));

    let site = Site::new();
    let ready = interrupted(&site, plan);
    let Some(_mounted) = mount(&site, "clips", "a start with a disk in a restore's way") else { return };
    let data = site.data.to_str().unwrap();
    let output = site.cli.run(&["--json", "--data-dir", data, "admin", "doctor", "--fix"]);
    assert!(output.out.contains(&format!("{data}/clips")), "the blocking path is named: {output:?}");
    assert_eq!(site.accounts(), ["studio", LATER], "the server starts with the old data");
    for folder in FOLDERS {
        assert_eq!(fs::read_to_string(site.data.join(folder).join(LATER)).unwrap(), LATER, "{folder}");
    }
    assert!(!ready.exists() && !site.data.join("replaced-1").exists(), "no files of the restore must be left");
}

#[test]
fn restore_behind_a_symlink_interrupted_anywhere_is_finished_by_the_next_start() {
    // Progress at the crash: old files set aside, whether the new ones were ready, new files in place.
    for (aside, is_ready, placed) in [(0, false, 0), (1, false, 0), (2, false, 0), (2, true, 0), (2, true, 1)] {
        let site = Site::new();
        let place = site.link("clips");
        fs::write(place.join(&site.clip), "old").unwrap();
        fs::remove_file(place.join(site.clip.replace(".mp4", ".jpg"))).ok();
        let ready = interrupted(&site, "replaced-1\nstore.db\nepoch\nlocal-nodes\ndemos\nclips behind\n");
        let staged = place.join(if is_ready { "restore.ready" } else { "restore.part" });
        fs::rename(ready.join("clips"), &staged).unwrap();
        fs::create_dir(place.join("replaced-1")).unwrap();
        for name in [LATER, &site.clip].iter().take(aside) {
            fs::rename(place.join(name), place.join("replaced-1").join(name)).unwrap();
        }
        if placed > 0 {
            fs::rename(staged.join(&site.clip), place.join(&site.clip)).unwrap();
        }
        let case = format!("{aside} aside, {is_ready}, {placed} placed");
        assert_eq!(site.accounts(), ["studio"], "{case}");
        site.assert_restored("clips", &place.join("replaced-1"));
        assert_eq!(fs::read_to_string(place.join("replaced-1").join(&site.clip)).unwrap(), "old", "{case}");
        assert!(fs::metadata(place.join(&site.clip)).unwrap().len() > 3, "{case}");
    }
}
