//! The contract's page "Authentication", row by row, and details of the header.

use std::time::Duration;

use dinkem_appliance::app;
use dinkem_appliance::domain::key::KeyClass;
use dinkem_appliance::http::routes;
use serde_json::json;

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::{Answer, Request, connect};

const MISSING: &str = r#"{"error":"Missing or invalid API key"}"#;
const INVALID: &str = r#"{"error":"Invalid API key"}"#;
const NO_DINKS: &str = r#"{"error":"No reserved capacity provisioned"}"#;
/// The contract's example, which belongs to no account.
const UNKNOWN: &str = "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234";

#[track_caller]
fn assert_unauthorized(answer: &Answer, body: &str) {
    assert_eq!((answer.status, answer.text()), (401, body));
    assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
}

#[track_caller]
fn assert_forbidden(answer: &Answer) {
    assert_eq!((answer.status, answer.text()), (403, NO_DINKS));
    assert_eq!(answer.header("WWW-Authenticate"), None);
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
}

/// Every client route, with its placeholders filled in.
fn client_routes() -> Vec<Request> {
    routes::all()
        .filter(|(_, _, who)| *who == "client")
        .map(|(method, pattern, _)| Request::new(method, &pattern.replace(['{', '}'], "")))
        .collect()
}

fn with(value: &str) -> Request {
    Request::get("/api/account").header("Authorization", value)
}

#[test]
fn missing_authorization_header_is_a_missing_key() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    assert_unauthorized(&appliance.send(&Request::get("/api/account")), MISSING);
    // A key anywhere else does not count.
    let elsewhere = [
        Request::get(&format!("/api/account?access_token={key}&api_key={key}")),
        Request::get("/api/account").header("X-API-Key", &key),
        Request::get("/api/account").header("Cookie", &format!("Authorization=Bearer {key}; key={key}")),
        Request::get("/api/account").header("Proxy-Authorization", &format!("Bearer {key}")),
        Request::post("/api/clips").json(json!({ "key": key }).to_string()),
    ];
    for request in elsewhere {
        assert_unauthorized(&appliance.send(&request), MISSING);
    }
}

#[test]
fn malformed_bearer_header_is_a_missing_key() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let bare = key.replace('-', "");
    let malformed = [
        String::new(),
        "Bearer".into(),
        "Bearer ".into(),
        key.clone(),
        format!("Basic {key}"),
        "Basic c3R1ZGlvOnNlY3JldA==".into(),
        format!("Token {key}"),
        format!("Bearer{key}"),
        format!("Bearer:{key}"),
        format!("Bearer={key}"),
        format!("Bearer\t{key}"),
        format!("Bearer \t{key}"),
        format!("Bearer {key} x"),
        format!("Bearer {key}\tx"),
        format!("Bearer {key},"),
        format!("Bearer {key}, Bearer {key}"),
        format!("Bearer {key};realm=x"),
        format!("Bearer Bearer {key}"),
        format!("Bearer \"{key}\""),
        format!("Bearer <{key}>"),
        format!("Bearer {bare}"),
        format!("Bearer {{{key}}}"),
        format!("Bearer {{{bare}}}"),
        format!("Bearer {}", &key[1..]),
        format!("Bearer {key}0"),
        format!("Bearer urn:uuid:{key}"),
        format!("Bearer {}-{}", &key[..18].replace('-', ""), &key[19..]),
        format!("Bearer {}", key.replace('-', "_")),
        format!("Bearer g{}", &key[1..]),
        format!("Bearer {}é", &key[..34]),
        format!("Bearer {}１", &key[..33]),
        format!("Bearer\u{a0}{key}"),
        format!("Bearér {key}"),
        "Bearer YOUR_API_KEY".into(),
        format!("Bearer {}", key.repeat(100)),
        format!("Bearer {}{key}", "0".repeat(8_000)),
    ];
    for value in malformed {
        let answer = appliance.send(&with(&value));
        assert_eq!((answer.status, answer.text()), (401, MISSING), "{value:?}");
        assert_unauthorized(&answer, MISSING);
    }
}

#[test]
fn second_authorization_header_is_malformed_whatever_its_value() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let good = format!("Bearer {key}");
    for second in [good.as_str(), "", "Basic x", "Bearer", &format!("Bearer {UNKNOWN}"), "\u{fffd}"] {
        for (one, two) in [(good.as_str(), second), (second, good.as_str())] {
            assert_unauthorized(&appliance.send(&with(one).header("authorization", two)), MISSING);
        }
    }
    assert_unauthorized(
        &appliance.send(&with(&good).header("AUTHORIZATION", &good).header("Authorization", &good)),
        MISSING,
    );
}

#[test]
fn header_that_is_not_utf8_is_malformed() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    for bytes in [&b"\xff"[..], b"\xc3", b"\x80\x80"] {
        for before in [true, false] {
            let mut request = b"GET /api/account HTTP/1.1\r\nHost: x\r\nAuthorization: ".to_vec();
            let key = format!("Bearer {key}").into_bytes();
            request.extend(if before { [bytes, &key].concat() } else { [&key, bytes].concat() });
            request.extend(b"\r\nConnection: close\r\n\r\n");
            let mut stream = connect(appliance.address);
            std::io::Write::write_all(&mut stream, &request).unwrap();
            assert_unauthorized(&Answer::read(stream, false), MISSING);
        }
    }
}

#[test]
fn oversized_header_is_rejected_with_431() {
    let appliance = Appliance::start();
    let answer = appliance.send(&with(&format!("Bearer {}", "0".repeat(200_000))));
    assert_eq!(answer.status, 431);
}

#[test]
fn key_is_accepted_in_any_letter_case_after_any_number_of_spaces() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let upper = key.to_uppercase();
    let values = [
        format!("Bearer {key}"),
        format!("bearer {key}"),
        format!("BEARER {upper}"),
        format!("bEaReR {upper}"),
        format!("Bearer  {key}"),
        format!("Bearer{}{key}", " ".repeat(500)),
        // HTTP strips whitespace around a value.
        format!("  Bearer {key} \t"),
    ];
    for value in values {
        appliance.send(&with(&value)).expect(200);
    }
    appliance.send(&Request::get("/api/account").header("aUTHORIZATION", &format!("Bearer {key}"))).expect(200);
}

#[test]
fn unknown_key_is_invalid_whatever_its_uuid_version() {
    let appliance = Appliance::start();
    appliance.account("studio");
    let unknown = [
        UNKNOWN,
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "0190f3c7-7a1e-1c3b-9f00-5a4e8a2b6c1d",
        "0190f3c7-7a1e-7c3b-cf00-5a4e8a2b6c1d",
    ];
    for key in unknown {
        assert_unauthorized(&appliance.send(&Request::get("/api/account").key(key)), INVALID);
    }
    assert_unauthorized(&appliance.send(&Request::get("/api/account").key(&appliance.node("n1").key)), INVALID);
}

#[test]
fn account_is_rejected_before_activation_and_after_deactivation() {
    let appliance = Appliance::start();
    let keys = appliance.inactive_account("studio");
    let both = || [&keys.metered, &keys.reserved].map(|key| appliance.send(&Request::get("/api/account").key(key)));
    both().iter().for_each(|answer| assert_unauthorized(answer, INVALID));
    app::accounts::activate(&appliance.app, &crate::support::operator(), Some("studio")).unwrap();
    let [metered, reserved] = both();
    metered.expect(200);
    assert_forbidden(&reserved);
    app::accounts::deactivate(&appliance.app, &crate::support::operator(), "studio").unwrap();
    both().iter().for_each(|answer| assert_unauthorized(answer, INVALID));
}

#[test]
fn revoked_or_rotated_key_is_invalid_at_once_but_works_during_its_overlap() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 1);
    let status = |key: &str| appliance.send(&Request::get("/api/account").key(key)).status;
    let rotate = |class, overlap| {
        let (_, new) =
            app::accounts::keys::rotate(&appliance.app, &crate::support::operator(), &keys.name, class, overlap)
                .unwrap();
        new.metered.or(new.reserved).unwrap().reveal().to_owned()
    };
    let successor = rotate(KeyClass::Metered, Duration::from_secs(60));
    assert_eq!((status(&keys.metered), status(&successor)), (200, 200));
    appliance.clock.advance(Duration::from_secs(60));
    assert_unauthorized(&appliance.send(&Request::get("/api/account").key(&keys.metered)), INVALID);
    assert_eq!(status(&successor), 200);
    rotate(KeyClass::Reserved, Duration::ZERO);
    assert_unauthorized(&appliance.send(&Request::get("/api/account").key(&keys.reserved)), INVALID);
    for key in app::accounts::keys::list(&appliance.app, "studio").unwrap() {
        app::accounts::keys::revoke(&appliance.app, &crate::support::operator(), key.id).unwrap();
    }
    assert_unauthorized(&appliance.send(&Request::get("/api/account").key(&successor)), INVALID);
}

#[test]
fn key_selects_the_job_type_and_both_keys_belong_to_one_account() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 1);
    let mut jobs = Vec::new();
    for (key, class) in [(&keys.metered, "metered"), (&keys.reserved, "reserved")] {
        assert_eq!((key.len(), uuid::Uuid::try_parse(key).is_ok()), (36, true));
        let answer = appliance.send(&Request::post("/api/clips").key(key).json(good_job().to_string())).expect(202);
        assert_eq!(answer.json()["job_type"], class);
        jobs.push(answer.json()["id"].clone());
        let account = appliance.send(&Request::get("/api/account").key(key)).expect(200).json();
        assert_eq!((&account["name"], &account["key_class"]), (&json!("studio"), &json!(class)));
    }
    // Reserved jobs are claimed before earlier metered ones.
    let claim = appliance.claim(&appliance.node("n1")).unwrap();
    assert_eq!(claim["job"]["id"], jobs[1]);
}

#[test]
fn reserved_key_without_dinks_is_forbidden_on_every_client_route() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio");
    let routes = client_routes();
    assert!(routes.len() >= 7, "{}", routes.len());
    for request in routes {
        let answer = appliance.send(&request.clone().key(&keys.reserved));
        assert_eq!(answer.status, 403, "{}", request.target());
        assert_forbidden(&answer);
    }
    assert_forbidden(&appliance.send(&Request::put("/api/clips").key(&keys.reserved)));
    app::accounts::dinks::set(&appliance.app, &crate::support::operator(), "studio", 1).unwrap();
    appliance.send(&Request::get("/api/clips").key(&keys.reserved)).expect(200);
}

#[test]
fn queued_jobs_stay_reserved_when_dinks_are_removed_and_new_ones_are_forbidden() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 1);
    let other = appliance.account_with_dinks("other", 1);
    let submit = |key: &str| appliance.send(&Request::post("/api/clips").key(key).json(good_job().to_string()));
    let id = |answer: &Answer| answer.json()["id"].clone();
    let first = id(&submit(&keys.reserved).expect(202));
    let second = id(&submit(&other.reserved).expect(202));
    app::accounts::dinks::set(&appliance.app, &crate::support::operator(), "studio", 0).unwrap();
    assert_forbidden(&submit(&keys.reserved));
    assert_forbidden(&appliance.send(&Request::get("/api/clips").key(&keys.reserved)));
    // The queued job is still reserved, and the account's other key sees it.
    let seen = appliance.send(&Request::get(&format!("/api/clips/{}", first.as_str().unwrap())).key(&keys.metered));
    assert_eq!((&seen.json()["job_type"], &seen.json()["queue_position"]), (&json!("reserved"), &json!(1)));
    submit(&keys.metered).expect(202);
    let node = appliance.node("n1");
    // Covered by a dink, then without one, then metered.
    let order = [(); 3].map(|()| appliance.claim(&node).unwrap()["job"]["id"].clone());
    assert_eq!(order[..2], [second, first]);
}

#[test]
fn every_client_route_rejects_missing_and_unknown_keys_alike() {
    let appliance = Appliance::start();
    for request in client_routes() {
        assert_unauthorized(&appliance.send(&request), MISSING);
        assert_unauthorized(&appliance.send(&request.clone().key(UNKNOWN)), INVALID);
    }
}

#[test]
fn only_join_and_openapi_are_public_below_api() {
    let open: Vec<_> = routes::all()
        .filter(|(_, pattern, who)| pattern.starts_with("/api") && *who == "anyone")
        .map(|(method, pattern, _)| format!("{method} {pattern}"))
        .collect();
    assert_eq!(open, ["GET /api/openapi.json", "POST /api/node/join"]);
}

#[test]
fn there_are_no_cookies_or_sessions() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    for request in
        [Request::get("/api/account").key(&key), Request::get("/api/account"), Request::get("/api/nowhere").key(&key)]
    {
        let answer = appliance.send(&request.header("Origin", "https://evil.example"));
        for name in ["Set-Cookie", "Access-Control-Allow-Origin", "Access-Control-Allow-Headers"] {
            assert_eq!(answer.header(name), None);
        }
    }
    // Authentication does not carry over to the next request on a connection.
    let two = format!(
        "GET /api/account HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\nGET /api/account HTTP/1.1\r\nHost: \
         x\r\nConnection: close\r\n\r\n"
    );
    let mut stream = connect(appliance.address);
    std::io::Write::write_all(&mut stream, two.as_bytes()).unwrap();
    let mut all = String::new();
    std::io::Read::read_to_string(&mut stream, &mut all).unwrap();
    let statuses: Vec<_> = all.match_indices("HTTP/1.1 ").map(|(at, _)| &all[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "401"]);
}

#[test]
fn key_is_checked_before_the_body_is_read() {
    let appliance = Appliance::start();
    // The body never arrives, so the response cannot have waited for it.
    let head = "POST /api/demos HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n";
    let mut stream = connect(appliance.address);
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    assert_unauthorized(&Answer::read(stream, false), MISSING);
}
