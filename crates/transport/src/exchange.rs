//! One request's way back to its client: everything that answering it needs, apart from the request itself.

use crate::parked::Reply;
use crate::permits::{ConnectionPermit, RequestPermit};
use crate::shared::Shared;
use crate::state::ConnState;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Dropped unused, it makes the connection answer 500.
pub(crate) struct Exchange {
    pub peer: SocketAddr,
    pub shared: Arc<Shared>,
    pub state: Arc<ConnState>,
    pub connection_permit: Arc<ConnectionPermit>,
    pub request_permit: RequestPermit,
    pub reply: oneshot::Sender<Reply>,
}
