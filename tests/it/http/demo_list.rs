//! `GET /api/demos`, `DELETE /api/demos/{sha256}` and `admin demos`: listing and deleting uploads.

use std::time::Duration;

use dinkem_appliance::app;
use dinkem_appliance::os::stop::StopFlag;
use dinkem_appliance::render::forge;
use serde_json::{Value, json};

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::{Answer, Request};
use crate::support::process::{self, BINARY};

fn upload(appliance: &Appliance, key: &str, demo: &[u8]) -> Value {
    appliance.send(&Request::post("/api/demos").key(key).body(demo)).expect(201).json()
}

fn list(appliance: &Appliance, key: &str, query: &str) -> Value {
    appliance.send(&Request::get(&format!("/api/demos{query}")).key(key)).expect(200).json()
}

fn delete(appliance: &Appliance, key: &str, sha256: &Value) -> Answer {
    appliance.send(&Request::delete(&format!("/api/demos/{}", sha256.as_str().unwrap())).key(key))
}

fn submit(appliance: &Appliance, key: &str, url: &str) -> String {
    let mut job = good_job();
    job["demo_url"] = url.into();
    let answer = appliance.send(&Request::post("/api/clips").key(key).json(job.to_string())).expect(202);
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn small(number: u8) -> Vec<u8> {
    [b"PBDEMS2\0".as_slice(), &[number]].concat()
}

#[test]
fn uploads_are_listed_newest_first_page_by_page() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let another = appliance.account("another").metered;
    assert_eq!(list(&appliance, &key, ""), json!({"demos": [], "next_cursor": null}));
    // Two of them are uploaded in the same millisecond.
    let mut uploaded = Vec::new();
    for number in 0..5 {
        uploaded.push(upload(&appliance, &key, &small(number))["sha256"].clone());
        if number != 2 {
            appliance.clock.advance(Duration::from_secs(1));
        }
    }
    upload(&appliance, &another, &small(9));
    let whole = list(&appliance, &key, "");
    let hashes = |page: &Value| -> Vec<Value> {
        page["demos"].as_array().unwrap().iter().map(|demo| demo["sha256"].clone()).collect()
    };
    let mut newest_first: Vec<Value> = uploaded.iter().rev().cloned().collect();
    newest_first[1..3].sort_by_key(|hash| std::cmp::Reverse(hash.to_string()));
    assert_eq!(hashes(&whole), newest_first);
    for limit in 1..=6 {
        let (mut seen, mut query) = (Vec::new(), format!("?limit={limit}"));
        loop {
            let page = list(&appliance, &key, &query);
            assert!(page["demos"].as_array().unwrap().len() <= limit);
            seen.extend(hashes(&page));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("?limit={limit}&cursor={cursor}");
        }
        assert_eq!(seen, newest_first, "limit {limit}");
    }
    for (query, field) in [("?limit=0", "limit"), ("?limit=101", "limit"), ("?cursor=x", "cursor"), ("?x=1", "x")] {
        appliance.send(&Request::get(&format!("/api/demos{query}")).key(&key)).expect_bad_field(field);
    }
}

#[test]
fn listed_demo_shows_map_last_use_and_unfinished_jobs() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 1);
    let key = keys.metered;
    let demo = forge::quick();
    let uploaded = upload(&appliance, &key, &demo);
    let (sha256, url) = (uploaded["sha256"].clone(), uploaded["demo_url"].as_str().unwrap().to_owned());
    let only = || list(&appliance, &key, "")["demos"][0].clone();
    let expected = json!({
        "sha256": sha256, "demo_url": url, "bytes": demo.len(), "uploaded_at": "2026-11-23T00:00:00.000Z",
        "last_used_at": null, "status": "indexing", "map": null, "unfinished_jobs": 0,
    });
    assert_eq!(only(), expected);

    // A job may name any host and either letter case, but the path must match completely.
    appliance.clock.advance(Duration::from_secs(60));
    let first = submit(&appliance, &key, &url);
    submit(
        &appliance,
        &keys.reserved,
        &format!("https://elsewhere/api/demos/{}", sha256.as_str().unwrap().to_uppercase()),
    );
    submit(&appliance, &key, &format!("https://elsewhere/x/api/demos/{}", sha256.as_str().unwrap()));
    submit(&appliance, &key, &format!("https://elsewhere/?/api/demos/{}", sha256.as_str().unwrap()));
    submit(&appliance, &appliance.account("another").metered, &url);
    assert_eq!(only()["unfinished_jobs"], 2);
    assert_eq!(only()["last_used_at"], "2026-11-23T00:01:00.000Z");
    appliance.send(&Request::delete(&format!("/api/clips/{first}")).key(&key)).expect(200);
    assert_eq!(only()["unfinished_jobs"], 1);

    assert!(app::demos::index::index_next(&appliance.app, BINARY.as_ref(), &StopFlag::new()).unwrap());
    let shown =
        appliance.send(&Request::get(&format!("/api/demos/{}", sha256.as_str().unwrap())).key(&key)).expect(200);
    assert_eq!((&only()["status"], &only()["map"]), (&json!("indexed"), &shown.json()["map"]));
}

#[test]
fn deleted_demo_frees_quota_and_its_file_goes_with_the_last_account() {
    let appliance = Appliance::start_with_quotas(|quotas| quotas.demo_bytes = 10);
    let key = appliance.account("studio").metered;
    let partner = appliance.account("partner").metered;
    let uploaded = upload(&appliance, &key, &small(1));
    let sha256 = &uploaded["sha256"];
    let file = appliance.app.data_dir().join("demos").join(sha256.as_str().unwrap());
    let rows = |table: &str| {
        let store = rusqlite::Connection::open(appliance.app.data_dir().join("store.db")).unwrap();
        store.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get::<_, u32>(0)).unwrap()
    };
    delete(&appliance, &partner, sha256).expect(404);
    upload(&appliance, &partner, &small(1));
    appliance.send(&Request::post("/api/demos").key(&key).body(small(2))).expect(413);

    // Not while a queued or rendering job needs it.
    let job = submit(&appliance, &key, uploaded["demo_url"].as_str().unwrap());
    let node = appliance.node("n1");
    for _ in 0..2 {
        let refused = delete(&appliance, &key, sha256).expect(409).json();
        assert_eq!(refused["code"], "demo_in_use");
        assert_eq!(refused["error"], "1 unfinished job needs this demo. Wait for it, or cancel it.");
        appliance.claim(&node);
    }
    appliance.send(&Request::delete(&format!("/api/clips/{job}")).key(&key)).expect(200);

    let gone = delete(&appliance, &key, sha256).expect(200);
    assert_eq!(gone.json(), json!({"sha256": sha256, "status": "deleted"}));
    assert_eq!(gone.header("RateLimit"), Some("\"demo-bytes\";r=10"));
    for request in [Request::get, Request::delete] {
        appliance.send(&request(&format!("/api/demos/{}", sha256.as_str().unwrap())).key(&key)).expect(404);
    }
    assert!(file.exists() && rows("demo_indexes") == 1, "the partner still has the demo");
    upload(&appliance, &key, &small(2));

    delete(&appliance, &partner, sha256).expect(200);
    assert!(!file.exists() && rows("demos") == 1 && rows("demo_indexes") == 1);
    upload(&appliance, &partner, &small(1));
    assert!(file.exists(), "the demo can be uploaded again");
}

#[test]
fn demo_uploaded_during_its_deletion_has_both_row_and_file_or_neither() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let path = format!("/api/demos/{}", upload(&appliance, &key, &small(1))["sha256"].as_str().unwrap());
    for _ in 0..20 {
        std::thread::scope(|scope| {
            let coming = scope.spawn(|| upload(&appliance, &key, &small(1)));
            let going = scope.spawn(|| appliance.send(&Request::delete(&path).key(&key)).status);
            coming.join().unwrap();
            assert!([200, 404].contains(&going.join().unwrap()));
        });
        let is_listed = list(&appliance, &key, "")["demos"].as_array().unwrap().len() == 1;
        let is_there = appliance.app.data_dir().join(path.trim_start_matches("/api/")).exists();
        assert_eq!(is_listed, is_there);
    }
}

#[test]
fn operator_lists_and_deletes_uploads_with_an_audit_entry() {
    let appliance = process::Appliance::start_plain(&["--local-nodes", "0"]);
    let (studio, partner) = (appliance.account("studio"), appliance.account("partner"));
    let (status, body) = appliance.raw("POST", "/api/demos", Some(&studio), Some(small(1)));
    assert_eq!(status, 201);
    let uploaded: Value = serde_json::from_slice(&body).unwrap();
    appliance.raw("POST", "/api/demos", Some(&partner), Some(small(1)));
    let sha256 = uploaded["sha256"].as_str().unwrap();
    let accounts = |list: Value| -> Vec<Value> {
        list["demos"].as_array().unwrap().iter().map(|demo| demo["account"].clone()).collect()
    };
    assert_eq!(accounts(appliance.admin(&["demos", "list"])), ["studio", "partner"]);
    let mine = appliance.admin(&["demos", "list", "--account", "studio"]);
    assert_eq!((accounts(mine.clone()), &mine["demos"][0]["demo_url"]), (vec![json!("studio")], &uploaded["demo_url"]));

    let deleted = appliance.admin(&["demos", "delete", &sha256[..12], "--account", "studio"]);
    assert_eq!(deleted, json!({"deleted": {"account": "studio", "sha256": sha256}}));
    assert_eq!(accounts(appliance.admin(&["demos", "list"])), ["partner"]);
    let audit = appliance.admin(&["audit"]).to_string();
    assert!(audit.contains("demo.delete") && audit.contains(sha256) && audit.contains("account studio"), "{audit}");

    let data = appliance.data_dir();
    let refused = |args: &[&str]| {
        let line = [&["--data-dir", data.to_str().unwrap(), "admin", "demos"], args].concat();
        let (status, _, printed) = process::run(&line);
        (status.code(), printed)
    };
    let again = refused(&["delete", sha256, "--account", "studio"]);
    assert!(again.0 == Some(1) && again.1.contains("no such demo"), "{again:?}");
    let odd = refused(&["delete", "abc", "--account", "studio"]);
    assert!(odd.0 == Some(2) && odd.1.contains("64 hexadecimal digits"), "{odd:?}");
    let nobody = refused(&["list", "--account", "nobody"]);
    assert_eq!(nobody.0, Some(1), "{nobody:?}");
}
