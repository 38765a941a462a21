//! Listening, accepting, and giving each connection its seat.

use crate::connection;
use crate::counters::Tally;
use crate::seats::Taken;
use crate::shared::{Shared, Stage};
use crate::state::ConnState;
use crate::tls::{Certificate, handshake};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs};
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
        // `[::]` is to mean every address on Windows too, where it would be IPv6 only.
        socket.set_only_v6(false)?;
    }
    // A restart must not wait for old connections. On Windows the same option would let two servers share a port.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

/// One connection's place among the open ones.
pub(crate) struct Seat {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.seats.give_back(self.id);
    }
}

/// Accepts until the server stops.
pub(crate) async fn run(shared: Arc<Shared>, listener: tokio::net::TcpListener, certificate: Option<Certificate>) {
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            () = shared.reached(Stage::Finishing) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                failing = false;
                admit(&shared, socket, peer, &certificate);
            }
            Err(error) => {
                Tally::count(&shared.tally.accept_errors);
                if !is_of_one_connection(&error) {
                    // Out of descriptors or memory. The connection stays in the backlog, so without a rest this loop
                    // would burn a core; giving up, as tiny_http does, would end the server.
                    if !failing {
                        log::warn!("no connection can be accepted for now: {error}");
                    }
                    failing = true;
                    tokio::time::sleep(shared.limits.accept_rest).await;
                }
            }
        }
    }
}

/// True where the error was the connection's and says nothing of the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

fn admit(shared: &Arc<Shared>, socket: TcpStream, peer: SocketAddr, certificate: &Option<Certificate>) {
    Tally::count(&shared.tally.accepted);
    // An IPv4 client of a dual-stack socket comes in an IPv6 form, which no rule on addresses would match.
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let state = ConnState::new(shared.epoch);
    let Some(seat) = take_seat(shared, peer.ip(), &state) else {
        Tally::count(&shared.tally.refused);
        return;
    };
    if let Err(error) = tune(&socket) {
        log::debug!("{peer}: {error}");
    }
    tokio::spawn(attend(shared.clone(), socket, peer, certificate.clone(), state, seat));
}

fn tune(socket: &TcpStream) -> io::Result<()> {
    // Without it an answer in two writes waits 40 ms for the client's delayed acknowledgement.
    socket.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(socket).set_tcp_notsent_lowat(crate::limits::UNSENT_BYTES)?;
    Ok(())
}

fn take_seat(shared: &Arc<Shared>, address: IpAddr, state: &Arc<ConnState>) -> Option<Arc<Seat>> {
    let per_address = shared.is_capped(address).then_some(shared.limits.connections_per_address);
    let id = match shared.seats.take(address, state, shared.limits.connections, per_address) {
        Taken::Free(id) => id,
        Taken::MadeRoom(id) => {
            Tally::count(&shared.tally.made_room);
            id
        }
        Taken::Refused => return None,
    };
    Some(Arc::new(Seat { shared: shared.clone(), id }))
}

/// Sees to one connection until it ends or has to make room.
async fn attend(
    shared: Arc<Shared>,
    socket: TcpStream,
    peer: SocketAddr,
    certificate: Option<Certificate>,
    state: Arc<ConnState>,
    seat: Arc<Seat>,
) {
    let _present = shared.peers.enter(peer);
    let serve = async {
        let Some(certificate) = certificate else {
            return connection::serve(shared.clone(), socket, peer, state.clone(), seat).await;
        };
        let shaken = tokio::select! {
            () = shared.reached(Stage::Finishing) => return,
            shaken = handshake(socket, &certificate, &shared.limits) => shaken,
        };
        match shaken {
            Ok(stream) => connection::serve(shared.clone(), stream, peer, state.clone(), seat).await,
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
