//! How a machine becomes a node, and what it keeps of it: its state file.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::config;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::key::Secret;
use crate::domain::node::check_name;
use crate::domain::protocol;
use crate::os::address::Addresses;
use crate::os::files;
use crate::os::http::{Body, Client, ClientOptions, Method, Request, Response, UNTRUSTED};
use crate::wire::node::{JoinAnswer, JoinRequest, PROTOCOL_HEADER, VERSION_HEADER};
use crate::wire::problem::Problem;

/// Name of the state file in the state directory.
const STATE_FILE: &str = "node.json";
/// How long a join may take.
const JOIN_SECONDS: u64 = 30;
/// Bytes of an answer or a state file.
const ANSWER_BYTES: u64 = 64 * 1024;

/// What a node keeps: enough to work again after a restart.
#[derive(Clone, Debug)]
pub struct NodeState {
    /// The server's URL.
    pub server: String,
    /// PEM of the authority to trust, alone; `None`: those that the platform trusts.
    pub ca_pem: Option<String>,
    /// The node's UUID.
    pub node_id: String,
    /// The node's key.
    pub node_key: Secret,
    /// The node's name, as the server calls it.
    pub name: String,
}

/// The state file's shape: a [`Secret`] is never written by accident, so it is not serializable.
#[derive(Deserialize, Serialize)]
struct StateFile {
    server: String,
    ca: Option<String>,
    node_id: String,
    node_key: String,
    name: String,
}

/// Joins once with a token's `secret`, and keeps the node's key in `state_dir`. Whoever has joined already and joins
/// again is a new node.
pub fn join(server: &str, ca_pem: Option<String>, secret: &Secret, name: &str, state_dir: &Path) -> Result<NodeState> {
    files::create_private_dir(state_dir).map_err(|error| unwritable(state_dir, &error))?;
    let client = server_client(ca_pem.clone())?;
    let url = format!("{}/api/node/join", server.trim_end_matches('/'));
    let request = JoinRequest { join_token: secret.reveal().to_owned(), name: name.to_owned() };
    let body =
        serde_json::to_vec(&request).map_err(|error| Error::internal("The join could not be written.", error))?;
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
        // A name that was taken has got a number behind it: the node is called the same on both sides.
        name: if check_name(&answer.name).is_ok() { answer.name } else { name.to_owned() },
    };
    write_state(state_dir, &state)?;
    Ok(state)
}

/// What the node in `state_dir` keeps; `None` when no node has joined from there.
pub fn read_state(state_dir: &Path) -> Result<Option<NodeState>> {
    let path = state_dir.join(STATE_FILE);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| Error::internal(format!("{} cannot be read.", path.display()), error))?,
    };
    // The cause quotes the file, and the file holds a key: no detail.
    let state: StateFile = serde_json::from_slice(&text).map_err(|_| {
        let path = path.display();
        Error::new(Kind::Internal, "internal", format!("{path} is damaged. Remove it and join again with a new token."))
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
    let text = serde_json::to_vec_pretty(&file)
        .map_err(|error| Error::internal("The node's state could not be written.", error))?;
    files::write_durably(&state_dir.join(STATE_FILE), &text).map_err(|error| unwritable(state_dir, &error))
}

/// The client that talks to the appliance: its operator named it, so every address is good.
pub(super) fn server_client(ca_pem: Option<String>) -> Result<Client> {
    Client::new(ClientOptions {
        addresses: Addresses::Any,
        ca_pem,
        redirects: 0,
        connect_timeout: Duration::from_secs(10),
        stall_timeout: Duration::from_secs(60),
    })
}

/// Says what to do where the server is not the one that this node may trust.
pub(super) fn untrusted(error: Error) -> Error {
    if error.code != UNTRUSTED {
        return error;
    }
    let advice = "It is another server, or it has a new authority or name since this token was made: join again with \
                  a new one from `admin nodes token`. A studio's own certificate must be trusted by this machine's \
                  system.";
    Error { message: format!("{} {advice}", error.message), ..error }
}

fn refused(answer: Response) -> Error {
    let status = answer.status;
    let problem = answer.json::<Problem>(ANSWER_BYTES).ok();
    let is_ours = problem.is_some();
    if let Some(problem) = problem.filter(|problem| problem.code.as_deref() == Some("protocol_unsupported")) {
        return Error::new(Kind::Invalid, "protocol_unsupported", problem.error);
    }
    let message = match status {
        400..=499 if !is_ours => {
            "What answers there is no appliance, or speaks HTTPS only: look at the server's URL.".to_owned()
        }
        400..=499 => "The server does not take this join token: it was used before, is older than an hour, or is \
                      another server's. Make a new one with `admin nodes token`."
            .to_owned(),
        _ => format!("The server could not take the node now (status {status}). Try again."),
    };
    Error::new(Kind::Unauthorized, "join_refused", message)
}

fn unwritable(state_dir: &Path, error: &io::Error) -> Error {
    Error::internal(format!("{} cannot be written. Choose another --state-dir.", state_dir.display()), error)
}
