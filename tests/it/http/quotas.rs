//! Quotas of an account, the headers that report them, and that other accounts are unaffected.

use dinkem_appliance::app;
use serde_json::{Value, json};

use crate::support::appliance::{Appliance, good_job};
use crate::support::cli::Cli;
use crate::support::client::{Answer, Request};

fn submit(appliance: &Appliance, key: &str) -> Answer {
    appliance.send(&Request::post("/api/clips").key(key).json(good_job().to_string()))
}

#[track_caller]
fn assert_headers(answer: &Answer, policy: &str, limit: &str) {
    assert_eq!((answer.header("RateLimit-Policy"), answer.header("RateLimit")), (Some(policy), Some(limit)));
}

#[test]
fn queued_jobs_are_limited_per_account_and_headers_tell_how_many_are_left() {
    let appliance = Appliance::start_with_quotas(|quotas| quotas.queued_jobs = 3);
    let keys = appliance.account_with_dinks("studio", 1);
    let another = appliance.account("another").metered;
    let policy = "\"queued-jobs\";q=3";
    for (key, left) in [(&keys.metered, 2), (&keys.reserved, 1), (&keys.metered, 0)] {
        assert_headers(&submit(&appliance, key).expect(202), policy, &format!("\"queued-jobs\";r={left}"));
    }
    for key in [&keys.metered, &keys.reserved] {
        let refused = submit(&appliance, key).expect(429);
        assert_eq!(refused.json()["code"], "too_many_queued");
        assert!(refused.header("Retry-After").is_some_and(|seconds| seconds.parse::<u32>().unwrap() > 0));
        assert_headers(&refused, policy, "\"queued-jobs\";r=0");
    }
    assert_headers(&submit(&appliance, &another).expect(202), policy, "\"queued-jobs\";r=2");
    // Rendering and cancelled jobs do not count.
    appliance.claim(&appliance.node("n1")).unwrap();
    assert_headers(&submit(&appliance, &keys.metered).expect(202), policy, "\"queued-jobs\";r=0");
    let waiting = appliance.send(&Request::get("/api/clips?status=queued&limit=1").key(&keys.metered)).json();
    let path = format!("/api/clips/{}", waiting["clips"][0]["id"].as_str().unwrap());
    appliance.send(&Request::delete(&path).key(&keys.metered)).expect(200);
    submit(&appliance, &keys.metered).expect(202);
    submit(&appliance, &keys.metered).expect(429);
}

#[test]
fn job_quota_holds_under_concurrent_submissions() {
    let appliance = Appliance::start_with_quotas(|quotas| quotas.queued_jobs = 20);
    let key = appliance.account("studio").metered;
    let accepted: usize = std::thread::scope(|scope| {
        let client = || (0..10).filter(|_| submit(&appliance, &key).status == 202).count();
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(client)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!(accepted, 20);
    assert_eq!(appliance.send(&Request::get("/api/account").key(&key)).json()["queued"], 20);
}

#[test]
fn bad_body_is_reported_before_a_full_queue() {
    let appliance = Appliance::start_with_quotas(|quotas| quotas.queued_jobs = 1);
    let key = appliance.account("studio").metered;
    submit(&appliance, &key).expect(202);
    appliance.send(&Request::post("/api/clips").key(&key).json("{}")).expect_bad_field("demo_url");
}

#[test]
fn demo_bytes_are_limited_per_account_and_headers_tell_how_many_are_left() {
    let appliance = Appliance::start_with_quotas(|quotas| quotas.demo_bytes = 1_000);
    let key = appliance.account("studio").metered;
    let another = appliance.account("another").metered;
    let upload = |key: &str, byte: u8, bytes: usize| {
        let demo: Vec<u8> = b"PBDEMS2\0".iter().copied().chain(std::iter::repeat(byte)).take(bytes).collect();
        appliance.send(&Request::post("/api/demos").key(key).body(demo))
    };
    let policy = "\"demo-bytes\";q=1000;qu=\"content-bytes\"";
    assert_headers(&upload(&key, 1, 600).expect(201), policy, "\"demo-bytes\";r=400");
    let refused = upload(&key, 2, 401).expect(413);
    assert_eq!(refused.json()["code"], "quota_reached");
    assert!(refused.json()["error"].as_str().unwrap().contains("operator"));
    assert_headers(&refused, policy, "\"demo-bytes\";r=400");
    assert_headers(&upload(&key, 3, 400).expect(201), policy, "\"demo-bytes\";r=0");
    upload(&key, 4, 9).expect(413);
    assert_headers(&upload(&key, 1, 600).expect(201), policy, "\"demo-bytes\";r=0");
    assert_headers(&upload(&another, 1, 600).expect(201), policy, "\"demo-bytes\";r=400");
}

#[test]
fn account_counts_unfinished_jobs_of_both_classes_with_either_key() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 3);
    let another = appliance.account_with_dinks("another", 1);
    for key in [&keys.metered, &keys.metered, &keys.reserved, &keys.reserved, &another.reserved] {
        submit(&appliance, key).expect(202);
    }
    let node = appliance.node("n1");
    for _ in 0..3 {
        appliance.claim(&node).unwrap();
    }
    let of = |key: &str| appliance.send(&Request::get("/api/account").key(key)).expect(200).json();
    let expected = |class: &str| {
        json!({"name": "studio", "key_class": class, "status": "active", "dinks": 3, "dinks_in_use": 2, "queued": 2,
               "rendering": 2})
    };
    assert_eq!((of(&keys.metered), of(&keys.reserved)), (expected("metered"), expected("reserved")));
    // A metered job uses no dink, and finished jobs are not counted.
    appliance.claim(&node).unwrap();
    let list = appliance.send(&Request::get("/api/clips?status=rendering").key(&keys.metered)).json();
    let reserved: Vec<&Value> =
        list["clips"].as_array().unwrap().iter().filter(|job| job["job_type"] == "reserved").collect();
    let path = format!("/api/clips/{}", reserved[0]["id"].as_str().unwrap());
    appliance.send(&Request::delete(&path).key(&keys.metered)).expect(200);
    let now = of(&keys.metered);
    assert_eq!((&now["dinks_in_use"], &now["queued"], &now["rendering"]), (&json!(1), &json!(1), &json!(2)));
    app::accounts::dinks::set(&appliance.app, &crate::support::operator(), "studio", 5).unwrap();
    assert_eq!(of(&keys.metered)["dinks"], 5, "the change applies to the next request");
}

#[test]
fn operator_sets_quotas_with_serve_flags() {
    let help = Cli::new().run(&["serve", "--help"]).out;
    for (flag, default) in
        [("--max-queued-jobs <N>", "[default: 1000000]"), ("--max-demos-mib <N>", "[default: 20480]")]
    {
        let (_, text) = help.split_once(flag).unwrap_or_else(|| panic!("{flag}"));
        assert!(text.split("--").next().unwrap().contains(default), "{flag}");
    }
    let small = crate::support::process::Appliance::start(&["--max-queued-jobs", "1"]);
    let key = small.account("studio");
    assert_eq!(small.call("POST", "/api/clips", &key, Some(&good_job())).0, 202);
    let (status, problem) = small.call("POST", "/api/clips", &key, Some(&good_job()));
    assert_eq!((status, problem["code"].as_str()), (429, Some("too_many_queued")));
}
