//! `/api/clips` and `/api/clips/{id}`: the contract's page "Submitting Render Jobs", and our additions.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::appliance::{Appliance, PLAYER, good_job};
use crate::support::client::{Answer, Request};

fn submit(appliance: &Appliance, key: &str, body: impl AsRef<[u8]>) -> Answer {
    appliance.send(&Request::post("/api/clips").key(key).json(body))
}

fn with(name: &str, value: Value) -> String {
    let mut job = good_job();
    job[name] = value;
    job.to_string()
}

#[test]
fn contract_example_is_accepted_and_returns_the_whole_job() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let body = r#"{ "demo_url": "https://example.com/demo.dem", "steam64_id": "76561198000000000", "round": 5 }"#;
    let answer = submit(&appliance, &key, body).expect(202);
    let job = answer.json();
    let id = job["id"].as_str().unwrap();
    assert_eq!(answer.header("Location"), Some(format!("/api/clips/{id}").as_str()));
    assert_eq!(uuid::Uuid::try_parse(id).unwrap().get_version_num(), 7);
    let why = job["waiting_because"].as_str().expect("a queued job says why it waits");
    let expected = json!({
        "id": id, "status": "queued", "stage": null, "progress": 0.0, "queue_position": 1, "waiting_because": why,
        "estimated_wait_seconds": null, "job_type": "metered", "demo_url": "https://example.com/demo.dem", "steam64_id": PLAYER, "round": 5,
        "fps": 30, "resolution": 1080, "commands": {"spec_show_xray": "0", "cl_draw_only_deathnotices": "1"},
        "renderer": "builtin", "metadata": null, "attempts": 0, "created_at": "2026-11-23T00:00:00.000Z",
        "started_at": null, "finished_at": null, "error": null, "clip": null,
    });
    assert_eq!(job, expected);
    assert_eq!(appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).expect(200).json(), expected);
}

#[test]
fn every_field_is_returned_as_submitted() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let metadata = "{ \"match\" :  1.50, \"caf\\u00e9\":[ null,\"\u{1F3AE}\" ] }";
    let body = format!(
        r#"{{"demo_url":"https://example.com/a.dem.bz2?x=1&y=2","steam64_id":"{PLAYER}","round":12,"fps":60,
            "resolution":1440,"renderer":"game","metadata":{metadata},
            "commands":{{"spec_show_xray":"1","cl_draw_only_deathnotices":"0"}}}}"#
    );
    let answer = submit(&appliance, &key, body).expect(202);
    let job = answer.json();
    assert_eq!((&job["fps"], &job["resolution"], &job["renderer"]), (&json!(60), &json!(1440), &json!("game")));
    assert_eq!(job["commands"], json!({"spec_show_xray": "1", "cl_draw_only_deathnotices": "0"}));
    assert_eq!(job["demo_url"], "https://example.com/a.dem.bz2?x=1&y=2");
    let id = job["id"].as_str().unwrap();
    let shown = appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&key)).expect(200);
    let listed = appliance.send(&Request::get("/api/clips").key(&key)).expect(200);
    for text in [answer.text(), shown.text(), listed.text()] {
        assert!(text.contains(&format!("\"metadata\":{metadata}")), "metadata must be returned byte for byte: {text}");
    }
}

#[test]
fn bad_body_is_rejected_with_the_field_named() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let cases = [
        ("round", with("round", json!(0))),
        ("round", with("round", json!("5"))),
        ("round", with("round", json!(5.0))),
        ("round", with("round", json!(true))),
        ("round", with("round", Value::Null)),
        ("fps", with("fps", json!(24))),
        ("fps", with("fps", json!("30"))),
        ("resolution", with("resolution", json!(720))),
        ("steam64_id", with("steam64_id", json!(76_561_198_000_000_000_u64))),
        ("steam64_id", with("steam64_id", json!("STEAM_0:1:1"))),
        ("demo_url", with("demo_url", json!("file:///etc/passwd"))),
        ("commands", with("commands", json!([]))),
        ("commands.spec_show_xray", with("commands", json!({"spec_show_xray": 1}))),
        ("commands.cl_draw_only_deathnotices", with("commands", json!({"cl_draw_only_deathnotices": "2"}))),
        ("commands.sv_cheats", with("commands", json!({"sv_cheats": "1"}))),
        ("metadata", with("metadata", json!("x"))),
        ("renderer", with("renderer", json!("best"))),
        ("webhook", with("webhook", json!("https://example.com"))),
    ];
    for (field, body) in cases {
        let answer = submit(&appliance, &key, body);
        answer.expect_bad_field(field);
        let problem = answer.json();
        assert!(problem["error"].as_str().unwrap().contains(field), "{problem}");
        assert_eq!(problem["code"], "invalid_field");
    }
    for body in ["", "[]", "null", "{", "{}{}", "\"x\""] {
        let problem = submit(&appliance, &key, body).expect(400).json();
        assert_eq!((problem["code"].as_str(), &problem["field"]), (Some("invalid_json"), &Value::Null));
    }
    let page = appliance.send(&Request::get("/api/clips").key(&key)).expect(200).json();
    assert_eq!(page, json!({"clips": [], "next_cursor": null}), "no job was created");
}

#[test]
fn jobs_are_listed_newest_first_page_by_page() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio");
    appliance.job(&appliance.account("another").metered);
    let mut expected: Vec<String> = (0..7).map(|_| appliance.job(&keys.metered)).collect();
    expected.reverse();

    let list = |query: &str| appliance.send(&Request::get(&format!("/api/clips{query}")).key(&keys.metered));
    let ids = |page: &Value| -> Vec<String> {
        page["clips"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    for query in ["", "?limit=&cursor=&status=", "?status=queued", "?limit=7", "?limit=100"] {
        let page = list(query).expect(200).json();
        assert_eq!((ids(&page), &page["next_cursor"]), (expected.clone(), &Value::Null), "{query}");
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for jobs in [3, 3, 1] {
        let page = list(&format!("?limit=3&cursor={cursor}")).expect(200).json();
        assert_eq!(page["clips"].as_array().unwrap().len(), jobs);
        found.extend(ids(&page));
        cursor = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((found, cursor.as_str()), (expected.clone(), ""));

    appliance.send(&Request::delete(&format!("/api/clips/{}", expected[2])).key(&keys.metered)).expect(200);
    assert_eq!(ids(&list("?status=cancelled").json()), expected[2..3]);
    assert_eq!(ids(&list("?status=queued&limit=2").json()), [expected[0].clone(), expected[1].clone()]);
    assert_eq!(ids(&list("?status=done").json()), Vec::<String>::new());
}

#[test]
fn list_is_filtered_by_player_demo_and_time() {
    const OTHER: &str = "76561198000000001";
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let demo = "ab".repeat(32);
    let uploaded = format!("https://clips.lan/api/demos/{demo}");
    let jobs = [
        ("https://example.com/demo.dem", PLAYER),
        (uploaded.as_str(), PLAYER),
        ("https://example.com/demo.dem", OTHER),
        (uploaded.as_str(), OTHER),
    ];
    let ids = jobs.map(|(demo_url, player)| {
        let mut job = good_job();
        (job["demo_url"], job["steam64_id"]) = (json!(demo_url), json!(player));
        let id = submit(&appliance, &key, job.to_string()).expect(202).json()["id"].as_str().unwrap().to_owned();
        appliance.clock.advance(Duration::from_secs(10));
        id
    });
    appliance.send(&Request::delete(&format!("/api/clips/{}", ids[3])).key(&key)).expect(200);
    let cases: [(String, &[usize]); 12] = [
        ("steam64_id=&demo_sha256=&created_after=&created_before=".into(), &[3, 2, 1, 0]),
        (format!("steam64_id={PLAYER}"), &[1, 0]),
        (format!("steam64_id={OTHER}"), &[3, 2]),
        (format!("demo_sha256={demo}"), &[3, 1]),
        (format!("demo_sha256={}&steam64_id={OTHER}", demo.to_uppercase()), &[3]),
        (format!("demo_sha256={}", "cd".repeat(32)), &[]),
        (format!("demo_sha256={demo}&status=queued"), &[1]),
        ("created_after=2026-11-23T00:00:10Z".into(), &[3, 2]),
        ("created_before=2026-11-23T00:00:10.000Z".into(), &[0]),
        ("created_after=2026-11-23T01:00:05%2B01:00&created_before=2026-11-23T00:00:25Z".into(), &[2, 1]),
        ("created_after=2026-11-22&created_before=2026-11-24".into(), &[3, 2, 1, 0]),
        ("created_after=2026-11-24".into(), &[]),
    ];
    for (query, expected) in cases {
        // One job a page, so that cursor and filters are used together.
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/clips?{query}&limit=1&cursor={cursor}");
            let page = appliance.send(&Request::get(&path).key(&key)).expect(200).json();
            found.extend(page["clips"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(found, expected.iter().map(|at| ids[*at].clone()).collect::<Vec<_>>(), "{query}");
    }
}

#[test]
fn bad_list_parameters_are_rejected() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let cases = [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=5.0", "limit"),
        ("limit=-1", "limit"),
        ("status=waiting", "status"),
        ("status=QUEUED", "status"),
        ("cursor=1", "cursor"),
        ("cursor=zzzzzzzzzzzzzzzz", "cursor"),
        ("page=2", "page"),
        ("steam64_id=1", "steam64_id"),
        ("steam64_id=STEAM_0:1:1", "steam64_id"),
        ("demo_sha256=abcd", "demo_sha256"),
        ("created_after=yesterday", "created_after"),
        ("created_before=2026-11-23T00:00:00", "created_before"),
        ("created_before=1795392000000", "created_before"),
        ("wait=5", "wait"),
        ("limit=5&Status=queued", "Status"),
        ("limit=5&limit=6", "limit"),
    ];
    for (query, field) in cases {
        appliance.send(&Request::get(&format!("/api/clips?{query}")).key(&key)).expect_bad_field(field);
    }
}

#[test]
fn queued_job_can_be_cancelled_and_stays_cancelled() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let id = appliance.job(&key);
    appliance.clock.advance(Duration::from_secs(5));
    let first = appliance.send(&Request::delete(&format!("/api/clips/{id}")).key(&key)).expect(200).json();
    assert_eq!((&first["status"], &first["finished_at"]), (&json!("cancelled"), &json!("2026-11-23T00:00:05.000Z")));
    assert_eq!((&first["queue_position"], &first["waiting_because"]), (&Value::Null, &Value::Null));
    appliance.clock.advance(Duration::from_secs(5));
    let again = appliance.send(&Request::delete(&format!("/api/clips/{id}")).key(&key)).expect(200).json();
    assert_eq!(again, first);
    assert!(appliance.claim(&appliance.node("n1")).is_none(), "no node gets a cancelled job");
}

#[test]
fn another_accounts_job_does_not_exist() {
    let appliance = Appliance::start();
    let owner = appliance.account("studio").metered;
    let stranger = appliance.account("another").metered;
    let id = appliance.job(&owner);
    let missing = "00000000-0000-7000-8000-000000000000".to_owned();
    let plain = id.replace('-', "");
    let answers: Vec<_> = [&id, &missing, &plain, &"5".to_owned(), &format!("{{{id}}}")]
        .iter()
        .flat_map(|id| {
            ["GET", "DELETE", "PUT"].map(|method| Request::new(method, &format!("/api/clips/{id}")).key(&stranger))
        })
        .map(|request| appliance.send(&request).expect(404).text().to_owned())
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "all responses must be equal: {answers:?}");
    let own = appliance.send(&Request::put(&format!("/api/clips/{id}")).key(&owner)).expect(405);
    assert_eq!(own.header("Allow"), Some("GET, DELETE"));
    assert_eq!(appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&owner)).json()["status"], "queued");
}

#[test]
fn queue_position_counts_earlier_jobs_of_the_same_account_and_class() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 1);
    let other = appliance.account("another").metered;
    let position = |key: &str| {
        submit(&appliance, key, good_job().to_string()).expect(202).json()["queue_position"].as_u64().unwrap()
    };
    assert_eq!([position(&keys.metered), position(&keys.metered), position(&other)], [1, 2, 1]);
    assert_eq!([position(&keys.reserved), position(&keys.metered)], [1, 3]);
}
