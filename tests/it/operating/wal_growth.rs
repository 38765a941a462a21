//! A write-ahead log that keeps growing is reported by server and doctor, and fixed.

use rusqlite::Connection;

use crate::support::appliance::good_job;
use crate::support::process::Appliance;
use crate::support::wait::until;

#[test]
fn wal_kept_from_truncation_by_a_reader_is_reported() {
    let mut appliance = Appliance::start(&[]);
    let key = appliance.account("studio");
    let store = appliance.data_dir().join("store.db");
    // An external tool with an open transaction.
    let reader = Connection::open(&store).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _accounts: i64 = reader.query_row("SELECT COUNT(*) FROM accounts", [], |row| row.get(0)).unwrap();
    let writer = Connection::open(&store).unwrap();
    for _ in 0..70 {
        let sql = "INSERT INTO audit (at_ms, actor, action, subject, details) VALUES (0, 'x', 'x', 'x', ?1)";
        writer.execute(sql, ["x".repeat(1 << 20)]).unwrap();
    }
    appliance.submit(&key, &good_job());
    until("the warning", || {
        appliance.server().line().filter(|line| line.contains("write-ahead log has") && line.contains("doctor --fix"))
    });
    drop((reader, writer));
    // There is no node for the job.
    let none_there = || vec!["no_nodes".to_owned()];
    assert_eq!(appliance.faults(&["--fix"]), (none_there(), vec!["log_size".to_owned()]));
    assert_eq!(appliance.faults(&[]), (none_there(), vec![]));
}
