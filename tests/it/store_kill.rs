//! Repeated `kill -9` of a process that writes to the store: every acknowledged write survives.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use dinkem_appliance::store::{Store, accounts};
use rusqlite::Connection;
use uuid::Uuid;

use crate::support::rng::Rng;

const ROUNDS: u32 = 50;
/// Concurrent writers, whose operations share commits.
const WRITERS: u32 = 8;
/// Maximum of acknowledged writes before a kill.
const MAX_ACKNOWLEDGED: usize = 200;
/// Environment variable with the child's round and directory.
const CHILD: &str = "STORE_KILL_CHILD";
/// Prefix of acknowledged names in the output.
const ACKNOWLEDGED: &str = "acknowledged ";

/// Not a test by itself: the child process that is killed. Does nothing without the variable.
#[test]
fn child_process_entry_point() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (round, dir) = task.split_once(' ').unwrap();
    let kills: u128 = round.parse().unwrap();
    let store = Store::serve(Path::new(dir), Arc::default()).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || {
                for number in 0_u32.. {
                    let name = format!("{round}-{writer}-{number}");
                    let id = (kills << 64) + (u128::from(writer) << 32) + u128::from(number);
                    let (id, given) = (Uuid::from_u128(id), name.clone());
                    store.write(move |tx| accounts::insert(tx, id, &given, 0)).unwrap();
                    writeln!(std::io::stdout().lock(), "{ACKNOWLEDGED}{name}").unwrap();
                }
            });
        }
    });
}

#[test]
fn acknowledged_writes_survive_repeated_kills() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (mut acknowledged, mut rng) = (HashSet::new(), Rng::new(50));
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store_kill::child_process_entry_point", "--nocapture"])
            .env(CHILD, format!("{round} {}", data.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut names = lines.by_ref().filter_map(|line| line.strip_prefix(ACKNOWLEDGED).map(str::to_owned));
        acknowledged.extend(names.by_ref().take(1 + rng.below(MAX_ACKNOWLEDGED)));
        child.kill().unwrap();
        // Lines printed before the kill count too, except the last one, which may be incomplete.
        let rest: Vec<_> = names.collect();
        acknowledged.extend(rest.iter().rev().skip(1).cloned());
        child.wait().unwrap();
    }
    assert!(acknowledged.len() >= ROUNDS as usize, "{}", acknowledged.len());
    drop(Store::serve(&data, Arc::default()).unwrap());
    let db = Connection::open(data.join("store.db")).unwrap();
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let mut names = db.prepare("SELECT name FROM accounts").unwrap();
    let kept: HashSet<String> = names.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let lost: Vec<_> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), acknowledged.len());
}
