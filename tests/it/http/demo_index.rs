//! `GET /api/demos/{sha256}`, and jobs for indexed demos.

use std::path::Path;
use std::sync::LazyLock;

use dinkem_appliance::app;
use dinkem_appliance::os::stop::StopFlag;
use dinkem_appliance::render::forge;
use serde_json::{Value, json};

use crate::support::appliance::{Appliance, PLAYER};
use crate::support::cli::Cli;
use crate::support::client::{Answer, Request};
use crate::support::compression::COMPRESSORS;
use crate::support::process::BINARY;
use crate::support::quick;

static DEMO: LazyLock<Vec<u8>> = LazyLock::new(forge::quick);

fn upload(appliance: &Appliance, key: &str, demo: &[u8]) -> Value {
    appliance.send(&Request::post("/api/demos").key(key).body(demo)).expect(201).json()
}

fn show(appliance: &Appliance, key: &str, sha256: &str) -> Answer {
    appliance.send(&Request::get(&format!("/api/demos/{sha256}")).key(key))
}

fn submit(appliance: &Appliance, key: &str, demo: &Value, player: &str, round: u32) -> Answer {
    let job = json!({"demo_url": demo["demo_url"], "steam64_id": player, "round": round});
    appliance.send(&Request::post("/api/clips").key(key).json(job.to_string()))
}

/// Indexes all waiting demos; their number.
fn read_all(appliance: &Appliance) -> usize {
    let next = || app::demos::index::index_next(&appliance.app, Path::new(BINARY), &StopFlag::new()).unwrap();
    std::iter::repeat_with(next).take_while(|read| *read).count()
}

#[track_caller]
fn assert_rejected(answer: &Answer, field: &str, code: &str) {
    answer.expect_bad_field(field);
    assert_eq!(answer.json()["code"], code);
    assert!(answer.json()["error"].as_str().unwrap().contains(field));
}

#[test]
fn indexed_demo_matches_inspect_output() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let demo = upload(&appliance, &key, &DEMO);
    let sha256 = demo["sha256"].as_str().unwrap();
    let early = show(&appliance, &key, sha256).expect(202);
    assert_eq!(early.json(), json!({"sha256": sha256, "status": "indexing"}));
    assert!(early.header("Retry-After").is_some_and(|seconds| seconds.parse::<u32>().unwrap() > 0));

    assert_eq!(read_all(&appliance), 1);
    let shown = show(&appliance, &key, sha256).expect(200).json();
    let cli = Cli::new();
    std::fs::write(cli.home().join("quick.dem"), &*DEMO).unwrap();
    assert_eq!(shown, cli.run(&["inspect", "quick.dem", "--json"]).json());
    // Two rounds; the CTs win the second, in which the player has three kills (`forge::quick`).
    assert_eq!(shown["rounds"].as_array().unwrap().len(), 2);
    assert_eq!((&shown["rounds"][1]["number"], &shown["rounds"][1]["winner"]), (&json!(2), &json!("ct")));
    let ours = quick::PLAYER.to_string();
    let player = shown["players"].as_array().unwrap().iter().find(|one| one["steam64_id"] == ours.as_str());
    assert_eq!(player.unwrap()["kills_by_round"], json!({"2": 3}));
    let names: Vec<_> = shown.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["game_build", "highlights", "last_tick", "map", "players", "rounds", "tick_rate"]);

    let upper = show(&appliance, &key, &sha256.to_uppercase()).expect(200);
    assert_eq!(upper.json(), shown);
    assert_eq!(read_all(&appliance), 0, "an indexed demo is not indexed again");
    upload(&appliance, &key, &DEMO);
    assert_eq!(read_all(&appliance), 0, "not even when it is uploaded again");
}

#[test]
fn compressed_demo_is_indexed() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let plain = upload(&appliance, &key, &DEMO);
    let packed: Vec<Value> = COMPRESSORS.iter().map(|(_, pack)| upload(&appliance, &key, &pack(&DEMO))).collect();
    assert_eq!(read_all(&appliance), 4);
    let shown = |demo: &Value| show(&appliance, &key, demo["sha256"].as_str().unwrap()).expect(200).json();
    for (demo, (name, _)) in packed.iter().zip(COMPRESSORS) {
        assert_eq!(shown(demo), shown(&plain), "{name}");
        submit(&appliance, &key, demo, &quick::PLAYER.to_string(), 2).expect(202);
        assert_rejected(&submit(&appliance, &key, demo, PLAYER, 2), "steam64_id", "player_not_in_demo");
    }
    assert_eq!(
        std::fs::read_dir(appliance.app.data_dir().join("indexing")).unwrap().count(),
        0,
        "no files must be left"
    );
}

#[test]
fn wrong_player_or_round_is_rejected_at_submission_once_the_demo_is_indexed() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let player = quick::PLAYER.to_string();
    let demo = upload(&appliance, &key, &DEMO);
    for (player, round) in [(player.as_str(), 2), (PLAYER, 2), (player.as_str(), 3)] {
        submit(&appliance, &key, &demo, player, round).expect(202);
    }
    read_all(&appliance);
    for round in [1, 2] {
        submit(&appliance, &key, &demo, &player, round).expect(202);
    }
    assert_rejected(&submit(&appliance, &key, &demo, PLAYER, 2), "steam64_id", "player_not_in_demo");
    let refused = submit(&appliance, &key, &demo, &player, 3);
    assert_rejected(&refused, "round", "round_not_in_demo");
    assert!(refused.json()["error"].as_str().unwrap().contains("has 2 rounds;"), "{}", refused.text());

    // The path counts, not the host, and only for an account that uploaded the demo.
    let elsewhere =
        json!({"demo_url": format!("https://elsewhere.lan/api/demos/{}", demo["sha256"].as_str().unwrap())});
    assert_rejected(&submit(&appliance, &key, &elsewhere, PLAYER, 2), "steam64_id", "player_not_in_demo");
    let stranger = appliance.account("another").metered;
    submit(&appliance, &stranger, &demo, PLAYER, 99).expect(202);
}

#[test]
fn unreadable_demo_reports_why_and_is_rejected_until_uploaded_again() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let truncated = &COMPRESSORS[0].1(&DEMO)[..1_000];
    for bytes in [b"PBDEMS2\0<!doctype html>".as_slice(), b"PBDEMS2\0 and nothing more", truncated] {
        let demo = upload(&appliance, &key, bytes);
        let sha256 = demo["sha256"].as_str().unwrap();
        submit(&appliance, &key, &demo, PLAYER, 1).expect(202);
        assert_eq!(read_all(&appliance), 1);
        let problem = show(&appliance, &key, sha256).expect(422).json();
        assert_eq!(problem["code"], "demo_unreadable");
        assert!(problem["error"].as_str().is_some_and(|message| message.ends_with('.')), "{problem}");
        assert_rejected(&submit(&appliance, &key, &demo, PLAYER, 1), "demo_url", "demo_unreadable");
        upload(&appliance, &key, bytes);
        show(&appliance, &key, sha256).expect(202);
        submit(&appliance, &key, &demo, PLAYER, 1).expect(202);
        assert_eq!(read_all(&appliance), 1);
    }
}

#[test]
fn demo_is_visible_only_to_accounts_that_uploaded_it() {
    let appliance = Appliance::start();
    let owner = appliance.account("studio").metered;
    let partner = appliance.account("partner").metered;
    let stranger = appliance.account("another").metered;
    let sha256 = upload(&appliance, &owner, &DEMO)["sha256"].as_str().unwrap().to_owned();
    upload(&appliance, &partner, &DEMO);
    let missing = show(&appliance, &stranger, &sha256).expect(404).text().to_owned();
    assert_eq!(read_all(&appliance), 1, "the same bytes are indexed once");
    show(&appliance, &owner, &sha256).expect(200);
    show(&appliance, &partner, &sha256).expect(200);
    let odd = [
        sha256.clone(),
        "0".repeat(64),
        sha256[1..].to_owned(),
        format!("{sha256}0"),
        format!("{}g", &sha256[1..]),
        "x".into(),
    ];
    for name in odd {
        assert_eq!(show(&appliance, &stranger, &name).expect(404).text(), missing, "{name}");
    }
    let path = format!("/api/demos/{sha256}");
    let put = |key: &str| appliance.send(&Request::put(&path).key(key));
    assert_eq!(put(&owner).expect(405).header("Allow"), Some("GET, DELETE"));
    put(&stranger).expect(404);
}

#[test]
fn idempotent_response_from_before_indexing_is_replayed() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let demo = upload(&appliance, &key, &DEMO);
    let job = json!({"demo_url": demo["demo_url"], "steam64_id": PLAYER, "round": 1}).to_string();
    let request = Request::post("/api/clips").key(&key).header("Idempotency-Key", "k").json(job);
    let first = appliance.send(&request).expect(202);
    read_all(&appliance);
    let again = appliance.send(&request).expect(202);
    assert_eq!((again.text(), again.header("Idempotent-Replayed")), (first.text(), Some("true")));
}
