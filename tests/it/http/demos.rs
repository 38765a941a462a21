//! Uploading demos with `POST /api/demos`.

use serde_json::{Value, json};

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::Request;
use crate::support::hash::sha256_hex;

/// Bytes that start like a demo.
fn demo(bytes: usize) -> Vec<u8> {
    b"PBDEMS2\0".iter().copied().chain((0..=u8::MAX).cycle()).take(bytes).collect()
}

#[test]
fn same_bytes_get_the_same_url_however_they_are_sent() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let demo = demo(800_000);
    let hash = sha256_hex(&demo);
    let expected =
        json!({"demo_url": format!("http://clips.lan:8443/api/demos/{hash}"), "sha256": hash, "bytes": 800_000});
    let request = Request::post("/api/demos").key(&key).body(&demo);
    let requests = [
        request.clone(),
        request.clone().header("Content-Type", "application/octet-stream"),
        request.clone().header("Content-Type", "text/html").header("Expect", "100-continue"),
        request.chunked(),
    ];
    for request in requests {
        assert_eq!(appliance.send(&request).expect(201).json(), expected);
    }
}

#[test]
fn upload_needs_a_length_within_the_limit_and_a_body() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let request = Request::post("/api/demos").key(&key);
    assert_eq!(appliance.send(&request.clone().no_length()).expect(411).json()["code"], "length_required");
    let too_long = request.clone().no_length().header("Content-Length", "2147483649");
    assert_eq!(appliance.send(&too_long).expect(413).json()["code"], "body_too_large");
    let empty = appliance.send(&request.clone().body(""));
    assert_eq!(empty.status, 400, "{}", empty.text());
}

#[test]
fn interrupted_upload_is_discarded() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let demo = demo(100_000);
    Request::post("/api/demos").key(&key).body(&demo).send_partially(appliance.address, 50_000);
    Request::post("/api/demos").key(&key).body(&demo).chunked().send_partially(appliance.address, 50_000);
    // Neither the partial nor the complete demo exists.
    for bytes in [&demo[..50_000], &demo[..]] {
        assert!(uploaded_demo(&appliance, &key, &sha256_hex(bytes)).is_none_or(|found| found == Value::Null));
    }
}

#[test]
fn node_downloads_an_uploaded_demo_with_its_lease() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let demo = demo(400_000);
    let stored = appliance.send(&Request::post("/api/demos").key(&key).body(&demo)).expect(201).json();
    let mut job = good_job();
    job["demo_url"] = stored["demo_url"].clone();
    appliance.send(&Request::post("/api/clips").key(&key).json(job.to_string())).expect(202);

    let node = appliance.node("n1");
    let claim = appliance.claim(&node).unwrap();
    assert_eq!(claim["uploaded_demo"], json!({"sha256": sha256_hex(&demo), "bytes": demo.len()}));
    let answer = appliance.send(&Request::get(&format!("/api/node/leases/{}/demo", claim["lease"])).key(&node.key));
    assert!(answer.expect(200).body == demo);
}

#[test]
fn demo_url_is_useless_to_an_account_that_did_not_upload_it() {
    let appliance = Appliance::start();
    let owner = appliance.account("studio").metered;
    let stranger = appliance.account("another").metered;
    let stored = appliance.send(&Request::post("/api/demos").key(&owner).body("PBDEMS2\0")).expect(201).json();
    let hash = stored["sha256"].as_str().unwrap();
    assert!(uploaded_demo(&appliance, &stranger, hash).is_none_or(|found| found == Value::Null));
}

/// The uploaded demo in the claim of a job for this hash; `None` if there is no such job.
fn uploaded_demo(appliance: &Appliance, key: &str, hash: &str) -> Option<Value> {
    let mut job = good_job();
    job["demo_url"] = format!("http://clips.lan:8443/api/demos/{hash}").into();
    appliance.send(&Request::post("/api/clips").key(key).json(job.to_string()));
    let claim = appliance.claim(&appliance.node("n"));
    claim.map(|claim| claim["uploaded_demo"].clone())
}
