//! The contract's page "Submitting Render Jobs": one test for each row, in the same order.

use serde_json::{Value, json};

use crate::support::appliance::{Appliance, PLAYER, good_job};
use crate::support::client::{Answer, Request};

/// A client with a metered key.
struct Client {
    appliance: Appliance,
    key: String,
}

impl Client {
    fn new() -> Self {
        let appliance = Appliance::start();
        let key = appliance.account("studio").metered;
        Self { appliance, key }
    }

    fn send(&self, body: impl AsRef<[u8]>) -> Answer {
        self.appliance.send(&Request::post("/api/clips").key(&self.key).json(body))
    }

    /// Submits a valid job in which one member has this JSON value.
    fn with(&self, name: &str, text: &str) -> Answer {
        self.send(body_with(name, text))
    }

    #[track_caller]
    fn accepted(&self, name: &str, text: &str) -> Value {
        self.with(name, text).expect(202).json()
    }

    #[track_caller]
    fn assert_rejected(&self, name: &str, texts: &[&str]) {
        for text in texts {
            self.with(name, text).expect_bad_field(name);
        }
    }
}

fn body_with(name: &str, text: &str) -> String {
    let mut members: Vec<(String, String)> =
        good_job().as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    members.retain(|(known, _)| known != name);
    members.push((name.to_owned(), text.to_owned()));
    let members: Vec<String> = members.iter().map(|(name, text)| format!("{}:{text}", json!(name))).collect();
    format!("{{{}}}", members.join(","))
}

fn without(name: &str) -> String {
    let mut job = good_job();
    job.as_object_mut().unwrap().remove(name);
    job.to_string()
}

/// JSON values that are neither strings nor objects.
const NO_STRING_OR_OBJECT: [&str; 6] = ["5", "5.0", "true", "false", "null", "[]"];

#[test]
fn demo_url_is_a_required_http_or_https_url() {
    let client = Client::new();
    let urls = [
        "https://example.com/demo.dem",
        "http://10.0.0.5/a/b.dem?x=1&y=%20#z",
        "https://example.com/demo.dem.gz",
        "https://example.com/demo.dem.bz2",
        "https://example.com/demo.dem.zst",
        "https://example.com/no-ending",
        "HTTPS://EXAMPLE.COM:8443/DEMO.DEM",
        "http://[2001:db8::1]/demo.dem",
        "http://[2001:db8::1]:65535/demo.dem",
        "https://xn--dmos-bpa.example/d\u{e9}mo-\u{1F3AE}.dem",
    ];
    for url in urls {
        assert_eq!(client.accepted("demo_url", &json!(url).to_string())["demo_url"], url);
    }
    client.send(without("demo_url")).expect_bad_field("demo_url");
    client.assert_rejected("demo_url", &NO_STRING_OR_OBJECT);
    client.assert_rejected("demo_url", &["{}", "[\"https://example.com/demo.dem\"]"]);
    for url in [
        "",
        " ",
        "demo.dem",
        "/demo.dem",
        "//example.com/x",
        "ftp://example.com/demo.dem",
        "file:///etc/passwd",
        "https://d\u{e9}mos.example/demo.dem",
        "https://example.com/a\"b.dem",
        "https://",
        "https:///x",
        "https://example.com:65536/x",
        "https://example.com:-1/x",
        "https://example.com:http/x",
        "https://[2001:db8::1]8443/x",
        "https://[demos.example]/x",
        "https://exa%6dple.com/x",
        "https://example.com\\x",
        "https://[2001:db8::1/x",
        "https://u:p@example.com/x",
        "https://u@example.com/x",
        " https://example.com/x",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com/\0",
        "javascript:alert(1)",
        "data:,x",
    ] {
        client.assert_rejected("demo_url", &[&json!(url).to_string()]);
    }
}

#[test]
fn steam64_id_is_a_required_string_with_the_id_of_an_individual_account() {
    let client = Client::new();
    for id in [PLAYER, "76561197960265728", "76561202255233023"] {
        assert_eq!(client.accepted("steam64_id", &json!(id).to_string())["steam64_id"], id);
    }
    client.send(without("steam64_id")).expect_bad_field("steam64_id");
    client.assert_rejected("steam64_id", &NO_STRING_OR_OBJECT);
    client.assert_rejected("steam64_id", &[PLAYER, "{}", "7.6561198e16"]);
    for id in [
        "",
        "0",
        "STEAM_0:0:12345",
        "[U:1:12345]",
        "76561197960265727",
        "76561202255233024",
        "7656119800000000",
        "765611980000000000",
        "076561198000000000",
        "+6561198000000000",
        " 76561198000000000",
        "76561198000000000 ",
        "7656119800000000\u{0660}",
        "76561198000000000\0",
        "7656119800000000x",
        "99999999999999999",
    ] {
        client.assert_rejected("steam64_id", &[&json!(id).to_string()]);
    }
}

#[test]
fn round_is_a_required_integer_of_1_or_greater() {
    let client = Client::new();
    for round in [1, 5, 30, 1_000, i32::MAX] {
        assert_eq!(client.accepted("round", &round.to_string())["round"], round);
    }
    client.send(without("round")).expect_bad_field("round");
    client.assert_rejected(
        "round",
        &["0", "-0", "-1", "5.0", "5.5", "\"5\"", "true", "null", "[5]", "{}", "1E2", "1e2", "5e0", "1e400", "-1e400"],
    );
    client.assert_rejected(
        "round",
        &["2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551616", &"9".repeat(500)],
    );
}

#[test]
fn fps_is_30_or_60_and_defaults_to_30() {
    let client = Client::new();
    assert_eq!(client.send(good_job().to_string()).expect(202).json()["fps"], 30);
    for fps in [30, 60] {
        assert_eq!(client.accepted("fps", &fps.to_string())["fps"], fps);
    }
    client.assert_rejected(
        "fps",
        &["0", "-30", "29", "31", "59", "61", "120", "30.0", "3e1", "\"30\"", "true", "null", "[30]", "{}", "1e400"],
    );
}

#[test]
fn resolution_is_1080_or_1440_and_defaults_to_1080() {
    let client = Client::new();
    assert_eq!(client.send(good_job().to_string()).expect(202).json()["resolution"], 1080);
    for lines in [1080, 1440] {
        assert_eq!(client.accepted("resolution", &lines.to_string())["resolution"], lines);
    }
    let wrong =
        ["0", "720", "1079", "1081", "2160", "1080.0", "1.08e3", "\"1080\"", "\"1080p\"", "true", "null", "[]", "{}"];
    client.assert_rejected("resolution", &wrong);
}

#[test]
fn commands_is_an_object_of_known_overrides_whose_values_are_strings() {
    let client = Client::new();
    let defaults = json!({"spec_show_xray": "0", "cl_draw_only_deathnotices": "1"});
    assert_eq!(client.send(good_job().to_string()).expect(202).json()["commands"], defaults);
    assert_eq!(client.accepted("commands", "{}")["commands"], defaults);
    client.assert_rejected("commands", &NO_STRING_OR_OBJECT);
    client.assert_rejected("commands", &["\"spec_show_xray 1\"", "[{}]"]);
    for name in ["sv_cheats", "SPEC_SHOW_XRAY", "spec_show_xray ", "", "quit; exec x"] {
        let commands = json!({ name: "1" }).to_string();
        client.with("commands", &commands).expect_bad_field(&format!("commands.{name}"));
    }
}

fn check_switch(name: &str, left_out: &str) {
    let client = Client::new();
    assert_eq!(client.accepted("commands", "{}")["commands"][name], left_out);
    for value in ["0", "1"] {
        assert_eq!(client.accepted("commands", &json!({ name: value }).to_string())["commands"][name], value);
    }
    for text in [
        "0",
        "1",
        "0.0",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[\"1\"]",
        "\"\"",
        "\"2\"",
        "\"-1\"",
        "\"01\"",
        "\"1 \"",
        "\"true\"",
        "\"1;quit\"",
    ] {
        client.with("commands", &format!("{{\"{name}\":{text}}}")).expect_bad_field(&format!("commands.{name}"));
    }
}

#[test]
fn spec_show_xray_is_a_string_0_or_1_and_defaults_to_0() {
    check_switch("spec_show_xray", "0");
}

#[test]
fn cl_draw_only_deathnotices_is_a_string_0_or_1_and_defaults_to_1() {
    check_switch("cl_draw_only_deathnotices", "1");
}

#[test]
fn unknown_field_is_named_in_the_error() {
    let client = Client::new();
    for name in ["webhook_url", "Round", "demo_url ", "steam_id", "", "\u{1F3AE}", "a\"b", "__proto__"] {
        client.assert_rejected(name, &["1", "null", "{}"]);
    }
}

#[test]
fn duplicate_key_is_named_at_any_depth() {
    let client = Client::new();
    let twice = [
        ("round", r#""round":5"#),
        ("round", r#""ro\u0075nd":5"#),
        ("commands", r#""commands":{},"commands":{}"#),
        ("commands.spec_show_xray", r#""commands":{"spec_show_xray":"1","spec_show_xray":"1"}"#),
        ("metadata", r#""metadata":{"a":[{"b":1,"\u0062":1}]}"#),
    ];
    for (field, members) in twice {
        let body = good_job().to_string();
        client.send(format!("{},{members}}}", &body[..body.len() - 1])).expect_bad_field(field);
    }
}

#[test]
fn malformed_json_is_400_with_a_message() {
    let client = Client::new();
    let deep = format!("{}{}", "[".repeat(8_000), "]".repeat(8_000));
    let bodies: [&[u8]; 17] = [
        b"",
        b" ",
        b"null",
        b"5",
        b"\"x\"",
        b"[]",
        b"{",
        b"{}{}",
        b"{} x",
        b"{'round':5}",
        b"{\"round\":5,}",
        b"{\"round\":+5}",
        b"{\"round\":05}",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"{\"demo_url\":\"\xff\"}",
        b"\xff\xfe{\0}\0",
        deep.as_bytes(),
    ];
    for body in bodies {
        for request in [Request::post("/api/clips").json(body), Request::post("/api/clips").json(body).chunked()] {
            let answer = client.appliance.send(&request.key(&client.key)).expect(400);
            let problem = answer.json();
            assert!(problem["error"].as_str().is_some_and(|message| !message.is_empty()), "{problem}");
            assert_eq!(problem["code"], "invalid_json", "{:?}", String::from_utf8_lossy(body));
        }
    }
    client.assert_rejected("demo_url", &["\"https://example.com/\\ud800\"", "\"https://example.com/\\udc00\\ud800\""]);
    client.assert_rejected(
        "metadata",
        &["{\"a\":\"\\ud800\"}", "{\"\\ud800\":1}", &format!("{{\"a\":{}{}}}", "[".repeat(900), "]".repeat(900))],
    );
    // NUL is allowed in the client's own text.
    assert_eq!(client.accepted("metadata", "{\"a\":\"\\u0000\"}")["metadata"]["a"], "\0");
}

#[test]
fn missing_or_malformed_key_gets_the_contracts_first_401() {
    let client = Client::new();
    for header in [None, Some("Basic dXNlcjpwYXNz"), Some("Bearer"), Some("Bearer not-a-uuid")] {
        let request = Request::post("/api/clips").json(good_job().to_string());
        let request = header.map_or(request.clone(), |value| request.header("Authorization", value));
        let answer = client.appliance.send(&request).expect(401);
        assert_eq!(answer.text(), r#"{"error":"Missing or invalid API key"}"#);
    }
}

#[test]
fn key_of_no_active_account_gets_the_contracts_second_401() {
    let client = Client::new();
    let inactive = client.appliance.inactive_account("new").metered;
    for key in [inactive.as_str(), "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234"] {
        let answer =
            client.appliance.send(&Request::post("/api/clips").key(key).json(good_job().to_string())).expect(401);
        assert_eq!(answer.text(), r#"{"error":"Invalid API key"}"#);
    }
}

#[test]
fn reserved_key_without_dinks_gets_the_contracts_403() {
    let client = Client::new();
    let key = client.appliance.account("no dinks").reserved;
    for body in [good_job().to_string(), "{}".to_owned()] {
        let answer = client.appliance.send(&Request::post("/api/clips").key(&key).json(body)).expect(403);
        assert_eq!(answer.text(), r#"{"error":"No reserved capacity provisioned"}"#);
    }
}

#[test]
fn accepted_job_returns_202_with_location_and_the_job() {
    let client = Client::new();
    let answer = client.send(good_job().to_string()).expect(202);
    let location = answer.header("Location").unwrap().to_owned();
    assert_eq!(location, format!("/api/clips/{}", answer.json()["id"].as_str().unwrap()));
    assert_eq!(client.appliance.send(&Request::get(&location).key(&client.key)).expect(200).json(), answer.json());
}
