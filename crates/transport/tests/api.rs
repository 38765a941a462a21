//! The complete interface that rouille uses, and a check that rouille runs on this crate.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{Read, empty};
use std::net::SocketAddr;
use std::time::Duration;
use support::hostile::target::trusting;
use support::site::{Site, self_signed};
use tiny_http::{Header, Limits, ReadWrite, Request, Response, Server, SslConfig};

/// Every call that rouille 3.6.2 makes, with its types. Never run: the test is that it compiles.
#[expect(dead_code)]
fn calls_of_rouille(config: SslConfig) -> Result<(), Box<dyn std::error::Error + Send + Sync + 'static>> {
    let server: Server = Server::http("127.0.0.1:0")?;
    let _: Server = Server::https("127.0.0.1:0", config)?;
    let _: Option<SocketAddr> = server.server_addr().to_ip();
    let _: std::io::Result<Option<Request>> = server.try_recv();
    let _: std::io::Result<Option<Request>> = server.recv_timeout(Duration::from_secs(1));
    for mut request in server.incoming_requests() {
        let _: String = request.url().to_owned();
        let _: String = request.method().as_str().to_owned();
        let _: Vec<(String, String)> =
            request.headers().iter().map(|header| (header.field.to_string(), header.value.clone().into())).collect();
        let _: Option<SocketAddr> = request.remote_addr().copied();
        let _: usize = request.as_reader().read(&mut [0; 1])?;
        let body: Box<dyn Read + Send> = Box::new(empty());
        let mut response = Response::empty(200u16).with_data(body, Some(0));
        if let Ok(header) = Header::from_bytes("name".as_bytes(), "value".as_bytes()) {
            response.add_header(header);
        }
        if request.url() == "/upgrade" {
            let _: Box<dyn ReadWrite + Send> = request.upgrade("websocket", response);
        } else {
            request.respond(response)?;
        }
    }
    Ok(())
}

#[test]
fn rouille_runs_on_this_crate() {
    // `rouille::ReadWrite` is `tiny_http::ReadWrite`, so this compiles only if they are the same crate.
    fn same(socket: Box<dyn rouille::ReadWrite + Send>) -> Box<dyn tiny_http::ReadWrite + Send> {
        socket
    }
    let _ = same;
    for site in Site::both(&Limits::default()) {
        site.is_serving();
        let counters = site.counters();
        assert_eq!((counters.accepted, counters.requests), (1, 1));
    }
}

#[test]
fn https_accepts_pem() {
    let (chain, key) = self_signed();
    let config = SslConfig { certificate: chain.clone().into_bytes(), private_key: key.into_bytes() };
    let server = Server::https("127.0.0.1:0", config).unwrap();
    let address = server.server_addr().to_ip().unwrap();
    let client = std::thread::spawn(move || {
        support::hostile::client::Wire::open(address, Some(trusting(&chain))).unwrap().get("/x?y").unwrap()
    });
    let request = server.recv_timeout(support::hostile::PATIENCE).unwrap().unwrap();
    assert_eq!((request.url(), request.method().as_str()), ("/x?y", "GET"));
    request.respond(Response::empty(204u16)).unwrap();
    assert_eq!(client.join().unwrap().status, 204);
    let broken = SslConfig { certificate: b"no".to_vec(), private_key: Vec::new() };
    assert!(Server::https("127.0.0.1:0", broken).is_err());
}

#[test]
fn settings_apply_only_to_the_configured_server() {
    let limits = Limits { uri_bytes: 10, ..Limits::default() };
    let site = Site::plain(limits);
    let other = Server::http("127.0.0.1:0").unwrap();
    assert_eq!(site.open().get("/json?0123456789").unwrap().status, 414);
    let address = other.server_addr().to_ip().unwrap();
    let client =
        std::thread::spawn(move || support::hostile::client::Wire::open(address, None).unwrap().get("/0123456789"));
    let request = other.recv_timeout(support::hostile::PATIENCE).unwrap().unwrap();
    assert_eq!(request.url(), "/0123456789");
    // Dropped without an answer.
    drop(request);
    assert_eq!(client.join().unwrap().unwrap().status, 500);
}

#[test]
fn dual_stack_server_reports_ipv4_clients_as_ipv4() {
    // Skipped on a machine without IPv6.
    let Ok(server) = Server::http("[::]:0") else { return };
    let port = server.server_addr().to_ip().unwrap().port();
    let ask = |address: &str| {
        let address: SocketAddr = format!("{address}:{port}").parse().unwrap();
        let mut wire = support::hostile::client::Wire::open(address, None).unwrap();
        wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let request = server.recv_timeout(support::hostile::PATIENCE).unwrap().unwrap();
        request.remote_addr().unwrap().ip().to_string()
    };
    assert_eq!(ask("127.0.0.1"), "127.0.0.1");
    assert_eq!(ask("[::1]"), "::1");
}
