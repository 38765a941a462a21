//! `Idempotency-Key` on `POST /api/clips`: one job however often the request is sent.

use serde_json::Value;
use std::time::Duration;

use crate::support::appliance::{Appliance, PLAYER, good_job};
use crate::support::client::{Answer, Request};
use crate::support::process;

use dinkem_appliance::wire::JSON_BODY_BYTES;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn submit(key: &str, idempotency_key: &str, body: &str) -> Request {
    Request::post("/api/clips").key(key).header("Idempotency-Key", idempotency_key).json(body)
}

fn other_body() -> String {
    let mut job = good_job();
    job["round"] = 6.into();
    job.to_string()
}

fn jobs(appliance: &Appliance, key: &str) -> usize {
    let list = appliance.send(&Request::get("/api/clips?limit=100").key(key)).expect(200).json();
    list["clips"].as_array().unwrap().len()
}

#[track_caller]
fn assert_replayed(first: &Answer, again: &Answer) {
    assert_eq!((again.status, again.text()), (202, first.text()), "byte for byte");
    assert_eq!(again.header("Location"), first.header("Location"));
    assert_eq!(again.header("Content-Type"), first.header("Content-Type"));
    assert_eq!(again.header("Idempotent-Replayed"), Some("true"));
}

#[test]
fn same_key_and_body_replay_the_first_response_whatever_the_jobs_state() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let body = good_job().to_string();
    // With a job ahead in the queue, so that the job's later state differs from the first response.
    appliance.job(&key);
    let request = submit(&key, "order-17", &body);
    let first = appliance.send(&request).expect(202);
    assert_eq!(first.header("Idempotent-Replayed"), None);
    let (id, job) = (first.json()["id"].as_str().unwrap().to_owned(), first.json());
    assert_eq!(first.header("Location"), Some(format!("/api/clips/{id}").as_str()));
    assert_eq!(job, appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).expect(200).json());

    assert_replayed(&first, &appliance.send(&request));
    let node = appliance.node("n1");
    while appliance.claim(&node).is_some() {}
    assert_replayed(&first, &appliance.send(&request));
    appliance.send(&Request::delete(&format!("/api/clips/{id}")).key(&key)).expect(200);
    assert_replayed(&first, &appliance.send(&request));
    assert_eq!(jobs(&appliance, &key), 2);
}

#[test]
fn same_key_with_another_body_is_rejected() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    appliance.send(&submit(&key, "k", &good_job().to_string())).expect(202);
    let spaced = format!(" {}", good_job());
    for body in [other_body(), spaced] {
        let problem = appliance.send(&submit(&key, "k", &body)).expect(422).json();
        assert_eq!(problem["code"], "idempotency_key_reused");
    }
    assert_eq!(jobs(&appliance, &key), 1);
    appliance.send(&submit(&key, "k2", &other_body())).expect(202);
    assert_eq!(jobs(&appliance, &key), 2);
}

#[test]
fn idempotency_key_is_per_account_across_both_api_keys() {
    let appliance = Appliance::start();
    let studio = appliance.account_with_dinks("studio", 1);
    let another = appliance.account("another").metered;
    let body = good_job().to_string();
    let first = appliance.send(&submit(&studio.metered, "k", &body)).expect(202);
    assert_replayed(&first, &appliance.send(&submit(&studio.reserved, "k", &body)));
    let strangers = appliance.send(&submit(&another, "k", &other_body())).expect(202);
    assert_eq!(strangers.header("Idempotent-Replayed"), None);
    assert_ne!(strangers.json()["id"], first.json()["id"]);
}

#[test]
fn rejected_request_does_not_consume_its_key() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    appliance.send(&submit(&key, "k", "{}")).expect_bad_field("demo_url");
    let first = appliance.send(&submit(&key, "k", &good_job().to_string())).expect(202);
    assert_eq!(first.header("Idempotent-Replayed"), None);
    appliance.send(&submit(&key, "k", "{}")).expect_bad_field("demo_url");
}

#[test]
fn idempotency_key_is_1_to_255_printable_characters_quoted_or_bare() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let body = good_job().to_string();
    let longest = "k".repeat(255);
    for (first, same) in
        [("a", "\"a\""), ("\"b c\"", "b c"), (r#""q\"\\""#, r#"q"\"#), (&longest, &format!("\"{longest}\""))]
    {
        let answer = appliance.send(&submit(&key, first, &body)).expect(202);
        assert_replayed(&answer, &appliance.send(&submit(&key, same, &body)));
    }
    let before = jobs(&appliance, &key);
    for bad in [
        "",
        "\"\"",
        "\"",
        "\"open",
        "\"a\"b",
        &"k".repeat(256),
        &format!("\"{}\"", "k".repeat(256)),
        "caf\u{e9}",
        "a\tb",
    ] {
        let answer = appliance.send(&submit(&key, bad, &body));
        answer.expect_bad_field("Idempotency-Key");
        assert!(answer.json()["error"].as_str().unwrap().contains("Idempotency-Key"), "{bad:?}");
    }
    appliance.send(&submit(&key, "a", &body).header("Idempotency-Key", "a")).expect_bad_field("Idempotency-Key");
    assert_eq!(jobs(&appliance, &key), before);
}

#[test]
fn idempotency_key_expires_after_a_day() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let first = appliance.send(&submit(&key, "k", &good_job().to_string())).expect(202);
    appliance.clock.advance(DAY - Duration::from_millis(1));
    assert_replayed(&first, &appliance.send(&submit(&key, "k", &good_job().to_string())));
    assert_eq!(dinkem_appliance::app::jobs::forget_old_answers(&appliance.app).unwrap(), 0);
    appliance.clock.advance(Duration::from_millis(1));
    let second = appliance.send(&submit(&key, "k", &other_body())).expect(202);
    assert_eq!(second.header("Idempotent-Replayed"), None);
    // The new row has replaced the old one.
    assert_eq!(dinkem_appliance::app::jobs::forget_old_answers(&appliance.app).unwrap(), 0);
    for n in 0..600 {
        appliance.send(&submit(&key, &format!("k{n}"), &good_job().to_string())).expect(202);
    }
    appliance.clock.advance(DAY);
    let young = appliance.send(&submit(&key, "young", &good_job().to_string())).expect(202);
    assert_eq!(dinkem_appliance::app::jobs::forget_old_answers(&appliance.app).unwrap(), 601, "more than one batch");
    assert_replayed(&young, &appliance.send(&submit(&key, "young", &good_job().to_string())));
}

#[test]
fn concurrent_requests_with_one_key_create_one_job() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    for round in 1..=5 {
        let mut job = good_job();
        job["round"] = round.into();
        let request = submit(&key, &format!("race-{round}"), &job.to_string());
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..16).map(|_| scope.spawn(|| appliance.send(&request))).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let texts: Vec<_> = answers.iter().map(|answer| (answer.status, answer.text())).collect();
        assert!(texts.iter().all(|text| *text == texts[0] && text.0 == 202), "{texts:?}");
        let firsts = answers.iter().filter(|answer| answer.header("Idempotent-Replayed").is_none()).count();
        assert_eq!((firsts, jobs(&appliance, &key)), (1, round));
    }
}

#[test]
fn response_is_replayed_even_when_the_queue_is_full() {
    let appliance = Appliance::start_with_quotas(|quotas| quotas.queued_jobs = 1);
    let key = appliance.account("studio").metered;
    let first = appliance.send(&submit(&key, "k", &good_job().to_string())).expect(202);
    appliance.send(&submit(&key, "k2", &good_job().to_string())).expect(429);
    assert_replayed(&first, &appliance.send(&submit(&key, "k", &good_job().to_string())));
}

#[test]
fn replayed_response_survives_a_killed_server() {
    let mut appliance = process::Appliance::start_plain(&[]);
    let key = appliance.account("studio");
    let body = format!(r#"{{"demo_url":"https://demos.invalid/a.dem","steam64_id":"{PLAYER}","round":5}}"#);
    let request = submit(&key, "before-the-kill", &body);
    let first = request.send(appliance.address.parse().unwrap()).expect(202);
    appliance.server().kill();
    appliance.restart();
    assert_replayed(&first, &request.send(appliance.address.parse().unwrap()));
    let (status, page) = appliance.call("GET", "/api/clips", &key, None);
    assert_eq!((status, page["clips"].as_array().map(Vec::len), &page["next_cursor"]), (200, Some(1), &Value::Null));
    assert!(first.body.len() < JSON_BODY_BYTES as usize);
}
