//! A backup under load contains every job that was acknowledged before it began.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::appliance::good_job;
use crate::support::client::Request;
use crate::support::process::Appliance;
use crate::support::wait::{SetOnDrop, until};

const CLIENTS: usize = 4;
/// Number of jobs acknowledged before the backup begins.
const BEFORE: usize = 100;

#[test]
fn backup_contains_every_job_acknowledged_before_it_began() {
    let appliance = Appliance::start_plain(&[]);
    let key = appliance.account("studio");
    let job_request = good_job().to_string();
    let address = appliance.address.parse().unwrap();
    let (acknowledged, enough) = (Mutex::new(Vec::<String>::new()), AtomicBool::new(false));
    let file = appliance.scratch().join("backup.tar");
    let (before, made) = std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !enough.load(Ordering::SeqCst) {
                    let answer = Request::post("/api/clips").key(&key).json(&job_request).send(address).expect(202);
                    acknowledged.lock().unwrap().push(answer.json()["id"].as_str().unwrap().to_owned());
                }
            });
        }
        // The clients must stop even if the test fails.
        let _stop = SetOnDrop(&enough);
        until("enough acknowledged jobs", || (acknowledged.lock().unwrap().len() >= BEFORE).then_some(()));
        let before = acknowledged.lock().unwrap().clone();
        let made = appliance.admin(&["backup", file.to_str().unwrap()]);
        (before, made)
    });
    let (all, held) = (acknowledged.into_inner().unwrap().len(), made["jobs"].as_u64().unwrap() as usize);
    assert!(before.len() <= held && held <= all, "{} before, {held} in it, {all} in all", before.len());
    assert!(all > before.len(), "the server kept accepting jobs");

    let mut restored = Appliance::start_plain(&[]);
    restored.server().kill();
    restored.admin(&["restore", file.to_str().unwrap()]);
    // There are no nodes for its jobs; nothing else is wrong.
    let only_nodes = || (vec!["no_nodes".to_owned()], vec![]);
    assert_eq!(restored.faults(&[]), only_nodes());
    restored.restart();
    assert_eq!(restored.faults(&[]), only_nodes());
    for id in &before {
        assert_eq!(restored.job(&key, id)["status"], "queued");
    }
}
