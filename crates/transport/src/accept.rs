//! Listening, accepting, and admitting connections within the limits.

use crate::connection::Connection;
use crate::counters::Tally;
use crate::queues::Queues;
use crate::shared::{Shared, Stage};
use crate::state::ConnState;
use crate::tls::{Certificate, handshake};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use tokio::net::TcpStream;

/// Binds the first address that can be bound.
pub(crate) fn bind(addresses: impl ToSocketAddrs, backlog: i32) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on");
    for address in addresses.to_socket_addrs()? {
        match bind_one(address, backlog) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind_one(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Makes `[::]` mean every address on Windows too, where the default is IPv6 only.
        socket.set_only_v6(false)?;
    }
    // A restart must not wait for old connections. On Windows the same option would let two servers share a port.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

/// Accepts the connections of one server.
pub(crate) struct Acceptor {
    pub shared: Arc<Shared>,
    pub queues: Arc<Queues>,
    pub certificate: Option<Certificate>,
}

impl Acceptor {
    /// Accepts until the server stops.
    pub async fn run(self, listener: tokio::net::TcpListener) {
        let shared = &self.shared;
        let mut failing = false;
        loop {
            let accepted = tokio::select! {
                () = shared.reached(Stage::Finishing) => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    failing = false;
                    self.admit(socket, peer);
                }
                Err(error) => {
                    Tally::count(&shared.tally.accept_errors);
                    if !is_of_one_connection(&error) {
                        // Out of descriptors or memory. The connection stays in the backlog, so without a pause this
                        // loop would burn a core; giving up, as tiny_http does, would end the server.
                        if !failing {
                            log::warn!("Cannot accept connections for now: {error}");
                        }
                        failing = true;
                        tokio::time::sleep(shared.limits.accept_rest).await;
                    }
                }
            }
        }
    }

    fn admit(&self, socket: TcpStream, peer: SocketAddr) {
        let shared = &self.shared;
        Tally::count(&shared.tally.accepted);
        // A dual-stack socket reports IPv4 clients as IPv4-mapped IPv6, which no rule on addresses would match.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let state = ConnState::new(shared.epoch);
        let Some(permit) = shared.admit(peer.ip(), &state) else { return };
        if let Err(error) = tune(&socket) {
            log::debug!("{peer}: {error}");
        }
        let connection =
            Connection { shared: shared.clone(), queues: self.queues.clone(), state, peer, permit: Arc::new(permit) };
        tokio::spawn(serve(connection, socket, self.certificate.clone()));
    }
}

/// True if the error concerns only the connection that was being accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

fn tune(socket: &TcpStream) -> io::Result<()> {
    // With Nagle's algorithm an answer in two writes waits 40 ms for the client's delayed acknowledgement.
    socket.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(socket).set_tcp_notsent_lowat(crate::limits::UNSENT_BYTES)?;
    Ok(())
}

/// Serves one connection until it ends or is evicted.
async fn serve(connection: Connection, socket: TcpStream, certificate: Option<Certificate>) {
    let (shared, state, peer) = (connection.shared.clone(), connection.state.clone(), connection.peer);
    let _present = shared.peers.enter(peer);
    let serve = async {
        let Some(certificate) = certificate else {
            return connection.serve(socket).await;
        };
        let handshaken = tokio::select! {
            () = shared.reached(Stage::Finishing) => return,
            handshaken = handshake(socket, &certificate, &shared.limits) => handshaken,
        };
        match handshaken {
            Ok(stream) => connection.serve(stream).await,
            Err(error) => {
                Tally::count(&shared.tally.handshake_failures);
                log::debug!("{peer}: {error}");
            }
        }
    };
    tokio::select! {
        () = state.evicted.notified() => {}
        () = serve => {}
    }
}
