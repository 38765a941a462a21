//! Response headers: a golden table of caching and framing headers for every route; no cookies and no CORS. A new route
//! fails this test until it is added.

use dinkem_appliance::http::routes;

use super::clip_links::Published;
use super::routes::Fixture;
use crate::support::client::{Answer, Request};

/// `Cache-Control` of responses that must not be stored.
const NO_STORE: &str = "no-store";
/// `Cache-Control` of files that never change but may be deleted.
const DAY: &str = "private, max-age=86400, immutable";

/// `Content-Security-Policy` of responses that must not be framed.
const NO_FRAMES: &str = "frame-ancestors 'none'";
/// `Content-Security-Policy` of the player page, which may be framed.
const PLAYER: &str = "default-src 'none'; script-src 'sha256-…'; style-src 'sha256-…'; base-uri 'none'; \
     form-action 'none'; media-src 'self'; img-src 'self' data:";
/// `Content-Security-Policy` of the page at `/`.
const HOME: &str = "default-src 'none'; style-src 'sha256-…'; img-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
/// Characters of a SHA-256 in base64.
const HASH: usize = 44;

/// `Cache-Control` and `Content-Security-Policy` of a successful response of each route.
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("GET", "/", NO_STORE, HOME),
    ("HEAD", "/", NO_STORE, HOME),
    ("GET", "/healthz", NO_STORE, NO_FRAMES),
    ("HEAD", "/healthz", NO_STORE, NO_FRAMES),
    ("GET", "/readyz", NO_STORE, NO_FRAMES),
    ("HEAD", "/readyz", NO_STORE, NO_FRAMES),
    ("GET", "/metrics", NO_STORE, NO_FRAMES),
    ("GET", "/ca.pem", NO_STORE, NO_FRAMES),
    ("HEAD", "/ca.pem", NO_STORE, NO_FRAMES),
    ("GET", "/api/openapi.json", NO_STORE, NO_FRAMES),
    ("GET", "/api/clips", NO_STORE, NO_FRAMES),
    ("POST", "/api/clips", NO_STORE, NO_FRAMES),
    ("GET", "/api/clips/{id}", NO_STORE, NO_FRAMES),
    ("DELETE", "/api/clips/{id}", NO_STORE, NO_FRAMES),
    ("POST", "/api/clips/{id}/link", NO_STORE, NO_FRAMES),
    ("GET", "/api/demos", NO_STORE, NO_FRAMES),
    ("POST", "/api/demos", NO_STORE, NO_FRAMES),
    ("GET", "/api/demos/{sha256}", NO_STORE, NO_FRAMES),
    ("DELETE", "/api/demos/{sha256}", NO_STORE, NO_FRAMES),
    ("GET", "/api/account", NO_STORE, NO_FRAMES),
    ("GET", "/api/usage", NO_STORE, NO_FRAMES),
    ("GET", "/api/webhook", NO_STORE, NO_FRAMES),
    ("PUT", "/api/webhook", NO_STORE, NO_FRAMES),
    ("DELETE", "/api/webhook", NO_STORE, NO_FRAMES),
    ("POST", "/api/webhook/test", NO_STORE, NO_FRAMES),
    ("GET", "/api/webhook/deliveries", NO_STORE, NO_FRAMES),
    ("POST", "/api/webhook/deliveries/{id}/replay", NO_STORE, NO_FRAMES),
    ("GET", "/clips/{token}.mp4", DAY, NO_FRAMES),
    ("HEAD", "/clips/{token}.mp4", DAY, NO_FRAMES),
    ("GET", "/clips/{token}.jpg", DAY, NO_FRAMES),
    ("HEAD", "/clips/{token}.jpg", DAY, NO_FRAMES),
    ("GET", "/embed/{token}", NO_STORE, PLAYER),
    ("HEAD", "/embed/{token}", NO_STORE, PLAYER),
    ("POST", "/api/node/join", NO_STORE, NO_FRAMES),
    ("POST", "/api/node/leave", NO_STORE, NO_FRAMES),
    ("POST", "/api/node/claims", NO_STORE, NO_FRAMES),
    ("PUT", "/api/node/leases/{lease}", NO_STORE, NO_FRAMES),
    ("GET", "/api/node/leases/{lease}/demo", NO_STORE, NO_FRAMES),
    ("PUT", "/api/node/leases/{lease}/video", NO_STORE, NO_FRAMES),
    ("POST", "/api/node/leases/{lease}/parts", NO_STORE, NO_FRAMES),
    ("PUT", "/api/node/leases/{lease}/poster", NO_STORE, NO_FRAMES),
    ("POST", "/api/node/leases/{lease}/complete", NO_STORE, NO_FRAMES),
    ("POST", "/api/node/leases/{lease}/fail", NO_STORE, NO_FRAMES),
];

/// The origin of a foreign web page.
const ORIGIN: &str = "https://page.example";

/// A policy without the values of its hashes.
fn without_hashes(policy: &str) -> String {
    let parts = policy.split("sha256-").enumerate();
    parts.map(|(at, part)| if at == 0 { part.to_owned() } else { format!("sha256-…{}", &part[HASH..]) }).collect()
}

/// Checks the headers of every response and those in the table.
fn check(answer: &Answer, what: &str, caching: &str, policy: &str) {
    let expected = [
        ("X-Content-Type-Options", Some("nosniff")),
        ("Referrer-Policy", Some("no-referrer")),
        ("Cache-Control", Some(caching)),
        ("Content-Security-Policy", Some(policy)),
        // For browsers without CSP support.
        ("X-Frame-Options", (policy == NO_FRAMES).then_some("DENY")),
    ];
    for (name, value) in expected {
        assert_eq!(answer.header(name).map(without_hashes).as_deref(), value, "{what}: {name}");
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
    let (fixture, published) = (Fixture::new(), Published::new(None));
    let mut ids = Vec::new();
    for (method, pattern, caching, policy) in TABLE {
        let what = format!("{method} {pattern}");
        let good = match *pattern {
            "/clips/{token}.mp4" => published.send(Request::new(method, &published.path("url"))),
            "/clips/{token}.jpg" => published.send(Request::new(method, &published.path("poster_url"))),
            "/embed/{token}" => published.send(Request::new(method, &published.path("embed_url"))),
            _ => {
                let request = fixture.request(method, pattern);
                let node = pattern.starts_with("/api/node/");
                let key = if node { &fixture.node.key } else { &fixture.owner.metered };
                fixture.appliance.send(&request.header("Origin", ORIGIN).key(key))
            }
        };
        // Expected errors: an invalid video, no bucket, a clip that does not exist yet, no CA over plain HTTP.
        let lease = pattern.strip_prefix("/api/node/leases/{lease}/");
        let refused = ["complete", "parts"].iter().any(|what| lease == Some(what))
            || ["/api/clips/{id}/link", "/ca.pem"].contains(pattern);
        assert!(refused || (200..300).contains(&good.status), "{what}: {}", good.status);
        check(&good, &what, caching, policy);
        if !pattern.contains("{token}") {
            ids.push(good.header("X-Request-Id").unwrap().to_owned());
        }

        let request = fixture.request(method, pattern);
        let refused = fixture.appliance.send(&Request::new("OPTIONS", request.target()).header("Origin", ORIGIN));
        assert!([401, 404, 405].contains(&refused.status), "OPTIONS {pattern}: {}", refused.status);
        check(&refused, &format!("OPTIONS {pattern}"), NO_STORE, NO_FRAMES);
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
    check(&part, "a range", DAY, NO_FRAMES);
    let tag = part.header("ETag").unwrap();
    check(&published.send(Request::get(&path).header("If-None-Match", tag)).expect(304), "unchanged", DAY, NO_FRAMES);
    let outside = published.send(Request::get(&path).header("Range", "bytes=999999999-")).expect(416);
    check(&outside, "a range outside", NO_STORE, NO_FRAMES);
    check(&published.send(Request::get("/clips/x.mp4")).expect(404), "no clip", NO_STORE, NO_FRAMES);
    check(
        &published.send(Request::get("/nowhere").header("Origin", ORIGIN)).expect(401),
        "no route",
        NO_STORE,
        NO_FRAMES,
    );
}
