//! Which connections are open, by the client's address and port, so that a waiting handler can check whether its client
//! is still there.

use crate::sync::lock;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// Open connections. Counted, because a client may reuse a port before the end of its last connection is noticed here.
#[derive(Default)]
pub(crate) struct Peers(Mutex<HashMap<SocketAddr, usize>>);

impl Peers {
    /// Registers a connection until the returned guard is dropped.
    pub fn enter(self: &Arc<Self>, peer: SocketAddr) -> Present {
        *lock(&self.0).entry(peer).or_insert(0) += 1;
        Present { peers: self.clone(), peer }
    }
}

/// One open connection.
pub(crate) struct Present {
    peers: Arc<Peers>,
    peer: SocketAddr,
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut peers = lock(&self.peers.0);
        if let Some(count) = peers.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

/// Tells whether clients are still connected, from any thread. Doesn't keep the server alive.
#[derive(Clone)]
pub struct Presence(pub(crate) Arc<Peers>);

impl Presence {
    /// Whether a connection from this address and port, as given by
    /// [`Request::remote_addr`](crate::Request::remote_addr), is open. A disconnect is noticed while the request is
    /// handled, unless the client has pipelined another request.
    pub fn has(&self, peer: SocketAddr) -> bool {
        lock(&self.0.0).contains_key(&peer)
    }
}
