//! Running out of file descriptors. A process of its own, because the limit applies to the whole process.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::net::TcpStream;
use support::hostile::client::Wire;
use support::hostile::eventually;
use support::site::Site;
use tiny_http::Limits;

#[test]
fn server_recovers_from_running_out_of_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(200), maximum }).unwrap();
    let limits = Limits { connections: 300, spare_descriptors: 100, ..Limits::default() };
    let site = Site::plain(limits);
    assert!(getrlimit(Resource::Nofile).current.is_none_or(|limit| limit >= 400), "the server raises the limit");
    site.is_serving();

    // The clients' sockets first: they stay unconnected while all other descriptors are used up.
    let socket = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let sockets: Vec<_> = (0..10).map(|_| socket()).collect();
    let hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    for socket in &sockets {
        socket.connect(&site.address.into()).unwrap();
    }
    eventually("accept keeps failing", || site.counters().accept_errors >= 5);
    drop(hoard);
    for socket in sockets {
        let mut wire = Wire::over(TcpStream::from(socket), None).unwrap();
        assert_eq!(wire.get("/json").unwrap().status, 200);
    }
    site.is_empty();
    site.is_serving();
}
