//! Response headers: a golden table of caching and framing headers for every route; no cookies and no CORS. A new route
//! fails this test until it is added.

use dinkem_appliance::http::routes;

use super::clip_links::Published;
use super::routes::World;
use crate::support::client::{Answer, Request};

/// `Cache-Control` of responses that must not be stored.
const NEVER: &str = "no-store";
/// `Cache-Control` of files that never change but may be deleted.
const DAY: &str = "private, max-age=86400, immutable";

/// `Content-Security-Policy` of responses that must not be framed.
const NOBODY: &str = "frame-ancestors 'none'";
/// `Content-Security-Policy` of the player page, which may be framed.
const PLAYER: &str = "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'; \
     base-uri 'none'; form-action 'none'";

/// `Cache-Control` and `Content-Security-Policy` of a successful response of each route.
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("GET", "/healthz", NEVER, NOBODY),
    ("HEAD", "/healthz", NEVER, NOBODY),
    ("GET", "/readyz", NEVER, NOBODY),
    ("HEAD", "/readyz", NEVER, NOBODY),
    ("GET", "/metrics", NEVER, NOBODY),
    ("GET", "/ca.pem", NEVER, NOBODY),
    ("HEAD", "/ca.pem", NEVER, NOBODY),
    ("GET", "/api/openapi.json", NEVER, NOBODY),
    ("GET", "/api/clips", NEVER, NOBODY),
    ("POST", "/api/clips", NEVER, NOBODY),
    ("GET", "/api/clips/{id}", NEVER, NOBODY),
    ("DELETE", "/api/clips/{id}", NEVER, NOBODY),
    ("POST", "/api/clips/{id}/link", NEVER, NOBODY),
    ("GET", "/api/demos", NEVER, NOBODY),
    ("POST", "/api/demos", NEVER, NOBODY),
    ("GET", "/api/demos/{sha256}", NEVER, NOBODY),
    ("DELETE", "/api/demos/{sha256}", NEVER, NOBODY),
    ("GET", "/api/account", NEVER, NOBODY),
    ("GET", "/api/usage", NEVER, NOBODY),
    ("GET", "/clips/{token}.mp4", DAY, NOBODY),
    ("HEAD", "/clips/{token}.mp4", DAY, NOBODY),
    ("GET", "/clips/{token}.jpg", DAY, NOBODY),
    ("HEAD", "/clips/{token}.jpg", DAY, NOBODY),
    ("GET", "/embed/{token}", NEVER, PLAYER),
    ("HEAD", "/embed/{token}", NEVER, PLAYER),
    ("POST", "/api/node/join", NEVER, NOBODY),
    ("POST", "/api/node/leave", NEVER, NOBODY),
    ("POST", "/api/node/claims", NEVER, NOBODY),
    ("PUT", "/api/node/leases/{lease}", NEVER, NOBODY),
    ("GET", "/api/node/leases/{lease}/demo", NEVER, NOBODY),
    ("PUT", "/api/node/leases/{lease}/video", NEVER, NOBODY),
    ("PUT", "/api/node/leases/{lease}/poster", NEVER, NOBODY),
    ("POST", "/api/node/leases/{lease}/complete", NEVER, NOBODY),
    ("POST", "/api/node/leases/{lease}/fail", NEVER, NOBODY),
];

/// The origin of a foreign web page.
const ORIGIN: &str = "https://page.example";

/// Checks the headers of every response and those in the table.
fn check(answer: &Answer, what: &str, caching: &str, policy: &str) {
    let expected = [
        ("X-Content-Type-Options", Some("nosniff")),
        ("Referrer-Policy", Some("no-referrer")),
        ("Cache-Control", Some(caching)),
        ("Content-Security-Policy", Some(policy)),
        // For browsers without CSP support.
        ("X-Frame-Options", (policy == NOBODY).then_some("DENY")),
    ];
    for (name, value) in expected {
        assert_eq!(answer.header(name), value, "{what}: {name}");
        let lines = answer.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).count();
        assert_eq!(lines, usize::from(value.is_some()), "{what}: {name} must appear once");
    }
    let forbidden = |name: &str| name == "set-cookie" || name.starts_with("access-control-");
    assert!(!answer.headers.iter().any(|(name, _)| forbidden(name)), "{what}: {answer:?}");
}

#[test]
fn table_lists_every_route_and_nothing_else() {
    let routes: Vec<_> = routes::all().map(|(method, pattern, _)| (method, pattern)).collect();
    let table: Vec<_> = TABLE.iter().map(|(method, pattern, ..)| (*method, *pattern)).collect();
    assert_eq!(routes, table);
}

#[test]
fn every_response_has_caching_and_framing_headers() {
    let (world, published) = (World::new(), Published::new(None));
    let mut ids = Vec::new();
    for (method, pattern, caching, policy) in TABLE {
        let what = format!("{method} {pattern}");
        let good = match *pattern {
            "/clips/{token}.mp4" => published.send(Request::new(method, &published.path("url"))),
            "/clips/{token}.jpg" => published.send(Request::new(method, &published.path("poster_url"))),
            "/embed/{token}" => published.send(Request::new(method, &published.path("embed_url"))),
            _ => {
                let request = world.request(method, pattern);
                let node = pattern.starts_with("/api/node/");
                let key = if node { &world.node.key } else { &world.owner.metered };
                world.appliance.send(&request.header("Origin", ORIGIN).key(key))
            }
        };
        // Expected errors: an invalid video, a clip that does not exist yet, no CA over plain HTTP.
        let refused = ["/api/node/leases/{lease}/complete", "/api/clips/{id}/link", "/ca.pem"].contains(pattern);
        assert!(refused || (200..300).contains(&good.status), "{what}: {}", good.status);
        check(&good, &what, caching, policy);
        if !pattern.contains("{token}") {
            ids.push(good.header("X-Request-Id").unwrap().to_owned());
        }

        let request = world.request(method, pattern);
        let refused = world.appliance.send(&Request::new("OPTIONS", request.target()).header("Origin", ORIGIN));
        assert!([401, 404, 405].contains(&refused.status), "OPTIONS {pattern}: {}", refused.status);
        check(&refused, &format!("OPTIONS {pattern}"), NEVER, NOBODY);
        ids.push(refused.header("X-Request-Id").unwrap().to_owned());
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "request ids must be unique");
}

#[test]
fn partial_clips_are_cached_like_whole_ones_and_errors_are_not_cached() {
    let published = Published::new(None);
    let path = published.path("url");
    let part = published.send(Request::get(&path).header("Range", "bytes=0-9")).expect(206);
    check(&part, "a range", DAY, NOBODY);
    let tag = part.header("ETag").unwrap();
    check(&published.send(Request::get(&path).header("If-None-Match", tag)).expect(304), "unchanged", DAY, NOBODY);
    let outside = published.send(Request::get(&path).header("Range", "bytes=999999999-")).expect(416);
    check(&outside, "a range outside", NEVER, NOBODY);
    check(&published.send(Request::get("/clips/x.mp4")).expect(404), "no clip", NEVER, NOBODY);
    check(&published.send(Request::get("/nowhere").header("Origin", ORIGIN)).expect(401), "no route", NEVER, NOBODY);
}
