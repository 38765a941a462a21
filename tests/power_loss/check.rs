//! Examines the store after a power cut.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dinkem_appliance::domain::error_code::ErrorCode;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::random::{FakeRandom, Random};
use dinkem_appliance::store::{DataDir, STORE, integrity};
use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use crate::video::CLIP;
use crate::work::{self, Acknowledged};

/// Numbers drawn before a server starts again, so that it draws others than before.
const DRAWN: usize = 100_000;

/// What a power cut did.
pub enum Verdict {
    Good,
    /// Something acknowledged is missing, or the server refuses the store because of that.
    Lost(String),
    /// The store is damaged, or contradicts itself.
    Damaged(String),
}

/// Starts a server's app on the directory and compares its store with what was acknowledged before the cut. `clips` are
/// among `files`; `ever` is what was acknowledged in all.
pub fn check(
    data: &Path,
    files: &BTreeMap<PathBuf, Vec<u8>>,
    before: &[Acknowledged],
    ever: &[Acknowledged],
) -> Verdict {
    let refused = match work::serve(data, later_random()) {
        Err(error) if [ErrorCode::StoreCopied, ErrorCode::StoreMissing].contains(&error.code) => true,
        Err(error) => return Verdict::Damaged(format!("the server does not start: {error}")),
        Ok(app) => {
            work::close(app);
            false
        }
    };
    match integrity::faults(&DataDir::at(data)) {
        // Cut while the store was being created: the server has not acknowledged anything yet.
        Err(_) if refused && before.is_empty() => {}
        Err(error) => return Verdict::Damaged(error.to_string()),
        Ok(faults) if !faults.is_empty() => return Verdict::Damaged(faults.join("; ")),
        Ok(_) => {}
    }
    let db = Connection::open(data.join(STORE)).unwrap();
    if let Some(contradiction) = contradiction(&db, files, ever) {
        return Verdict::Damaged(contradiction);
    }
    let missing: Vec<_> = before.iter().filter(|&&acknowledged| !is_there(&db, acknowledged)).collect();
    let refused = if refused { ", and the server refuses the store" } else { "" };
    match missing.first() {
        Some(first) => Verdict::Lost(format!("{} of {}, first {first:?}{refused}", missing.len(), before.len())),
        None if !refused.is_empty() => Verdict::Lost(format!("nothing of {}{refused}", before.len())),
        None => Verdict::Good,
    }
}

fn later_random() -> Arc<FakeRandom> {
    let random = FakeRandom::default();
    (0..DRAWN).for_each(|_| _ = random.bits().unwrap());
    Arc::new(random)
}

/// Whether the store has what was acknowledged, or what followed from it later.
fn is_there(db: &Connection, acknowledged: Acknowledged) -> bool {
    let status = |id: Uuid| -> Option<String> {
        let sql = "SELECT status FROM jobs WHERE public_id = ?";
        db.prepare_cached(sql).unwrap().query_row([id.as_bytes()], |row| row.get(0)).optional().unwrap()
    };
    let is = |id, word| status(id).is_some_and(|status| status == word);
    match acknowledged {
        Acknowledged::Submitted(id) => status(id).is_some(),
        Acknowledged::Done(id, _) => is(id, "done"),
        Acknowledged::Failed(id) => is(id, "failed"),
        Acknowledged::Cancelled(id) => is(id, "cancelled"),
        Acknowledged::Claimed(id, lease) => {
            let sql = "SELECT 1 FROM leases JOIN jobs ON jobs.id = leases.job WHERE leases.id = ? AND public_id = ?";
            db.prepare_cached(sql).unwrap().exists(rusqlite::params![lease.0, id.as_bytes()]).unwrap()
        }
        Acknowledged::Deleted(id) => {
            let sql = "SELECT 1 FROM clips JOIN jobs ON jobs.id = clips.job WHERE public_id = ?";
            is(id, "done") && !db.prepare_cached(sql).unwrap().exists([id.as_bytes()]).unwrap()
        }
    }
}

/// Rules of the store, each a query for the jobs that break it.
const RULES: &[(&str, &str)] = &[
    (
        "a done job without a row in the ledger",
        "SELECT id FROM jobs WHERE status = 'done' AND id NOT IN (SELECT job FROM ledger)",
    ),
    (
        "a bill for a job that is not done",
        "SELECT job FROM ledger WHERE job NOT IN (SELECT id FROM jobs WHERE status = 'done')",
    ),
    (
        "a clip of a job that is not done",
        "SELECT job FROM clips WHERE job NOT IN (SELECT id FROM jobs WHERE status = 'done')",
    ),
    (
        "a job that is rendered without a live lease",
        "SELECT id FROM jobs WHERE (status = 'rendering') <> (id IN (SELECT job FROM leases WHERE state = 'live'))",
    ),
    (
        "a done job without its done lease",
        "SELECT id FROM jobs WHERE status = 'done' AND id NOT IN (SELECT job FROM leases WHERE state = 'done')",
    ),
    (
        "a failed or cancelled job that is missing in the usage",
        "SELECT id FROM jobs
        WHERE (status IN ('failed', 'cancelled')) <> (id IN (SELECT job FROM unbilled))",
    ),
    (
        "an ended job without its webhook's event",
        "SELECT jobs.id FROM jobs JOIN webhooks ON webhooks.account = jobs.account
        WHERE (SELECT COUNT(*) FROM outbox WHERE job = jobs.id AND event = 'clip.' || jobs.status)
            <> (jobs.status NOT IN ('queued', 'rendering'))",
    ),
];

/// The first contradiction between rows, or of a row and the file of its clip. `ever`: a client may have deleted clips.
fn contradiction(db: &Connection, files: &BTreeMap<PathBuf, Vec<u8>>, ever: &[Acknowledged]) -> Option<String> {
    for (rule, sql) in RULES {
        let job: Option<i64> = db.query_row(sql, [], |row| row.get(0)).optional().unwrap();
        if let Some(job) = job {
            return Some(format!("{rule}: job {job}"));
        }
    }
    let sql = "SELECT public_id, epoch || '-' || clips.lease, clips.sha256 FROM epochs, jobs LEFT JOIN clips ON clips.job = jobs.id
        WHERE status = 'done'";
    let (mut statement, right) = (db.prepare(sql).unwrap(), Sha256::of(&*CLIP));
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let id = Uuid::from_bytes(row.get(0).unwrap());
        let Some(lease) = row.get::<_, Option<String>>(1).unwrap() else {
            if !ever.contains(&Acknowledged::Deleted(id)) {
                return Some(format!("a done job without a clip: {id}"));
            }
            continue;
        };
        let file = files.get(Path::new(&format!("clips/{lease}.mp4")));
        if file != Some(&*CLIP) || Sha256(row.get(2).unwrap()) != right {
            return Some(format!("the clip of lease {lease} is missing or wrong: job {id}"));
        }
    }
    None
}
