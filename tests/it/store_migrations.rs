//! Migrations: an older store gets the current schema and keeps its rows, after a backup; a failed migration changes
//! nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use dinkem_appliance::domain::error::Error;
use dinkem_appliance::domain::id::{AccountId, JobId};
use dinkem_appliance::domain::job::JobStatus;
use dinkem_appliance::domain::join_token::JoinToken;
use dinkem_appliance::domain::key::{KeyHash, Secret};
use dinkem_appliance::domain::ledger::Ended;
use dinkem_appliance::domain::money::Micros;
use dinkem_appliance::domain::retention::Scope;
use dinkem_appliance::store::clips::Old;
use dinkem_appliance::store::{self, Store};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::test_app::private_dir;

/// The schemas of earlier versions.
const SCHEMAS: [&str; 2] = [include_str!("golden/schema_1.sql"), include_str!("golden/schema_2.sql")];

/// A data directory of an earlier version with an account and a completed job.
fn of_version(version: usize) -> TempDir {
    let dir = private_dir();
    let old = Connection::open(dir.path().join("store.db")).unwrap();
    old.execute_batch(SCHEMAS[version - 1]).unwrap();
    old.execute_batch(&format!(
        "INSERT INTO accounts VALUES (7, randomblob(16), 'studio', 'active', 2, 5);
         PRAGMA foreign_keys = OFF;
         INSERT INTO api_keys (hash, id, account, class, created_at_ms) VALUES (randomblob(32), 1, 7, 'metered', 5);
         INSERT INTO jobs (id, public_id, account, key, class, status, renderer, demo_url, steam64_id, round, fps,
             resolution, spec_show_xray, cl_draw_only_deathnotices, failure_code, created_at_ms, finished_at_ms)
         VALUES
             (3, randomblob(16), 7, 1, 'metered', 'done', 'game', 'x', 1, 1, 60, 1440, 0, 1, NULL, 5, 6),
             (4, randomblob(16), 7, 1, 'metered', 'failed', 'game', 'x', 1, 1, 60, 1440, 0, 1, 'render_failed', 5, 8),
             (5, randomblob(16), 7, 1, 'metered', 'cancelled', 'game', 'x', 1, 1, 60, 1440, 0, 1, NULL, 5, 7),
             (6, randomblob(16), 7, 1, 'metered', 'queued', 'game', 'x', 1, 1, 60, 1440, 0, 1, NULL, 5, NULL);
         INSERT INTO nodes (id, public_id, name, key_hash, joined_at_ms, seen_at_ms, slots, renderers)
         VALUES (1, randomblob(16), 'node', randomblob(32), 0, 0, 1, 'game');
         INSERT INTO leases (id, job, node, state, started_at_ms, ended_at_ms) VALUES (9, 3, 1, 'done', 5, 6);
         INSERT INTO clips (job, token, lease, bytes, sha256, width, height, frames, fps, duration_ms, has_audio, view)
         VALUES (3, '0123456789abcdef0123456789abcdef', 9, 500, zeroblob(32), 1, 1, 1, 60, 12345, 0, 'tactical');
         INSERT INTO ledger (job, account, class, renderer, footage_ms, fps, resolution, at_ms)
         VALUES (3, 7, 'metered', 'game', 12345, 60, 1440, 6);
         PRAGMA user_version = {version}"
    ))
    .unwrap();
    dir
}

fn version_1() -> TempDir {
    of_version(1)
}

fn serve(dir: &Path) -> Result<Store, Error> {
    Store::serve(dir, Arc::default())
}

/// All tables, columns, indexes, triggers, views and checks.
fn schema_of(store: &Path) -> Vec<String> {
    let db = Connection::open(store).unwrap();
    let sql = "
        SELECT kind || ' ' || what FROM (
            SELECT 'column' AS kind, t.name || '.' || c.cid || ' ' || c.name || ' ' || c.type || ' ' || c.\"notnull\"
                || ' ' || COALESCE(c.dflt_value, '-') || ' ' || c.pk AS what
            FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table'
            UNION ALL
            SELECT 'index', t.name || ' ' || i.name || ' ' || i.\"unique\" || ' ' || i.partial || ' '
                || COALESCE(c.name, '-')
            FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c WHERE t.type = 'table'
            UNION ALL
            SELECT type, name || ' ' || tbl_name FROM sqlite_schema WHERE type IN ('trigger', 'view')
        ) ORDER BY 1";
    let mut rows = db.prepare(sql).unwrap();
    let mut schema: Vec<String> = rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let mut tables = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql <> ''").unwrap();
    let tables = tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut checks: Vec<String> = tables.flat_map(|table| checks_of(&table.unwrap())).collect();
    checks.sort();
    schema.append(&mut checks);
    schema
}

/// The checks of a table, without comments and line breaks.
fn checks_of((table, sql): &(String, String)) -> Vec<String> {
    let words = sql.lines().flat_map(|line| line.split("--").next().unwrap_or_default().split_whitespace());
    let sql = words.collect::<Vec<_>>().join(" ");
    let starts = sql.match_indices("CHECK (").map(|(start, _)| &sql[start..]);
    let until_closed = |text: &str| {
        let mut depth = 0;
        let end = text.char_indices().find(|(_, letter)| {
            depth += match letter {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            *letter == ')' && depth == 0
        });
        text[..end.expect("a closed check").0].to_owned()
    };
    starts.map(|text| format!("check {table} {}", until_closed(text))).collect()
}

fn version(store: &Path) -> i64 {
    Connection::open(store).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

#[test]
fn migrated_store_has_the_current_schema_and_keeps_its_rows() {
    let new = tempfile::tempdir().unwrap();
    serve(new.path()).unwrap();
    (1..=SCHEMAS.len()).for_each(|version| assert_migrates_to(&of_version(version), &new));
}

fn assert_migrates_to(old: &TempDir, new: &TempDir) {
    let migrated = serve(old.path()).unwrap();
    let accounts = migrated.read(store::accounts::all).unwrap();
    assert_eq!(
        accounts.iter().map(|account| (account.name.as_str(), account.dinks)).collect::<Vec<_>>(),
        [("studio", 2)]
    );
    // There were no prices yet.
    let billed = migrated.read(|db| store::ledger::page(db, JobId(0), 10)).unwrap();
    assert_eq!(
        billed.iter().map(|row| (row.job, row.footage_ms, row.rate, row.amount)).collect::<Vec<_>>(),
        [(JobId(3), 12_345, Micros::ZERO, Micros::ZERO)]
    );
    let all = Scope::AllBut(BTreeSet::new());
    let clips = migrated.read(|db| store::clips::oldest(db, &all, None, 10)).unwrap();
    assert_eq!(clips, [Old { job: JobId(3), finished_at_ms: 6, bytes: 500 }]);
    let mine = Scope::One(AccountId(7));
    assert_eq!(migrated.read(|db| store::clips::scope_bytes(db, &mine)).unwrap(), 500);
    let unbilled =
        migrated.read(|db| store::unbilled::of_account(db, AccountId(7), Ended::before(0), 100, 10)).unwrap();
    let unbilled: Vec<_> = unbilled.iter().map(|row| (row.ended.at_ms, row.ended.job, row.end)).collect();
    assert_eq!(unbilled, [(7, JobId(5), JobStatus::Cancelled), (8, JobId(4), JobStatus::Failed)]);
    assert_eq!(schema_of(&old.path().join("store.db")), schema_of(&new.path().join("store.db")));
    assert_eq!(version(&old.path().join("store.db")), version(&new.path().join("store.db")));
}

#[test]
fn store_is_backed_up_before_migration() {
    let dir = version_1();
    let copy = dir.path().join("backups/store-version-1.db");
    serve(dir.path()).unwrap();
    assert_eq!(version(&copy), 1);
    let name: String = Connection::open(&copy)
        .unwrap()
        .query_row("SELECT name FROM accounts WHERE id = 7", [], |row| row.get(0))
        .unwrap();
    assert_eq!(name, "studio");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn demos_indexed_by_an_older_version_are_indexed_again() {
    let dir = version_1();
    let old = Connection::open(dir.path().join("store.db")).unwrap();
    old.execute_batch(include_str!("../../src/store/migrations/2.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO demos (account, sha256, bytes, uploaded_at_ms)
         VALUES (7, zeroblob(32), 100, 1), (7, randomblob(32), 100, 1);
         INSERT INTO demo_indexes (sha256, state, since_ms, content) VALUES (zeroblob(32), 'indexed', 5, '{}');
         INSERT INTO demo_indexes (sha256, state, since_ms, failure_code, failure_message)
         SELECT sha256, 'failed', 6, 'demo_unreadable', 'Damaged.' FROM demos WHERE sha256 <> zeroblob(32);
         PRAGMA user_version = 2",
    )
    .unwrap();
    let migrated = serve(dir.path()).unwrap();
    let waiting = migrated.read(store::demo_indexes::line).unwrap();
    assert_eq!(waiting.iter().map(|(account, demo)| (account.0, demo.0)).collect::<Vec<_>>(), [(7, [0; 32])]);
}

#[test]
fn join_tokens_of_an_older_version_still_work_once() {
    let dir = of_version(2);
    let old = Connection::open(dir.path().join("store.db")).unwrap();
    for step in [
        include_str!("../../src/store/migrations/3.sql"),
        include_str!("../../src/store/migrations/4.sql"),
        include_str!("../../src/store/migrations/5.sql"),
    ] {
        old.execute_batch(step).unwrap();
    }
    let (hash, hour) = (KeyHash::of(&Secret::new("secret")), 3_600_000);
    old.execute("INSERT INTO join_tokens VALUES (?, ?)", rusqlite::params![hash.0, 5 * hour]).unwrap();
    old.execute_batch("PRAGMA user_version = 5").unwrap();
    let migrated = serve(dir.path()).unwrap();
    let token = migrated.read(|db| store::join_tokens::valid(db, &hash, 5 * hour - 1)).unwrap().unwrap();
    let expected = JoinToken { created_at_ms: 4 * hour, expires_at_ms: 5 * hour, ..token.clone() };
    assert_eq!((token.uses, token.left(), &token), (1, 1, &expected));
    let node = migrated.read(store::nodes::all).unwrap().remove(0).0;
    assert!(!node.ephemeral && !node.is_on_trial(), "{node:?}");
}

#[test]
fn failed_migration_leaves_the_store_unchanged_and_can_be_retried() {
    let dir = version_1();
    let path = dir.path().join("store.db");
    // Makes the migration fail.
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE audit (x)").unwrap();
    let before = schema_of(&path);
    assert!(serve(dir.path()).is_err());
    assert_eq!((schema_of(&path), version(&path)), (before, 1));
    Connection::open(&path).unwrap().execute_batch("DROP TABLE audit").unwrap();
    assert_eq!(serve(dir.path()).unwrap().read(store::accounts::all).unwrap().len(), 1);
}

#[test]
fn admin_refuses_to_migrate_an_older_store() {
    let dir = version_1();
    let refused = Store::beside(dir.path()).err().expect("it must be refused");
    assert_eq!(refused.code.as_str(), "store_older");
    assert_eq!(version(&dir.path().join("store.db")), 1);
}
