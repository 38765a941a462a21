//! Retention: what rules delete and what never goes, the archive of jobs, crashes in between.

mod archive;
mod killed;
mod rules;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use dinkem_appliance::app::upkeep::retention;
use dinkem_appliance::app::{demos, jobs, leases};
use dinkem_appliance::domain::job::{Caller, JobSpec};
use dinkem_appliance::domain::node::Node;
use dinkem_appliance::domain::retention::{DAY_MS, Kind, Limits};
use dinkem_appliance::domain::sha256::Sha256;
use serde_json::Value;
use uuid::Uuid;

use crate::support::operator;
use crate::support::test_app::{TestApp, spec};
use crate::support::video::{CLIP, POSTER};

/// Keeps everything.
const ALL: Limits = Limits { max_age_ms: None, max_bytes: None };

fn days(days: i64) -> Limits {
    Limits { max_age_ms: Some(days * DAY_MS), max_bytes: None }
}

fn bytes(bytes: u64) -> Limits {
    Limits { max_age_ms: None, max_bytes: Some(bytes) }
}

fn pass_days(test: &TestApp, days: u64) {
    test.clock.advance(Duration::from_secs(days * 86_400));
}

fn set(test: &TestApp, kind: Kind, account: Option<&str>, limits: Limits) {
    retention::set(&test.app, &operator(), kind, account, Some(limits)).unwrap();
}

/// Submits a job and renders it: a clip with a poster.
fn render(test: &TestApp, caller: &Caller, node: &Node) -> Uuid {
    let id = jobs::submit(&test.app, caller, spec()).unwrap().job.public_id;
    let lease = test.claim(node).unwrap().lease.id;
    assert_eq!(leases::append_video(&test.app, node, lease, 0, &mut &CLIP[..]).unwrap(), CLIP.len() as u64);
    leases::put_poster(&test.app, node, lease, &mut &POSTER[..]).unwrap();
    leases::complete(&test.app, node, lease, Sha256::of(&*CLIP).into()).unwrap();
    id
}

/// Submits a job and cancels it.
fn cancel(test: &TestApp, caller: &Caller) -> Uuid {
    let id = jobs::submit(&test.app, caller, spec()).unwrap().job.public_id;
    jobs::remove(&test.app, caller, id).unwrap();
    id
}

/// Uploads a demo of this many bytes; the content is that of a demo only at its beginning.
fn upload(test: &TestApp, caller: &Caller, content: u8, bytes: usize) -> Sha256 {
    let mut demo = b"PBDEMS2\0".to_vec();
    demo.resize(bytes, content);
    demos::receive(&test.app, caller, &mut &demo[..]).unwrap().sha256
}

/// A job that needs an uploaded demo.
fn job_for(sha256: &Sha256) -> JobSpec {
    JobSpec { demo_url: format!("https://any.host/api/demos/{sha256}"), ..spec() }
}

/// Whether the job still has its clip.
fn has_clip(test: &TestApp, caller: &Caller, id: Uuid) -> bool {
    jobs::get(&test.app, caller, id).unwrap().job.clip.is_some()
}

/// File names in a folder of the data directory.
fn files(data_dir: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(data_dir.join(folder)).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The lines of a file of archived jobs, which must be intact.
fn archived(data_dir: &Path, month: &str) -> Vec<Value> {
    let file = fs::File::open(data_dir.join(format!("archive/jobs-{month}.jsonl.gz"))).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The ids of archived jobs, in order.
fn ids(lines: &[Value]) -> Vec<String> {
    lines.iter().map(|line| line["job"]["id"].as_str().unwrap().to_owned()).collect()
}
