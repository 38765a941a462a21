//! Nodes joining and leaving.

use rouille::Response;

use crate::app::nodes;
use crate::domain::error::Result;
use crate::domain::node::Node;
use crate::http::kit::call::Call;
use crate::http::kit::{answer, body};
use crate::wire::node::JoinAnswer;
use crate::wire::node_requests::read_join;

/// `POST /api/node/join`: authenticated by the join token in the body.
pub fn join(call: &Call<'_>) -> Result<Response> {
    let program = call.program()?;
    let (secret, name) = read_join(&body::json(call)?, program.is_newer())?;
    let joined = nodes::join(call.app, &secret, &name)?;
    nodes::note_program(call.app, &joined.node, &program)?;
    let view = JoinAnswer {
        node_id: joined.node.public_id.to_string(),
        node_key: joined.key.reveal().into(),
        name: joined.node.name,
    };
    answer::json(201, &view)
}

/// `POST /api/node/leave`: the node's agent is shutting down. Any body is ignored.
pub fn leave(call: &Call<'_>, node: &Node) -> Result<Response> {
    nodes::leave(call.app, node)?;
    answer::json(200, &serde_json::json!({}))
}
