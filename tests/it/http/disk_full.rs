//! A disk at its reserve: uploads get 507, everything else works.

use serde_json::json;

use super::node::publish;
use crate::support::appliance::{Appliance, good_job};
use crate::support::client::Request;
use crate::support::fake_disk::FakeDisk;
use crate::support::video::POSTER;

const MIB: u64 = 1 << 20;

#[test]
fn at_the_disk_reserve_uploads_fail_but_reads_cancels_and_deletes_work() {
    let disk = FakeDisk::with(64 * MIB);
    let appliance = Appliance::start_with_disk(|data| disk.room(data));
    let key = appliance.account("studio").metered;
    let node = appliance.node("n1");
    let done = appliance.job(&key);
    publish(&appliance, &node, &appliance.claim(&node).unwrap());
    let rendering = appliance.job(&key);
    let lease = appliance.claim(&node).unwrap()["lease"].clone();
    let waiting = appliance.job(&key);
    let shown = appliance.send(&Request::get(&format!("/api/clips/{done}")).key(&key)).expect(200).json();
    let video = shown["clip"]["url"].as_str().unwrap().strip_prefix("http://clips.lan:8443").unwrap().to_owned();

    disk.fill_to(0);
    let demo = [b"PBDEMS2\0".to_vec(), vec![7; 100_000]].concat();
    let job = |what: &str, id: &str| Request::new(what, &format!("/api/clips/{id}")).key(&key);
    let upload = |what: &str| Request::put(&format!("/api/node/leases/{lease}/{what}")).key(&node.key);
    let claim = json!({"wait_seconds": 0, "renderers": ["builtin"], "slots": 64}).to_string();
    let cases = [
        (Request::post("/api/demos").key(&key).body(&demo), 507),
        (Request::post("/api/demos").key(&key).body(&demo).chunked(), 507),
        (Request::post("/api/clips").key(&key).json(good_job().to_string()), 507),
        (upload("video?offset=0").body(&demo), 507),
        (upload("poster").body(&*POSTER), 507),
        (Request::post("/api/node/claims").key(&node.key).json(claim), 204),
        (
            Request::put(&format!("/api/node/leases/{lease}"))
                .key(&node.key)
                .json(json!({"stage": "rendering", "progress": 0.5}).to_string()),
            200,
        ),
        (Request::get("/api/account").key(&key), 200),
        (Request::get("/api/clips").key(&key), 200),
        (Request::get(&video), 200),
        (Request::get("/healthz"), 200),
        (Request::get("/readyz"), 503),
        (job("DELETE", &rendering), 200),
        (job("DELETE", &done), 200),
        (Request::get(&video), 404),
    ];
    for (request, status) in cases {
        let answer = appliance.send(&request).expect(status);
        if status == 507 {
            assert_eq!(answer.json()["code"], "no_space", "{}", request.target());
        }
    }
    disk.resize(64 * MIB);
    assert_eq!(appliance.claim(&node).unwrap()["job"]["id"], json!(waiting));
    appliance.send(&Request::post("/api/demos").key(&key).body(&demo)).expect(201);
}
