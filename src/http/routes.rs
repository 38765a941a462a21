//! The routes of the public listener: clients, nodes, and the public addresses of clips.

use crate::app::accounts::auth;
use crate::domain::error::{Error, Kind};
use crate::http::kit::call::{Call, has_query};
use crate::http::kit::routing::Handler::{Anyone, Client, Node as ByNode, Operator as ByOperator};
use crate::http::kit::routing::Pool::{Large, Quick};
use crate::http::kit::routing::{Row, Table, parameters, path_of};
use crate::http::{
    account, authority, clips, demos, health, home, jobs, leases, metrics, nodes, openapi, usage, webhooks,
};

/// The public listener's routes.
pub static PUBLIC: Table =
    Table { rows: ROUTES, admits: |_| Ok(()), unknown: unknown_route, scheme: "Bearer", is_quick, is_nodes_upload };

const ROUTES: &[Row] = &[
    ("GET", "/", Anyone(home::show), Large),
    ("HEAD", "/", Anyone(home::show), Large),
    ("GET", "/healthz", Anyone(health::alive), Large),
    ("HEAD", "/healthz", Anyone(health::alive), Large),
    ("GET", "/readyz", Anyone(health::ready), Large),
    ("HEAD", "/readyz", Anyone(health::ready), Large),
    ("GET", "/metrics", ByOperator(metrics::show), Large),
    ("GET", "/ca.pem", Anyone(authority::certificate), Large),
    ("HEAD", "/ca.pem", Anyone(authority::certificate), Large),
    ("GET", "/api/openapi.json", Anyone(openapi::show), Large),
    // Clients.
    ("GET", "/api/clips", Client(jobs::list), Quick),
    ("POST", "/api/clips", Client(jobs::submit), Large),
    ("GET", "/api/clips/{id}", Client(jobs::show), Quick),
    ("DELETE", "/api/clips/{id}", Client(jobs::remove), Large),
    ("POST", "/api/clips/{id}/link", Client(jobs::renew_link), Large),
    ("GET", "/api/demos", Client(demos::list), Large),
    ("POST", "/api/demos", Client(demos::upload), Large),
    ("GET", "/api/demos/{sha256}", Client(demos::show), Large),
    ("DELETE", "/api/demos/{sha256}", Client(demos::remove), Large),
    ("GET", "/api/account", Client(account::show), Quick),
    ("GET", "/api/usage", Client(usage::show), Large),
    ("GET", "/api/webhook", Client(webhooks::show), Quick),
    ("PUT", "/api/webhook", Client(webhooks::set), Large),
    ("DELETE", "/api/webhook", Client(webhooks::remove), Large),
    ("POST", "/api/webhook/test", Client(webhooks::test), Large),
    ("GET", "/api/webhook/deliveries", Client(webhooks::deliveries), Quick),
    ("POST", "/api/webhook/deliveries/{id}/replay", Client(webhooks::replay), Large),
    // Public clip URLs.
    ("GET", "/clips/{token}.mp4", Anyone(clips::video), Large),
    ("HEAD", "/clips/{token}.mp4", Anyone(clips::video), Large),
    ("GET", "/clips/{token}.jpg", Anyone(clips::poster), Large),
    ("HEAD", "/clips/{token}.jpg", Anyone(clips::poster), Large),
    ("GET", "/embed/{token}", Anyone(clips::embed), Large),
    ("HEAD", "/embed/{token}", Anyone(clips::embed), Large),
    // Nodes.
    ("POST", "/api/node/join", Anyone(nodes::join), Large),
    ("POST", "/api/node/leave", ByNode(nodes::leave), Large),
    ("POST", "/api/node/claims", ByNode(leases::claim), Large),
    ("PUT", "/api/node/leases/{lease}", ByNode(leases::heartbeat), Large),
    ("GET", "/api/node/leases/{lease}/demo", ByNode(leases::demo), Large),
    ("PUT", "/api/node/leases/{lease}/video", ByNode(leases::video), Large),
    ("POST", "/api/node/leases/{lease}/parts", ByNode(leases::parts), Large),
    ("PUT", "/api/node/leases/{lease}/poster", ByNode(leases::poster), Large),
    ("POST", "/api/node/leases/{lease}/complete", ByNode(leases::complete), Large),
    ("POST", "/api/node/leases/{lease}/fail", ByNode(leases::fail), Large),
];

/// Whether a request goes to the quick pool. One that waits for a job may block.
fn is_quick(method: &str, url: &str) -> bool {
    let path = path_of(url);
    let is_lookup = ROUTES
        .iter()
        .any(|(known, pattern, _, pool)| *pool == Quick && *known == method && parameters(pattern, path).is_some());
    is_lookup && !has_query(url, jobs::WAIT)
}

/// Whether a request is a node's upload: these have reserved upload slots. Requests from anyone else are rejected
/// before the body is read.
fn is_nodes_upload(_method: &str, url: &str) -> bool {
    path_of(url).starts_with("/api/node/leases/")
}

/// Every route as method, pattern and allowed caller.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    PUBLIC.all()
}

/// 404 with any valid key; without one the usual 401, so that routes cannot be probed without a key.
fn unknown_route(call: &Call<'_>) -> Error {
    let headers = call.authorization();
    let not_found = || Error::not_found("There is no such route.");
    match auth::authenticate(call.app, &headers) {
        Ok(_) => not_found(),
        // A key of a reserved account without dinks is valid too.
        Err(error) if error.kind == Kind::Forbidden => not_found(),
        Err(error) if error.kind == Kind::Unauthorized => match auth::authenticate_node(call.app, &headers) {
            Ok(_) => not_found(),
            Err(_) => error,
        },
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_matches_only_its_pattern() {
        let cases: [(&str, Option<&str>, &[&str]); 15] = [
            ("/api/clips", Some("/api/clips"), &[]),
            ("/api/clips/", None, &[]),
            ("/api/clips/5", Some("/api/clips/{id}"), &["5"]),
            ("/api/clips/5/", None, &[]),
            ("/api//clips", None, &[]),
            ("api/clips", None, &[]),
            ("/API/clips", None, &[]),
            ("", None, &[]),
            ("/", Some("/"), &[]),
            ("//", None, &[]),
            ("/clips/abc.mp4", Some("/clips/{token}.mp4"), &["abc"]),
            ("/clips/abc.jpg", Some("/clips/{token}.jpg"), &["abc"]),
            ("/clips/.mp4", None, &[]),
            ("/clips/abc.mov", None, &[]),
            ("/api/node/leases/7/video", Some("/api/node/leases/{lease}/video"), &["7"]),
        ];
        for (path, pattern, parameters) in cases {
            let found = PUBLIC.find(path);
            assert_eq!((found.pattern, found.parameters.as_slice()), (pattern, parameters), "{path:?}");
        }
    }

    #[test]
    fn only_lookups_that_do_not_wait_are_quick() {
        let cases = [
            ("GET", "/api/account", true),
            ("GET", "/api/clips?limit=5", true),
            ("GET", "/api/clips/0192f7a8-5b1c-7d3e-8f90-123456789abc", true),
            ("GET", "/api/clips/0192f7a8-5b1c-7d3e-8f90-123456789abc?wait=", true),
            ("GET", "/api/clips/0192f7a8-5b1c-7d3e-8f90-123456789abc?wait=25", false),
            ("GET", "/api/clips/0192f7a8-5b1c-7d3e-8f90-123456789abc?x=1&w%61it=25", false),
            ("POST", "/api/clips", false),
            ("DELETE", "/api/clips/5", false),
            ("GET", "/api/usage", false),
            ("POST", "/api/node/claims", false),
            ("GET", "/clips/5.mp4", false),
            ("GET", "/readyz", false),
            ("GET", "/healthz", false),
            ("GET", "/", false),
            ("GET", "/api/account/", false),
            ("get", "/api/account", false),
        ];
        for (method, url, expected) in cases {
            assert_eq!(is_quick(method, url), expected, "{method} {url}");
        }
    }

    #[test]
    fn all_rows_of_a_pattern_have_the_same_callers_and_occur_once() {
        let rows: Vec<_> = all().collect();
        for (at, (method, pattern, who)) in rows.iter().enumerate() {
            for (other_method, other_pattern, other_who) in rows.iter().skip(at + 1) {
                assert!(pattern != other_pattern || (who == other_who && method != other_method), "{method} {pattern}");
            }
        }
    }
}
