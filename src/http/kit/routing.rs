//! Route tables, and the order in which a request is checked (`api.md`, "Order of checks"): unknown route, 401, 403,
//! 404, 405. The handlers then check for 415, 413 and 400. 404 and 405 with `Allow` are derived from the table.

use rouille::Response;

use crate::app::accounts::auth;
use crate::app::nodes as app_nodes;
use crate::app::nodes::instances;
use crate::app::operators;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::job::Caller;
use crate::domain::key::{KeyHash, bearer_token};
use crate::domain::node::Node;
use crate::domain::operator::{Operator, OperatorKey};
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::http::kit::permits::Uploader;
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
    /// Monitoring systems, identified by address.
    Operator(fn(&Call<'_>, &Operator) -> Result<Response>),
    /// An operator who is signed in to the dashboard.
    SignedIn(fn(&Call<'_>, &OperatorKey) -> Result<Response>),
}

/// The thread pool that handles a route.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// Requests that may block.
    Large,
    /// A few threads for requests that only look up a few rows and never block. Not for routes that aggregate
    /// (`/api/usage`, `/metrics`), write or open files, nor for `/healthz`, which must answer while the store is stuck.
    Quick,
}

/// A row: method, pattern (`{name}` matches one segment, or its beginning), handler, pool. All rows with the same
/// pattern must allow the same callers.
pub type Row = (&'static str, &'static str, Handler, Pool);

/// The routes of one listener.
pub struct Table {
    /// Its rows.
    pub rows: &'static [Row],
    /// Refuses requests before anything else is looked at.
    pub admits: fn(&Call<'_>) -> Result<()>,
    /// The error for a path without a route.
    pub unknown: fn(&Call<'_>) -> Error,
    /// The scheme of `WWW-Authenticate` in a 401.
    pub scheme: &'static str,
    /// Whether a request, by method and URL, goes to the quick pool.
    pub is_quick: fn(&str, &str) -> bool,
    /// Whether a request, by method and URL, is an upload with a slot of its own.
    pub is_nodes_upload: fn(&str, &str) -> bool,
}

/// The request target without its query.
pub fn path_of(url: &str) -> &str {
    url.split_once('?').map_or(url, |(path, _)| path)
}

/// The result of looking up a path.
pub struct Found<'p> {
    /// The pattern that matched; `None` if there is no such route.
    pub pattern: Option<&'static str>,
    /// The values of the pattern's parameters, in order.
    pub parameters: Vec<&'p str>,
}

/// The values of a pattern's parameters in a path, if it matches.
pub fn parameters<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
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

impl Table {
    /// Every route as method, pattern and allowed caller (`anyone`, `client`, `node`, `operator`, `signed in`), for
    /// tests that check that each route rejects all other callers.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> + use<> {
        self.rows.iter().map(|(method, pattern, handler, _)| {
            let who = match handler {
                Handler::Anyone(_) => "anyone",
                Handler::Client(_) => "client",
                Handler::Node(_) => "node",
                Handler::Operator(_) => "operator",
                Handler::SignedIn(_) => "signed in",
            };
            (*method, *pattern, who)
        })
    }

    /// Finds the first pattern that matches a path. The path is not percent-decoded: no route contains characters that
    /// need it.
    pub fn find<'p>(&self, path: &'p str) -> Found<'p> {
        let matching =
            |(_, pattern, _, _): &Row| Some(Found { pattern: Some(*pattern), parameters: parameters(pattern, path)? });
        self.rows.iter().find_map(matching).unwrap_or(Found { pattern: None, parameters: Vec::new() })
    }

    /// Authenticates and authorizes a request, then runs its handler.
    pub fn answer(&self, found: &Found<'_>, call: &Call<'_>) -> Result<Response> {
        (self.admits)(call)?;
        let rows: Vec<&Row> = self.rows.iter().filter(|(_, pattern, _, _)| Some(*pattern) == found.pattern).collect();
        let Some((_, _, any, _)) = rows.first() else { return Err((self.unknown)(call)) };
        let caller = Authenticated::by(*any, call)?;
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

/// Accepts callers on loopback or in a network configured by the operator, and from anywhere with the metrics token.
fn monitor(call: &Call<'_>) -> Result<Operator> {
    if call.client.is_loopback() || call.client.is_in(call.metrics_allow) || has_metrics_token(call) {
        return Ok(Operator::named("monitor"));
    }
    let message = "Metrics are only for this machine, the networks in serve --metrics-allow, and requests with the token \
                   in serve --metrics-token-file.";
    Err(Error::new(Kind::Forbidden, ErrorCode::AddressNotAllowed, message))
}

/// Whether the request presents the metrics token. Hashes are compared, so that the time says nothing about the token.
fn has_metrics_token(call: &Call<'_>) -> bool {
    let presented = match call.authorization()[..] {
        [header] => bearer_token(header).map(|token| KeyHash::of(&token)),
        _ => None,
    };
    presented.is_some() && presented.as_ref() == call.metrics_token
}

/// The key of an operator who is signed in. A page that keeps itself up to date says so with `Operator-Watching`.
fn signed_in(call: &Call<'_>) -> Result<OperatorKey> {
    let presented = match call.authorization()[..] {
        [header] => header.strip_prefix("Operator ").unwrap_or_default(),
        _ => "",
    };
    operators::authenticate(call.app, presented, call.request.header("Operator-Watching").is_some())
}

/// The authenticated caller.
enum Authenticated {
    Nobody,
    Account(Caller),
    Node(Box<Node>),
    Operator(Operator),
    SignedIn(Box<OperatorKey>),
}

impl Authenticated {
    /// The caller of a request to a route with this handler.
    fn by(handler: Handler, call: &Call<'_>) -> Result<Self> {
        Ok(match handler {
            Handler::Anyone(_) => Self::Nobody,
            Handler::Client(_) => Self::Account(auth::authenticate(call.app, &call.authorization())?),
            Handler::Node(_) => Self::Node(Box::new(known_node(call)?)),
            Handler::Operator(_) => Self::Operator(monitor(call)?),
            Handler::SignedIn(_) => Self::SignedIn(Box::new(signed_in(call)?)),
        })
    }

    /// The name for the log, quoted because it may contain spaces.
    fn name(&self) -> Option<String> {
        match self {
            Self::Nobody | Self::Operator(_) => None,
            Self::SignedIn(key) => Some(format!("operator {:?}", key.operator.name())),
            Self::Account(caller) => Some(format!("{:?}", caller.account.name)),
            Self::Node(node) => Some(format!("node {:?}", node.name)),
        }
    }

    /// Whose upload limit the request counts against.
    fn uploader(&self) -> Uploader {
        match self {
            Self::Nobody | Self::Operator(_) | Self::SignedIn(_) => Uploader::Anyone,
            Self::Account(caller) => Uploader::Account(caller.account.name.clone()),
            Self::Node(node) => Uploader::Node(node.name.clone()),
        }
    }

    fn run(&self, handler: Handler, call: &Call<'_>) -> Result<Response> {
        match (handler, self) {
            (Handler::Anyone(run), _) => run(call),
            (Handler::Client(run), Self::Account(caller)) => run(call, caller),
            (Handler::Node(run), Self::Node(node)) => run(call, node),
            (Handler::Operator(run), Self::Operator(operator)) => run(call, operator),
            (Handler::SignedIn(run), Self::SignedIn(key)) => run(call, key),
            _ => Err(Error::internal("A route has rows for different callers.", call.request.method())),
        }
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
