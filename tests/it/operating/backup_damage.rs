//! A backup is restored only if it is intact to the last byte, and a refused one changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use dinkem_appliance::app::upkeep::backup;
use dinkem_appliance::os::archive::Writer;
use dinkem_appliance::os::clock::FakeClock;
use dinkem_appliance::os::random::FakeRandom;

use crate::support::cli::Cli;
use crate::support::rng::Rng;

/// A data directory with one account, and its backup.
struct Site {
    cli: Cli,
    data: PathBuf,
    good: Vec<u8>,
}

impl Site {
    fn new() -> Self {
        let cli = Cli::new();
        assert_eq!(cli.run(&["admin", "account", "create", "studio"]).status, 0);
        assert_eq!(cli.run(&["admin", "tls", "show"]).status, 0);
        assert_eq!(cli.run(&["admin", "backup", "good.tar"]).status, 0);
        let good = fs::read(cli.home().join("good.tar")).unwrap();
        let data = cli.home().join(".local/share/dinkem-appliance");
        Self { cli, data, good }
    }

    /// Restores a file with this content: the error code if it is refused.
    fn restore_error(&self, content: &[u8]) -> Option<&'static str> {
        let file = self.cli.home().join("bad.tar");
        fs::write(&file, content).unwrap();
        backup::restore(&self.data, &file, &FakeClock::at(0), &FakeRandom::default())
            .err()
            .map(|error| error.code.as_str())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn corrupt_or_truncated_backup_is_refused_and_changes_nothing() {
    let site = Site::new();
    let (before, store) = (names(&site.data), fs::read(site.data.join("store.db")).unwrap());
    let length = site.good.len();
    let mut rng = Rng::new(7);
    // Headers with their padding, the store, the end; then random places.
    let known = (0..length).step_by(512).chain((0..4_096).step_by(31)).chain(length - 2_048..length);
    let anywhere: Vec<usize> = (0..300).map(|_| rng.below(length)).collect();
    for at in known.chain(anywhere) {
        let mut bad = site.good.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(
            matches!(site.restore_error(&bad), Some("backup_damaged" | "backup_foreign")),
            "bit flipped in byte {at} of {length}"
        );
    }
    for cut in [0, 1, 511, 512, 2_048, length / 2, length - 2_048, length - 512, length - 1] {
        assert!(site.restore_error(&site.good[..cut]).is_some(), "cut to {cut} of {length} bytes");
    }
    assert_eq!((names(&site.data), fs::read(site.data.join("store.db")).unwrap()), (before, store));
    assert_eq!(site.restore_error(&site.good), None, "the intact backup is accepted");
}

#[test]
fn refusal_says_what_is_wrong_with_the_file() {
    let site = Site::new();
    let mut flipped = site.good.clone();
    flipped[site.good.len() / 2] ^= 1;
    let cases = [
        ("flipped.tar", flipped, "flipped.tar is damaged"),
        ("short.tar", site.good[..site.good.len() - 1].to_vec(), "short.tar is damaged"),
        ("text.tar", b"not a backup".to_vec(), "text.tar is not a dinkem-appliance backup"),
        ("zeros.tar", vec![0; 8_192], "zeros.tar is not a dinkem-appliance backup"),
    ];
    for (name, content, message) in cases {
        fs::write(site.cli.home().join(name), content).unwrap();
        let output = site.cli.run(&["admin", "restore", name]);
        assert_eq!((output.status, output.err.lines().count()), (1, 1), "{output:?}");
        assert!(output.err.contains(message), "{output:?}");
    }
    let missing = site.cli.run(&["admin", "restore", "none.tar"]);
    assert!(
        missing.status == 1 && missing.err.contains("Cannot read") && missing.err.contains("none.tar"),
        "{missing:?}"
    );
}

type Entries<'a> = Vec<(&'a str, &'a [u8])>;

/// Writes a valid archive of these entries.
fn archive(path: &Path, entries: &Entries<'_>) {
    let mut writer = Writer::create(path).unwrap();
    for (name, content) in entries {
        writer.add(name, content.len() as u64, &mut &content[..]).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn valid_archives_that_are_not_our_backups_are_refused() {
    let site = Site::new();
    let describe = |format: u32| {
        format!(r#"{{"format":{format},"program":"9.9.9","made_at_ms":0,"accounts":0,"jobs":0,"videos":false}}"#)
    };
    let (ours, newer) = (describe(1), describe(2));
    let [ours, newer] = [ours.as_bytes(), newer.as_bytes()];
    let first = "dinkem-backup.json";
    let newer_store = {
        let path = site.cli.home().join("newer.db");
        fs::copy(site.data.join("store.db"), &path).unwrap();
        rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 999").unwrap();
        fs::read(path).unwrap()
    };
    let cases: [(&str, Entries<'_>, &str); 7] = [
        ("another first entry", vec![("store.db", b"x")], "backup_foreign"),
        ("no store", vec![(first, ours)], "backup_foreign"),
        ("a newer form", vec![(first, newer), ("store.db", b"x")], "backup_newer"),
        ("no description", vec![(first, b"{}"), ("store.db", b"x")], "backup_damaged"),
        ("a file for elsewhere", vec![(first, ours), ("store.db", b"x"), ("clips/evil.sh", b"x")], "backup_foreign"),
        ("a newer store", vec![(first, ours), ("store.db", &newer_store)], "store_newer"),
        ("no database", vec![(first, ours), ("store.db", b"not a database at all")], "internal"),
    ];
    let before = fs::read(site.data.join("store.db")).unwrap();
    for (what, entries, code) in cases {
        let path = site.cli.home().join("made.tar");
        archive(&path, &entries);
        let refused = backup::restore(&site.data, &path, &FakeClock::at(0), &FakeRandom::default())
            .err()
            .map(|error| error.code.as_str());
        assert_eq!(refused, Some(code), "{what}");
        assert_eq!(fs::read(site.data.join("store.db")).unwrap(), before, "{what}");
    }
}
