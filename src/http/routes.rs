//! The route table, and the order in which a request is checked (`api.md`, "Order of checks"): unknown route, 401, 403,
//! 404, 405. The handlers then check for 415, 413 and 400. 404 and 405 with `Allow` are derived from the table.

use rouille::Response;

use crate::app::accounts::auth;
use crate::app::nodes as app_nodes;
use crate::app::nodes::instances;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::Caller;
use crate::domain::node::Node;
use crate::domain::operator::Operator;
use crate::http::kit::answer;
use crate::http::kit::call::{Call, has_query};
use crate::http::kit::permits::Uploader;
use crate::http::{
    account, authority, clips, demos, health, home, jobs, leases, metrics, nodes, openapi, usage, webhooks,
};
use crate::wire::problem::Problem;

/// Who may call a route, and the function that handles it. Each handler receives the authenticated caller as its type.
#[derive(Clone, Copy)]
pub enum Handler {
    /// No authentication.
    Anyone(fn(&Call<'_>) -> Result<Response>),
    /// An account's key.
    Client(fn(&Call<'_>, &Caller) -> Result<Response>),
    /// A node's key.
    Node(fn(&Call<'_>, &Node) -> Result<Response>),
    /// The operator: currently only monitoring systems, identified by address.
    Operator(fn(&Call<'_>, &Operator) -> Result<Response>),
}

use Handler::{Anyone, Client, Node as ByNode, Operator as ByOperator};

/// The thread pool that handles a route.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pool {
    /// Requests that may block.
    Large,
    /// A few threads for requests that only look up a few rows and never block. Not for routes that aggregate
    /// (`/api/usage`, `/metrics`), write or open files, nor for `/healthz`, which must answer while the store is stuck.
    Quick,
}

use Pool::{Large, Quick};

/// A row: method, pattern (`{name}` matches one segment, or its beginning), handler, pool. All rows with the same
/// pattern must allow the same callers.
type Row = (&'static str, &'static str, Handler, Pool);

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
    ("PUT", "/api/node/leases/{lease}/poster", ByNode(leases::poster), Large),
    ("POST", "/api/node/leases/{lease}/complete", ByNode(leases::complete), Large),
    ("POST", "/api/node/leases/{lease}/fail", ByNode(leases::fail), Large),
];

/// Whether a request goes to the quick pool. One that waits for a job may block.
pub fn is_quick(method: &str, url: &str) -> bool {
    let path = path_of(url);
    let is_lookup = ROUTES
        .iter()
        .any(|(known, pattern, _, pool)| *pool == Quick && *known == method && parameters(pattern, path).is_some());
    is_lookup && !has_query(url, jobs::WAIT)
}

/// Whether a request is a node's upload: these have reserved upload slots. Requests from anyone else are rejected
/// before the body is read.
pub fn is_nodes_upload(_method: &str, url: &str) -> bool {
    path_of(url).starts_with("/api/node/leases/")
}

/// The request target without its query.
pub fn path_of(url: &str) -> &str {
    url.split_once('?').map_or(url, |(path, _)| path)
}

/// Every route as method, pattern and allowed caller (`anyone`, `client`, `node`, `operator`), for tests that check
/// that each route rejects all other callers.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    ROUTES.iter().map(|(method, pattern, handler, _)| {
        let who = match handler {
            Anyone(_) => "anyone",
            Client(_) => "client",
            ByNode(_) => "node",
            ByOperator(_) => "operator",
        };
        (*method, *pattern, who)
    })
}

/// The result of looking up a path.
pub struct Found<'p> {
    /// The pattern that matched; `None` if there is no such route.
    pub pattern: Option<&'static str>,
    /// The values of the pattern's parameters, in order.
    pub parameters: Vec<&'p str>,
}

/// Finds the pattern that matches a path. The path is not percent-decoded: no route contains characters that need it.
pub fn find(path: &str) -> Found<'_> {
    ROUTES
        .iter()
        .find_map(|(_, pattern, _, _)| Some(Found { pattern: Some(pattern), parameters: parameters(pattern, path)? }))
        .unwrap_or(Found { pattern: None, parameters: Vec::new() })
}

fn parameters<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    if !pattern.contains('{') {
        return (pattern == path).then(Vec::new);
    }
    let mut found = Vec::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected.strip_prefix('{').and_then(|named| named.split_once('}')) {
            None if segment == expected => {}
            None => return None,
            Some((_, ending)) => found.push(segment.strip_suffix(ending).filter(|value| !value.is_empty())?),
        }
    }
    segments.next().is_none().then_some(found)
}

/// Authenticates and authorizes a request, then runs its handler.
pub fn answer(found: &Found<'_>, call: &Call<'_>) -> Result<Response> {
    let rows: Vec<&Row> = ROUTES.iter().filter(|(_, pattern, _, _)| Some(*pattern) == found.pattern).collect();
    let caller = match rows.first() {
        None => return Err(unknown_route(call)),
        Some((_, _, Anyone(_), _)) => Authenticated::Nobody,
        Some((_, _, Client(_), _)) => Authenticated::Account(auth::authenticate(call.app, &call.authorization())?),
        Some((_, _, ByNode(_), _)) => Authenticated::Node(Box::new(known_node(call)?)),
        Some((_, _, ByOperator(_), _)) => Authenticated::Operator(monitor(call)?),
    };
    if let Some(name) = caller.name() {
        call.is_from(name);
    }
    call.uploads_as(caller.uploader());
    let of_method = |method: &str| rows.iter().find(|(known, _, _, _)| *known == method);
    match of_method(call.request.method()) {
        Some((_, _, handler, _)) => caller.run(*handler, call),
        None => {
            // 404 takes precedence over 405: what this caller cannot see does not exist for any method.
            if let Some((_, _, handler, _)) = of_method("GET")
                && let Err(error) = caller.run(*handler, call)
                && error.kind == Kind::NotFound
            {
                return Err(error);
            }
            Ok(not_allowed(&rows))
        }
    }
}

/// Authenticates the node and records the version and instance it reports.
fn known_node(call: &Call<'_>) -> Result<Node> {
    let node = auth::authenticate_node(call.app, &call.authorization())?;
    let program = call.program()?;
    app_nodes::note_program(call.app, &node, &program)?;
    if let Some(instance) = call.instance() {
        instances::note(call.app, &node, instance)?;
    }
    Ok(Node { program, ..node })
}

/// Accepts callers on loopback or in a network configured by the operator.
fn monitor(call: &Call<'_>) -> Result<Operator> {
    if call.client.is_loopback() || call.client.is_in(call.metrics_allow) {
        return Ok(Operator::named("monitor"));
    }
    let message = "Metrics are only for this machine and the networks in serve --metrics-allow.";
    Err(Error::new(Kind::Forbidden, ErrorCode::AddressNotAllowed, message))
}

/// The authenticated caller.
enum Authenticated {
    Nobody,
    Account(Caller),
    Node(Box<Node>),
    Operator(Operator),
}

impl Authenticated {
    /// The name for the log, quoted because it may contain spaces.
    fn name(&self) -> Option<String> {
        match self {
            Self::Nobody | Self::Operator(_) => None,
            Self::Account(caller) => Some(format!("{:?}", caller.account.name)),
            Self::Node(node) => Some(format!("node {:?}", node.name)),
        }
    }

    /// Whose upload limit the request counts against.
    fn uploader(&self) -> Uploader {
        match self {
            Self::Nobody | Self::Operator(_) => Uploader::Anyone,
            Self::Account(caller) => Uploader::Account(caller.account.name.clone()),
            Self::Node(node) => Uploader::Node(node.name.clone()),
        }
    }

    fn run(&self, handler: Handler, call: &Call<'_>) -> Result<Response> {
        match (handler, self) {
            (Anyone(run), _) => run(call),
            (Client(run), Self::Account(caller)) => run(call, caller),
            (ByNode(run), Self::Node(node)) => run(call, node),
            (ByOperator(run), Self::Operator(operator)) => run(call, operator),
            _ => Err(Error::internal("A route has rows for different callers.", call.request.method())),
        }
    }
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

fn not_allowed(rows: &[&Row]) -> Response {
    let methods: Vec<&str> = rows.iter().map(|(method, _, _, _)| *method).collect();
    let allow = methods.join(", ");
    let problem = Problem {
        error: format!("This route supports only {allow}."),
        code: Some(ErrorCode::MethodNotAllowed.as_str().into()),
        ..Problem::default()
    };
    answer::header(answer::problem_answer(Kind::MethodNotAllowed, &problem), "Allow", allow)
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
            let found = find(path);
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
