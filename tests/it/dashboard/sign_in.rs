//! Signing in: codes that work once, keys that end, and requests that only the dashboard's own pages may make.

use std::time::Duration;

use dinkem_appliance::app::operators;
use serde_json::json;

use crate::support;
use crate::support::client::Request;
use crate::support::dashboard::Dashboard;

fn sign_in(code: &str) -> Request {
    Request::post("/operator/session").json(json!({ "code": code }).to_string())
}

#[test]
fn code_signs_in_once_and_only_within_two_minutes() {
    let dashboard = Dashboard::start();
    let code = dashboard.code();
    dashboard.request(sign_in(&code)).expect(200);
    let again = dashboard.request(sign_in(&code)).expect(403).json();
    assert!(again["error"].as_str().unwrap().contains("dinkem-appliance admin dashboard"), "{again}");
    let late = dashboard.code();
    dashboard.appliance.clock.advance(Duration::from_secs(120));
    dashboard.request(sign_in(&late)).expect(403);
    for unknown in ["", "x", "00000000000000000000000000000000"] {
        assert!([400, 403].contains(&dashboard.request(sign_in(unknown)).status), "{unknown:?}");
    }
}

#[test]
fn key_ends_after_half_an_hour_without_a_person_and_after_eight_hours_in_any_case() {
    let dashboard = Dashboard::start();
    let clock = &dashboard.appliance.clock;
    clock.advance(Duration::from_secs(29 * 60));
    dashboard.html("jobs");
    for _ in 0..29 {
        clock.advance(Duration::from_secs(60));
        dashboard.signed_in(Request::get("/operator/view/jobs").header("Operator-Watching", "1")).expect(200);
    }
    clock.advance(Duration::from_secs(60));
    let ended = dashboard.view("jobs").expect(401);
    assert_eq!(ended.header("WWW-Authenticate"), Some("Operator"));

    let dashboard = Dashboard::start();
    for _ in 0..(8 * 60 / 20 - 1) {
        dashboard.appliance.clock.advance(Duration::from_secs(20 * 60));
        dashboard.html("jobs");
    }
    dashboard.appliance.clock.advance(Duration::from_secs(20 * 60));
    dashboard.view("jobs").expect(401);
}

#[test]
fn screen_on_the_wall_stays_signed_in_with_a_read_only_key() {
    let mut dashboard = Dashboard::start();
    dashboard.sign_in(true);
    for _ in 0..100 {
        dashboard.appliance.clock.advance(Duration::from_secs(60));
        dashboard.signed_in(Request::get("/operator/view/overview").header("Operator-Watching", "1")).expect(200);
    }
}

#[test]
fn signed_out_and_revoked_keys_are_refused_at_once() {
    let mut dashboard = Dashboard::start();
    dashboard.signed_in(Request::new("DELETE", "/operator/sessions/mine")).expect(204);
    dashboard.view("jobs").expect(401);
    dashboard.sign_in(false);
    let keys = operators::list(&dashboard.appliance.app).unwrap();
    operators::revoke(&dashboard.appliance.app, &support::operator(), keys[0].id).unwrap();
    dashboard.view("jobs").expect(401);
    assert!(operators::revoke(&dashboard.appliance.app, &support::operator(), keys[0].id).is_err());
}

#[test]
fn everything_but_the_empty_shell_needs_the_operators_key() {
    let dashboard = Dashboard::start();
    for (method, path) in [
        ("GET", "/operator/view/overview"),
        ("GET", "/operator/view/jobs/00000000-0000-0000-0000-000000000000"),
        ("GET", "/operator/files/usage.csv"),
        ("POST", "/operator/actions/jobs.cancel"),
        ("DELETE", "/operator/sessions/mine"),
    ] {
        for authorization in ["", "Operator ", "Operator x", "Bearer 3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234"] {
            let request = Request::new(method, path).header("Authorization", authorization).json("{}");
            dashboard.request(request).expect(401);
        }
    }
    for path in ["/operator/", "/operator/jobs", "/operator/jobs/1", "/operator/style.css", "/operator/app.js"] {
        let answer = dashboard.request(Request::get(path)).expect(200);
        let policy = answer.header("Content-Security-Policy").unwrap();
        for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("Set-Cookie"), None);
    }
}

#[test]
fn other_names_of_the_host_get_421_and_other_sites_403() {
    let dashboard = Dashboard::start();
    let (address, port) = (dashboard.address, dashboard.address.port());
    let (own, evil) = (format!("localhost:{port}"), format!("evil.example:{port}"));
    let cases: [(&[(&str, &str)], u16); 12] = [
        (&[("Host", &own)], 200),
        (&[("Host", "127.0.0.1:9999")], 200),
        (&[("Host", &evil)], 421),
        (&[("Host", "localhost.evil.example")], 421),
        (&[("Host", &own), ("Sec-Fetch-Site", "same-origin")], 200),
        (&[("Host", &own), ("Sec-Fetch-Site", "none")], 200),
        (&[("Host", &own), ("Sec-Fetch-Site", "same-site")], 403),
        (&[("Host", &own), ("Sec-Fetch-Site", "cross-site")], 403),
        (&[("Host", &own), ("Origin", "https://evil.example")], 403),
        (&[("Host", &own), ("Origin", "null")], 403),
        (&[("Host", &own), ("Origin", "http://localhost:3000")], 403),
        (&[("Host", &own), ("Origin", &format!("http://{own}"))], 200),
    ];
    for (headers, status) in cases {
        for path in ["/operator/", "/operator/app.js"] {
            let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(name, value));
            assert_eq!(request.send_anywhere(address).status, status, "{path} {headers:?}");
        }
        // The code stays unused by a request that is refused.
        let code = dashboard.code();
        let request = headers.iter().fold(sign_in(&code), |request, (name, value)| request.header(name, value));
        assert_eq!(request.send_anywhere(address).status, status, "{headers:?}");
        assert_eq!(dashboard.request(sign_in(&code)).status, if status == 200 { 403 } else { 200 }, "{headers:?}");
    }
}

#[test]
fn change_is_recorded_with_the_operator_and_the_address() {
    let dashboard = Dashboard::start();
    let mut other = operators::list(&dashboard.appliance.app).unwrap();
    dashboard.request(sign_in(&dashboard.code())).expect(200);
    let id = operators::list(&dashboard.appliance.app).unwrap()[0].id.to_string();
    assert_ne!(id, other.remove(0).id.to_string());
    assert_eq!(dashboard.done("audit.revoke", &[("id", &id)])["message"], "Signed out.");
    let entries = dinkem_appliance::app::audit::list(&dashboard.appliance.app, 1).unwrap();
    assert_eq!((entries[0].action.as_str(), entries[0].source.as_str()), ("dashboard.revoke", "127.0.0.1"));
    assert_eq!(entries[0].actor, support::operator().name());
}

#[test]
fn unchanged_view_is_a_304_and_pages_that_do_not_exist_say_so() {
    let dashboard = Dashboard::start();
    let first = dashboard.view("storage").expect(200);
    let tag = first.header("ETag").unwrap().to_owned();
    dashboard.signed_in(Request::get("/operator/view/storage").header("If-None-Match", &tag)).expect(304);
    for page in ["nowhere", "jobs/5", "jobs/00000000-0000-0000-0000-000000000000", "nodes/x"] {
        let page = dashboard.view(page).expect(404);
        assert!(page.text().contains("<h1>Not found</h1>"), "{}", page.text());
    }
    dashboard.view("jobs?status=lost").expect(400);
    dashboard.act("jobs.explode", &[]).expect(404);
}
