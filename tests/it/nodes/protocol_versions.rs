//! Nodes and servers one protocol version apart work together; others are told what to update. Requests of the previous
//! version are written out here.

use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::node::join::join;
use serde_json::{Value, json};

use crate::support::appliance::Appliance;
use crate::support::cli::Cli;
use crate::support::client::{Answer, Request};
use crate::support::hash::sha256_hex;
use crate::support::listener::{listen, reply};
use crate::support::process;
use crate::support::video::{CLIP, POSTER};
use crate::support::wait::until;

/// A node's build: its version headers, and unknown fields in its bodies.
struct Build {
    headers: &'static [(&'static str, &'static str)],
    more: &'static str,
}

/// From before protocol versions were sent.
const BEFORE: Build = Build { headers: &[], more: "" };
/// The last version whose leases are numbers.
const NUMBERED: Build = Build { headers: &[("Dinkem-Protocol", "5"), ("Dinkem-Version", "0.0.9")], more: "" };
/// The current version.
const OURS: Build = Build { headers: &[("Dinkem-Protocol", "6"), ("Dinkem-Version", "0.1.0")], more: "" };
/// The next version.
const NEXT: Build = Build {
    headers: &[("Dinkem-Protocol", "7"), ("Dinkem-Version", "0.2.0-rc.1")],
    more: r#","gpu":{"name":"x","memory":[1,2]},"mood":null"#,
};

impl Build {
    /// Sends a request with `more` added to its body.
    fn send(&self, appliance: &Appliance, key: Option<&str>, method: &str, path: &str, body: &str) -> Answer {
        let body = format!("{}{}}}", body.strip_suffix('}').unwrap(), self.more);
        self.request(appliance, key, Request::new(method, path).json(body))
    }

    fn request(&self, appliance: &Appliance, key: Option<&str>, mut request: Request) -> Answer {
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        appliance.send(&key.map_or(request.clone(), |key| request.key(key)))
    }

    fn join(&self, appliance: &Appliance) -> Answer {
        let token = dinkem_appliance::app::nodes::token(&appliance.app, &crate::support::operator()).unwrap();
        let body = format!(r#"{{"join_token":"{}","name":"rack"}}"#, token.reveal());
        self.send(appliance, None, "POST", "/api/node/join", &body)
    }
}

#[test]
fn older_nodes_and_those_one_version_newer_work() {
    let builds = [(BEFORE, "", 1), (NUMBERED, "0.0.9", 5), (OURS, "0.1.0", 6), (NEXT, "0.2.0-rc.1", 7)];
    for (build, version, protocol) in builds {
        let appliance = Appliance::start();
        let account = appliance.account("studio");
        let joined = build.join(&appliance).expect(201).json();
        let key = joined["node_key"].as_str().unwrap();
        let ids = [appliance.job(&account.metered), appliance.job(&account.metered)];
        let claim = || {
            let body = r#"{"wait_seconds":0,"renderers":["builtin"],"slots":1}"#;
            let claim = build.send(&appliance, Some(key), "POST", "/api/node/claims", body).expect(200).json();
            let lease = match &claim["lease"] {
                Value::String(name) => name.clone(),
                number => number.to_string(),
            };
            assert_eq!(lease.contains('-'), protocol >= 6, "{lease}");
            format!("/api/node/leases/{lease}")
        };
        let lease = claim();
        build.send(&appliance, Some(key), "PUT", &lease, r#"{"stage":"rendering","progress":0.5}"#).expect(200);
        let upload = |what: &str, bytes: &[u8]| {
            build.request(&appliance, Some(key), Request::put(&format!("{lease}{what}")).body(bytes)).expect(200);
        };
        upload("/video?offset=0", &CLIP);
        upload("/poster", &POSTER);
        let sha256 = sha256_hex(&CLIP);
        let body = format!(r#"{{"video_sha256":"{sha256}"}}"#);
        build.send(&appliance, Some(key), "POST", &format!("{lease}/complete"), &body).expect(200);
        let lease = claim();
        let body = r#"{"code":"render_failed","message":"It broke.","retry":"never"}"#;
        build.send(&appliance, Some(key), "POST", &format!("{lease}/fail"), body).expect(200);

        for (id, status) in ids.iter().zip(["done", "failed"]) {
            let job = appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&account.metered)).json();
            assert_eq!(job["status"], status, "protocol {protocol}");
        }
        let known = dinkem_appliance::app::nodes::list(&appliance.app).unwrap().remove(0).node.program;
        assert_eq!((known.version.as_str(), known.protocol), (version, protocol));
    }
}

#[test]
fn lease_of_another_epoch_has_ended_and_its_number_alone_is_enough() {
    let appliance = Appliance::start();
    let account = appliance.account("studio");
    let key = OURS.join(&appliance).expect(201).json()["node_key"].as_str().unwrap().to_owned();
    appliance.job(&account.metered);
    let body = r#"{"wait_seconds":0,"renderers":["builtin"],"slots":1}"#;
    let claim = OURS.send(&appliance, Some(&key), "POST", "/api/node/claims", body).expect(200).json();
    let name = claim["lease"].as_str().unwrap();
    let (epoch, number) = name.split_once('-').unwrap();
    let beat = |lease: &str| {
        let path = format!("/api/node/leases/{lease}");
        OURS.send(&appliance, Some(&key), "PUT", &path, r#"{"stage":"rendering","progress":0.5}"#)
    };
    for known in [name, number] {
        beat(known).expect(200);
    }
    for foreign in [format!("01234567-{number}"), format!("{epoch}-{number}0")] {
        assert_eq!(beat(&foreign).expect(409).json()["code"], "lost", "{foreign}");
    }
    for none in [format!("{epoch}-"), format!("{}-{number}", epoch.to_uppercase() + "X"), format!("-{number}")] {
        beat(&none).expect(404);
    }
}

#[test]
fn unknown_fields_are_ignored_only_from_newer_nodes() {
    for (build, status) in [(BEFORE, 400), (OURS, 400), (NEXT, 201)] {
        let build = Build { more: NEXT.more, ..build };
        let answer = build.join(&Appliance::start()).expect(status);
        assert_eq!(answer.json()["field"], if status == 400 { json!("gpu") } else { Value::Null });
    }
}

#[test]
fn node_that_does_not_fit_is_told_which_side_to_update() {
    let appliance = Appliance::start();
    let key = OURS.join(&appliance).expect(201).json()["node_key"].as_str().unwrap().to_owned();
    let cases = [
        ("0", "protocol_unsupported", "update the node"),
        ("8", "protocol_unsupported", "update the server"),
        ("4000000000", "protocol_unsupported", "update the server"),
        ("02", "invalid_field", "must be a single number"),
        ("two", "invalid_field", "must be a single number"),
        ("-1", "invalid_field", "must be a single number"),
        ("99999999999", "invalid_field", "must be a single number"),
    ];
    for (version_text, code, message) in cases {
        let body = r#"{"wait_seconds":0,"renderers":["builtin"],"slots":1}"#;
        let claim = Request::post("/api/node/claims").key(&key).json(body).header("Dinkem-Protocol", version_text);
        let answer = appliance.send(&claim).expect(400).json();
        assert_eq!((&answer["code"], &answer["field"]), (&json!(code), &json!("Dinkem-Protocol")), "{version_text}");
        assert!(answer["error"].as_str().unwrap().contains(message), "{version_text}: {answer}");
    }
    let stranger = Request::post("/api/node/claims").header("Dinkem-Protocol", "9");
    appliance.send(&stranger).expect(401);
}

#[test]
fn node_shows_the_message_of_an_incompatible_server() {
    let server = listen("127.0.0.1", |mut call, to| {
        let own = (call.header("dinkem-protocol"), call.header("dinkem-version"));
        assert_eq!(own, (Some("6"), Some(env!("CARGO_PKG_VERSION"))));
        call.bytes();
        let answer = json!({"error": "Speak 8: update the node.", "code": "protocol_unsupported", "more": {}});
        reply(to, 400, &[], answer.to_string().as_bytes())
    });
    let dir = tempfile::tempdir().unwrap();
    let error = join(&format!("http://{server}"), None, &Secret::new("t"), "n", dir.path()).unwrap_err();
    assert_eq!((error.code.as_str(), error.message.as_str()), ("protocol_unsupported", "Speak 8: update the node."));
}

#[test]
fn node_list_and_version_flag_show_program_versions() {
    let appliance = process::Appliance::start(&[]);
    let _node = appliance.node("rack", None);
    let node = until("the node", || {
        Some(appliance.admin(&["nodes", "list"])["nodes"][0].clone()).filter(|node| node["slots"] == 1)
    });
    assert_eq!((&node["version"], &node["protocol"]), (&json!(env!("CARGO_PKG_VERSION")), &json!(6)));
    let data = appliance.data_dir();
    let (_, table, _) = process::run(&["--data-dir", data.to_str().unwrap(), "admin", "nodes", "list"]);
    assert!(table.lines().next().unwrap().contains("VERSION"), "{table}");

    let version_text = Cli::new().run(&["--version"]).out;
    let expected = format!("dinkem-appliance {} (", env!("CARGO_PKG_VERSION"));
    let machine = format!("{}-{})", std::env::consts::ARCH, std::env::consts::OS);
    assert!(version_text.starts_with(&expected) && version_text.trim_end().ends_with(&machine), "{version_text}");
}

#[cfg(target_os = "linux")]
#[test]
fn node_understands_a_server_one_version_newer() {
    use crate::support::node_harness::{GOOD, NodeHarness, while_working};
    use crate::support::node_server::Behavior;

    let harness = NodeHarness::new(Behavior { is_newer: true, ..Behavior::normal() });
    while_working(harness.config(GOOD), |_| {
        let lease = harness.server.offer(&harness.demo_url, None);
        let lease = harness.server.wait_for_end(lease);
        assert!(lease.completed.is_some(), "{:?}", lease.failed);
        assert!(!lease.heartbeats.is_empty() && !lease.poster.is_empty());
    })
    .unwrap();
    let server = listen("127.0.0.1", |mut call, to| {
        call.bytes();
        reply(to, 201, &[], br#"{"node_id": "i", "node_key": "k", "of_the_next_version": [1]}"#)
    });
    let dir = tempfile::tempdir().unwrap();
    assert!(join(&format!("http://{server}"), None, &Secret::new("t"), "n", dir.path()).is_ok());
}
