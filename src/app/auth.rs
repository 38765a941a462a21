//! todo
use super::App;
use crate::domain::{error::Result, job::Caller, node::Node};
/// `headers`: every `Authorization` header of the request. The contract's 401s and the 403 of a reserved key without dinks.
pub fn authenticate(_app: &App, _headers: &[&str]) -> Result<Caller> {
    todo!()
}
/// The same for a node's own key; notes that the node was heard of.
pub fn authenticate_node(_app: &App, _headers: &[&str]) -> Result<Node> {
    todo!()
}
