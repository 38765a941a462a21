//! Access control: a golden table of every route and every kind of caller. A new route fails this test until it is
//! added.

use dinkem_appliance::http::routes;
use serde_json::json;

use crate::support::appliance::{Appliance, Joined, Keys, good_job};
use crate::support::client::Request;
use crate::support::video::POSTER;

/// The columns of the table.
const CALLERS: [&str; 10] = [
    "nobody",
    "malformed",
    "unknown",
    "inactive",
    "metered",
    "reserved",
    "reserved without dinks",
    "another account",
    "the node",
    "another node",
];

const WEBHOOK: &str = "/api/webhook";
const HOOK: &str = r#"{"url":"https://example.com/hook"}"#;

/// Every route and the status for each caller.
const TABLE: &[(&str, &str, [u16; 10])] = &[
    ("GET", "/", [200; 10]),
    ("HEAD", "/", [200; 10]),
    ("GET", "/healthz", [200; 10]),
    ("HEAD", "/healthz", [200; 10]),
    ("GET", "/readyz", [200; 10]),
    ("HEAD", "/readyz", [200; 10]),
    ("GET", "/metrics", [200; 10]),
    // There is no CA over plain HTTP.
    ("GET", "/ca.pem", [404; 10]),
    ("HEAD", "/ca.pem", [404; 10]),
    ("GET", "/api/openapi.json", [200; 10]),
    ("GET", "/api/clips", [401, 401, 401, 401, 200, 200, 403, 200, 401, 401]),
    ("POST", "/api/clips", [401, 401, 401, 401, 202, 202, 403, 202, 401, 401]),
    ("GET", "/api/clips/{id}", [401, 401, 401, 401, 200, 200, 403, 404, 401, 401]),
    ("DELETE", "/api/clips/{id}", [401, 401, 401, 401, 200, 200, 403, 404, 401, 401]),
    ("POST", "/api/clips/{id}/link", [401, 401, 401, 401, 409, 409, 403, 404, 401, 401]),
    ("GET", "/api/demos", [401, 401, 401, 401, 200, 200, 403, 200, 401, 401]),
    ("POST", "/api/demos", [401, 401, 401, 401, 201, 201, 403, 201, 401, 401]),
    ("GET", "/api/demos/{sha256}", [401, 401, 401, 401, 202, 202, 403, 404, 401, 401]),
    ("DELETE", "/api/demos/{sha256}", [401, 401, 401, 401, 200, 200, 403, 404, 401, 401]),
    ("GET", "/api/account", [401, 401, 401, 401, 200, 200, 403, 200, 401, 401]),
    ("GET", "/api/usage", [401, 401, 401, 401, 200, 200, 403, 200, 401, 401]),
    ("GET", "/api/webhook", [401, 401, 401, 401, 200, 200, 403, 404, 401, 401]),
    ("PUT", "/api/webhook", [401, 401, 401, 401, 200, 200, 403, 200, 401, 401]),
    ("DELETE", "/api/webhook", [401, 401, 401, 401, 200, 200, 403, 200, 401, 401]),
    ("POST", "/api/webhook/test", [401, 401, 401, 401, 202, 202, 403, 404, 401, 401]),
    ("GET", "/api/webhook/deliveries", [401, 401, 401, 401, 200, 200, 403, 200, 401, 401]),
    ("POST", "/api/webhook/deliveries/{id}/replay", [401, 401, 401, 401, 202, 202, 403, 404, 401, 401]),
    ("GET", "/clips/{token}.mp4", [404; 10]),
    ("HEAD", "/clips/{token}.mp4", [404; 10]),
    ("GET", "/clips/{token}.jpg", [404; 10]),
    ("HEAD", "/clips/{token}.jpg", [404; 10]),
    ("GET", "/embed/{token}", [404; 10]),
    ("HEAD", "/embed/{token}", [404; 10]),
    ("POST", "/api/node/join", [201; 10]),
    ("POST", "/api/node/leave", [401, 401, 401, 401, 401, 401, 401, 401, 200, 200]),
    ("POST", "/api/node/claims", [401, 401, 401, 401, 401, 401, 401, 401, 204, 204]),
    ("PUT", "/api/node/leases/{lease}", [401, 401, 401, 401, 401, 401, 401, 401, 200, 409]),
    ("GET", "/api/node/leases/{lease}/demo", [401, 401, 401, 401, 401, 401, 401, 401, 200, 409]),
    ("PUT", "/api/node/leases/{lease}/video", [401, 401, 401, 401, 401, 401, 401, 401, 200, 409]),
    // There is no bucket.
    ("POST", "/api/node/leases/{lease}/parts", [401, 401, 401, 401, 401, 401, 401, 401, 404, 409]),
    ("PUT", "/api/node/leases/{lease}/poster", [401, 401, 401, 401, 401, 401, 401, 401, 200, 409]),
    ("POST", "/api/node/leases/{lease}/complete", [401, 401, 401, 401, 401, 401, 401, 401, 400, 409]),
    ("POST", "/api/node/leases/{lease}/fail", [401, 401, 401, 401, 401, 401, 401, 401, 200, 409]),
];

pub struct Fixture {
    pub appliance: Appliance,
    pub owner: Keys,
    without_dinks: Keys,
    inactive: Keys,
    another: Keys,
    pub node: Joined,
    another_node: Joined,
}

impl Fixture {
    pub fn new() -> Self {
        let appliance = Appliance::start();
        Self {
            owner: appliance.account_with_dinks("owner", 1),
            without_dinks: appliance.account("without dinks"),
            inactive: appliance.inactive_account("inactive"),
            another: appliance.account("another"),
            node: appliance.node("n1"),
            another_node: appliance.node("n2"),
            appliance,
        }
    }

    /// A request that is valid except perhaps for its caller, with a fresh job or lease.
    pub fn request(&self, method: &str, pattern: &str) -> Request {
        let appliance = &self.appliance;
        let path = if pattern.starts_with(WEBHOOK) {
            let key = &self.owner.metered;
            // Removing it gives up the tests of earlier rows.
            appliance.send(&Request::delete(WEBHOOK).key(key));
            appliance.send(&Request::put(WEBHOOK).key(key).json(HOOK)).expect(200);
            let tested = appliance.send(&Request::post("/api/webhook/test").key(key)).expect(202).json();
            pattern.replace("{id}", tested["id"].as_str().unwrap())
        } else if pattern.contains("{id}") {
            pattern.replace("{id}", &appliance.job(&self.owner.metered))
        } else if pattern.contains("{lease}") {
            self.cancel_everything();
            let demo =
                appliance.send(&Request::post("/api/demos").key(&self.owner.metered).body("PBDEMS2\0")).expect(201);
            let mut job = good_job();
            job["demo_url"] = demo.json()["demo_url"].clone();
            let submit = Request::post("/api/clips").key(&self.owner.metered).json(job.to_string());
            appliance.send(&submit).expect(202);
            pattern.replace("{lease}", &appliance.claim(&self.node).unwrap()["lease"].to_string())
        } else if pattern.contains("{sha256}") {
            let demo =
                appliance.send(&Request::post("/api/demos").key(&self.owner.metered).body("PBDEMS2\0own")).expect(201);
            pattern.replace("{sha256}", demo.json()["sha256"].as_str().unwrap())
        } else {
            pattern.replace("{token}", &"0f".repeat(16))
        };
        let request = Request::new(method, &path);
        match pattern.rsplit('/').next().unwrap() {
            "clips" if method == "POST" => request.json(good_job().to_string()),
            "webhook" if method == "PUT" => request.json(HOOK),
            "demos" if method == "POST" => request.body("PBDEMS2\0"),
            "join" => {
                let token = dinkem_appliance::app::nodes::token(&appliance.app, &crate::support::operator()).unwrap();
                request.json(json!({"join_token": token.reveal(), "name": "n"}).to_string())
            }
            "claims" => request.json(r#"{"wait_seconds":0,"renderers":["game"],"slots":64}"#),
            "{lease}" => request.json(r#"{"stage":"parsing","progress":0.5}"#),
            "video" => Request::new(method, &format!("{path}?offset=0")).body("video"),
            "parts" => request.json(json!({"parts_sha256": ["0f".repeat(32)]}).to_string()),
            "poster" => request.body(&*POSTER),
            "complete" => request.json(json!({"video_sha256": "0f".repeat(32)}).to_string()),
            "fail" => request.json(r#"{"code":"render_failed","message":"m","retry":"never"}"#),
            _ => request,
        }
    }

    /// Cancels jobs of earlier rows, so that the next claim gets the next job.
    fn cancel_everything(&self) {
        for key in [&self.owner.metered, &self.another.metered] {
            for status in ["queued", "rendering"] {
                let list = Request::get(&format!("/api/clips?limit=100&status={status}")).key(key);
                for job in self.appliance.send(&list).expect(200).json()["clips"].as_array().unwrap() {
                    let path = format!("/api/clips/{}", job["id"].as_str().unwrap());
                    self.appliance.send(&Request::delete(&path).key(key)).expect(200);
                }
            }
        }
    }

    fn call_as(&self, request: Request, caller: &str) -> u16 {
        let key = match caller {
            "nobody" => return self.appliance.send(&request).status,
            "malformed" => "3f8c1a2b9d4e4f6abc127e0a5d9c1234",
            "unknown" => "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234",
            "inactive" => &self.inactive.metered,
            "metered" => &self.owner.metered,
            "reserved" => &self.owner.reserved,
            "reserved without dinks" => &self.without_dinks.reserved,
            "another account" => &self.another.metered,
            "the node" => &self.node.key,
            "another node" => &self.another_node.key,
            other => panic!("{other}"),
        };
        self.appliance.send(&request.key(key)).status
    }
}

#[test]
fn table_lists_every_route_and_nothing_else() {
    let routes: Vec<_> = routes::all().map(|(method, pattern, _)| (method, pattern)).collect();
    let table: Vec<_> = TABLE.iter().map(|(method, pattern, _)| (*method, *pattern)).collect();
    assert_eq!(routes, table);
}

#[test]
fn every_caller_gets_the_status_in_the_table() {
    let fixture = Fixture::new();
    let mut wrong = Vec::new();
    for (method, pattern, expected) in TABLE {
        for (caller, status) in CALLERS.iter().zip(expected) {
            let found = fixture.call_as(fixture.request(method, pattern), caller);
            if found != *status {
                wrong.push(format!("{method} {pattern} as {caller}: {found}, not {status}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn unknown_route_is_404_with_a_key_and_401_without() {
    let fixture = Fixture::new();
    let paths =
        ["//", "/api", "/api/nowhere", "/api/clips/", "/api/usage/", "/clips/x.mov", "/api/node/nowhere", "/..%2f"];
    for path in paths {
        for (caller, status) in CALLERS.iter().zip([401, 401, 401, 401, 404, 404, 404, 404, 404, 404]) {
            assert_eq!(fixture.call_as(Request::get(path), caller), status, "{path} as {caller}");
        }
    }
}

#[test]
fn unsupported_method_is_405_with_allow_header() {
    let fixture = Fixture::new();
    for (_, pattern, who) in routes::all() {
        let allowed: Vec<_> =
            routes::all().filter(|(_, other, _)| *other == pattern).map(|(method, _, _)| method).collect();
        let key = match who {
            "client" => Some(&fixture.owner.metered),
            "node" => Some(&fixture.node.key),
            _ => None,
        };
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            // These are 404 for every method.
            if allowed.contains(&method) || pattern.contains("{token}") || pattern == "/ca.pem" {
                continue;
            }
            let request = Request::new(method, fixture.request(allowed[0], pattern).target());
            let answer = fixture.appliance.send(&key.map_or(request.clone(), |key| request.key(key)));
            assert_eq!(
                (answer.status, answer.header("Allow")),
                (405, Some(allowed.join(", ").as_str())),
                "{method} {pattern}"
            );
            if key.is_some() {
                let stranger =
                    fixture.appliance.send(&Request::new(method, fixture.request(allowed[0], pattern).target()));
                assert_eq!(stranger.status, 401, "{method} {pattern}: unauthorized callers learn nothing");
            }
        }
    }
}
