//! todo
use super::App;
use crate::domain::{
    error::Result,
    key::Secret,
    node::{Node, NodeState},
};
/// A join token's secret, good once and for an hour. The ticket around it (URL, authority) is the caller's to make.
pub fn token(_app: &App) -> Result<Secret> {
    todo!()
}
pub struct Joined {
    pub node: Node,
    pub key: Secret,
}
pub fn join(_app: &App, _secret: &Secret, _name: &str) -> Result<Joined> {
    todo!()
}
pub struct NodeInfo {
    pub node: Node,
    pub state: NodeState,
    pub leases: u32,
}
pub fn list(_app: &App) -> Result<Vec<NodeInfo>> {
    todo!()
}
