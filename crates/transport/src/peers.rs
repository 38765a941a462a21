//! Which connections are open, by the client's address and port: so that a handler which waits can ask whether anybody
//! still waits for its answer.

use crate::seats::lock;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// Open connections. Counted: a client may take the port again before the end of its last connection is seen here.
#[derive(Default)]
pub(crate) struct Peers(Mutex<HashMap<SocketAddr, usize>>);

impl Peers {
    /// A connection begins; it ends when this is dropped.
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

/// Tells whether clients are still connected, from any thread. It doesn't keep the server alive.
#[derive(Clone)]
pub struct Presence(pub(crate) Arc<Peers>);

impl Presence {
    /// Whether a connection of the client at this address and port, as [`Request::remote_addr`](crate::Request::remote_addr)
    /// tells it, is open. A client that has gone is noticed while its request is handled, unless it has sent more than
    /// that one request.
    pub fn has(&self, peer: SocketAddr) -> bool {
        lock(&self.0.0).contains_key(&peer)
    }
}
