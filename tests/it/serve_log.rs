//! The request log: a line for every request, and no secrets.

use serde_json::{Value, json};

use crate::support::client::Request;
use crate::support::epochs::epoch_of;
use crate::support::process::Appliance;
use crate::support::quick;

/// A key of no account.
const UNKNOWN_KEY: &str = "7d9c4a1e-52b8-4e0f-9a63-1f2e3d4c5b6a";

#[test]
fn every_request_is_logged_once_without_keys_or_tokens() {
    let files = quick::server();
    let mut appliance = Appliance::start_plain(&["--fetch-allow", "127.0.0.0/8", "--log", "trace"]);
    let made = appliance.admin(&["account", "create", "Studio \"One\""]);
    appliance.admin(&["activate"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (key, reserved) = (text(&made["metered_key"]), text(&made["reserved_key"]));
    let ticket = text(&appliance.admin(&["nodes", "token"])["join_token"]);
    let mut node = appliance.node("n1", None);
    let id = appliance.submit(&key, &quick::job(&files));
    let clip = appliance.wait_for_clip(&key, &id)["clip"].clone();
    let token = text(&clip["embed_url"]).rsplit('/').next().unwrap().to_owned();
    let secret = dinkem_appliance::wire::join_token::JoinTicket::decode(&ticket).unwrap().secret;

    let address = appliance.address.parse().unwrap();
    let path = |which: &str| text(&clip[which]).split_once(&appliance.address).unwrap().1.to_owned();
    let requests = [
        Request::get(&path("url")),
        Request::head(&path("poster_url")),
        Request::get(&path("embed_url")),
        Request::get(&format!("{}?download=1&key={key}", path("url"))),
        Request::get(&format!("/clips/{token}.mov")),
        Request::get(&format!("/{token}/{key}")).key(&key),
        Request::get(&format!("/api/clips/{key}")).key(&key),
        Request::get(&format!("/api/clips/{id}")).key(&reserved),
        Request::delete(&format!("/api/clips/{reserved}")).key(&key),
        Request::new(&key, "/api/account").key(&key),
        Request::get("/api/account").key(UNKNOWN_KEY),
        Request::get("/api/account").header("Authorization", &format!("Basic {key}")),
        Request::post("/api/node/join").json(json!({"join_token": secret, "name": secret}).to_string()),
        Request::post(&format!("/api/node/join?join_token={ticket}")).json(json!({"join_token": ticket}).to_string()),
        Request::post("/api/clips").key(&key).json(format!(r#"{{"demo_url":"{key}"}}"#)),
        Request::get(&format!("/{}", key.repeat(300))),
        Request::get("/x").header("X-Large", &token.repeat(2_000)),
    ];
    for request in &requests {
        request.send(address);
    }
    appliance.server().signal("TERM");
    let (_, log) = appliance.server().wait();
    node.signal("TERM");
    let (_, node_log) = node.wait();
    let state = std::fs::read_to_string(appliance.scratch().join("n1").join("node.json")).unwrap();
    let node_key = text(&serde_json::from_str::<Value>(&state).unwrap()["node_key"]);

    for secret in [&*key, &reserved, &ticket, &secret, &token, &node_key, UNKNOWN_KEY] {
        for line in log.iter().chain(&node_log) {
            assert!(!line.contains(secret), "{secret} is in {line}");
        }
    }
    for expected in [
        "POST /api/clips 202 ".into(),
        format!("GET /api/clips/{id} 200 "),
        "POST /api/node/claims 200 ".into(),
        format!("PUT /api/node/leases/{}-1/video 200 ", epoch_of(&appliance.data_dir())),
        " node \"n1\" 127.0.0.1".into(),
        r#" "Studio \"One\"" 127.0.0.1"#.into(),
        format!("GET /clips/{{token}}.mp4 200 {} bytes ", clip["bytes"]),
        "HEAD /clips/{token}.jpg 200 0 bytes ".into(),
        "GET /embed/{token} 200 ".into(),
        "GET /clips/(…) 401 ".into(),
        "GET /(…)/(…) 404 ".into(),
        "DELETE /api/clips/{id} 404 ".into(),
        "(invalid) /api/account 405 ".into(),
        ", refused key no. 1".into(),
        "answered 414 before any handler".into(),
        "answered 431 before any handler".into(),
    ] {
        assert!(log.iter().any(|line| line.contains(&expected)), "{expected} is not in\n{}", log.join("\n"));
    }
    let ids: Vec<&str> =
        log.iter().filter_map(|line| line.split_once(" request ")?.1.split_once(": ")).map(|(id, _)| id).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert!(ids.len() > requests.len() && once.len() == ids.len(), "one line for each request");
    assert!(!log.iter().any(|line| line.contains('\u{1b}')), "no control characters");
}
