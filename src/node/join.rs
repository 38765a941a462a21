//! Joining a server, and the state file that keeps the node's identity.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::config;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::key::Secret;
use crate::domain::node::check_name;
use crate::domain::protocol;
use crate::os::address::Addresses;
use crate::os::files;
use crate::os::http::{Body, Client, ClientOptions, Method, Request, Response};
use crate::wire::node::{JoinAnswer, JoinRequest, PROTOCOL_HEADER, VERSION_HEADER};
use crate::wire::problem::Problem;

/// Name of the state file in the state directory.
const STATE_FILE: &str = "node.json";
const JOIN_SECONDS: u64 = 30;
/// Limit on the size of the server's answer.
const ANSWER_BYTES: u64 = 64 * 1024;

/// A node's identity, as kept across restarts.
#[derive(Clone, Debug)]
pub struct NodeState {
    /// The server's URL.
    pub server: String,
    /// PEM of the only CA to trust; `None`: the platform's trust store.
    pub ca_pem: Option<String>,
    /// The node's UUID.
    pub node_id: String,
    /// The node's key.
    pub node_key: Secret,
    /// The node's name on the server.
    pub name: String,
}

/// The state file's JSON. A separate type because [`Secret`] is deliberately not serializable.
#[derive(Deserialize, Serialize)]
struct StateFile {
    server: String,
    ca: Option<String>,
    node_id: String,
    node_key: String,
    name: String,
}

/// Joins with a token's `secret` and saves the node's key in `state_dir`. Joining again makes a new node.
pub fn join(server: &str, ca_pem: Option<String>, secret: &Secret, name: &str, state_dir: &Path) -> Result<NodeState> {
    files::create_private_dir(state_dir).map_err(|error| unwritable(state_dir, &error))?;
    let client = server_client(ca_pem.clone())?;
    let url = format!("{}/api/node/join", server.trim_end_matches('/'));
    let request = JoinRequest { join_token: secret.reveal().to_owned(), name: name.to_owned() };
    let body =
        serde_json::to_vec(&request).map_err(|error| Error::internal("Cannot encode the join request.", error))?;
    let answer = client.send(Request {
        content_type: Some("application/json"),
        headers: &[(PROTOCOL_HEADER, &protocol::OURS.to_string()), (VERSION_HEADER, config::VERSION)],
        body: Body::Bytes(&body),
        ..Request::new(Method::POST, &url, Duration::from_secs(JOIN_SECONDS))
    });
    let answer = answer.map_err(untrusted)?;
    let answer: JoinAnswer =
        if answer.status == 201 { answer.json(ANSWER_BYTES)? } else { return Err(refused(answer)) };
    let state = NodeState {
        server: server.trim_end_matches('/').to_owned(),
        ca_pem,
        node_id: answer.node_id,
        node_key: Secret::new(answer.node_key),
        // The server appends a number to a name that is taken; use the same name on both sides.
        name: if check_name(&answer.name).is_ok() { answer.name } else { name.to_owned() },
    };
    write_state(state_dir, &state)?;
    Ok(state)
}

/// The identity saved in `state_dir`; `None` if no node has joined from there.
pub fn read_state(state_dir: &Path) -> Result<Option<NodeState>> {
    let path = state_dir.join(STATE_FILE);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| Error::internal(format!("Cannot read {}.", path.display()), error))?,
    };
    // No detail: serde's message may quote the file, which holds the key.
    let state: StateFile = serde_json::from_slice(&text).map_err(|_| {
        let path = path.display();
        Error::new(
            Kind::Internal,
            ErrorCode::Internal,
            format!("{path} is damaged. Remove it and join again with a new token."),
        )
    })?;
    Ok(Some(NodeState {
        server: state.server,
        ca_pem: state.ca,
        node_id: state.node_id,
        node_key: Secret::new(state.node_key),
        name: state.name,
    }))
}

fn write_state(state_dir: &Path, state: &NodeState) -> Result<()> {
    let file = StateFile {
        server: state.server.clone(),
        ca: state.ca_pem.clone(),
        node_id: state.node_id.clone(),
        node_key: state.node_key.reveal().to_owned(),
        name: state.name.clone(),
    };
    let text =
        serde_json::to_vec_pretty(&file).map_err(|error| Error::internal("Cannot encode the node's state.", error))?;
    files::write_durably(&state_dir.join(STATE_FILE), &text).map_err(|error| unwritable(state_dir, &error))
}

/// The client for calls to the appliance. The operator chose the server, so any address is allowed.
pub(super) fn server_client(ca_pem: Option<String>) -> Result<Client> {
    Client::new(ClientOptions {
        addresses: Addresses::Any,
        ca_pem,
        redirects: 0,
        connect_timeout: Duration::from_secs(10),
        stall_timeout: Duration::from_secs(60),
        body_timeout: None,
    })
}

/// Adds what to do to the error for an untrusted certificate.
pub(super) fn untrusted(error: Error) -> Error {
    if error.code != ErrorCode::UntrustedServer {
        return error;
    }
    let advice = "If the server's CA or host name has changed, join again with a new token from `admin nodes token`. \
                  A certificate from the studio's own CA requires that CA in this machine's trust store.";
    Error { message: format!("{} {advice}", error.message), ..error }
}

fn refused(answer: Response) -> Error {
    let status = answer.status;
    let problem = answer.json::<Problem>(ANSWER_BYTES).ok();
    let is_ours = problem.is_some();
    if let Some(problem) = problem.as_ref().filter(|problem| problem.code.as_deref() == Some("join_token_refused")) {
        return Error::new(Kind::Unauthorized, ErrorCode::JoinRefused, problem.error.clone());
    }
    if let Some(problem) = problem.filter(|problem| problem.code.as_deref() == Some("protocol_unsupported")) {
        return Error::new(Kind::Invalid, ErrorCode::ProtocolUnsupported, problem.error);
    }
    let message = match status {
        400..=499 if !is_ours => {
            "The server's answer is not from a dinkem appliance, or the server requires HTTPS. Check the server's URL."
                .to_owned()
        }
        400..=499 => "The server refused the join token: it has been used, has expired, or belongs to another \
                      server. Create a new one with `admin nodes token`."
            .to_owned(),
        _ => format!("The server could not process the join (status {status}). Try again."),
    };
    Error::new(Kind::Unauthorized, ErrorCode::JoinRefused, message)
}

fn unwritable(state_dir: &Path, error: &io::Error) -> Error {
    Error::internal(format!("Cannot write to {}. Choose another --state-dir.", state_dir.display()), error)
}
