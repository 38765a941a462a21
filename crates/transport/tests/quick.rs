//! Two thread pools on one port: quick requests never wait behind slow ones.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use rouille::{Request, Response};
use std::sync::Arc;
use support::hostile::client::Wire;
use support::hostile::{PATIENCE, eventually};
use support::site::Gate;
use tiny_http::{Handle, Lane, Settings, configure};

const LOCAL: &str = "127.0.0.1:0";

/// Every answer but the quick one waits for the gate.
fn handler(gate: &Arc<Gate>) -> impl Fn(&Request) -> Response + Clone + Send + Sync + 'static {
    let gate = gate.clone();
    move |request| {
        if !is_quick(request.method(), &request.url()) {
            gate.pass();
        }
        Response::text(request.url())
    }
}

fn is_quick(method: &str, url: &str) -> bool {
    method == "GET" && url.starts_with("/quick")
}

fn settings() -> Settings {
    Settings { is_quick, ..Settings::default() }
}

fn begin(handle: &Handle, target: &str) -> Wire {
    let mut wire = Wire::open(handle.address(), None).unwrap();
    wire.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")).unwrap();
    wire
}

#[test]
fn quick_requests_are_answered_while_all_other_threads_are_busy() {
    let gate = Arc::new(Gate::default());
    let (server, handle) = configure(settings(), || rouille::Server::new(LOCAL, handler(&gate)));
    let (server, handle) = (Arc::new(server.unwrap().pool_size(2)), handle.unwrap());
    let quick = handle.quick(|| rouille::Server::new(LOCAL, handler(&gate))).unwrap();
    assert_eq!(quick.server_addr(), server.server_addr());
    let quick = Arc::new(quick.pool_size(1));
    for (lane, server) in [(Lane::Ordinary, server.clone()), (Lane::Quick, quick.clone())] {
        let server = Arc::downgrade(&server);
        handle.on_arrival(lane, move || server.upgrade().unwrap().poll());
    }
    let mut held: Vec<Wire> = (0..5).map(|_| begin(&handle, "/slow")).collect();
    eventually("more than there are threads for", || handle.counters().in_flight == 5);
    for target in ["/quick", "/quick?x=y"] {
        assert_eq!(begin(&handle, target).answer("GET").unwrap().status, 200, "{target}");
    }
    assert_eq!(handle.counters().in_flight, 5);
    gate.open();
    for wire in &mut held {
        assert_eq!(wire.answer("GET").unwrap().text(), "/slow");
    }
    assert!(handle.stop(PATIENCE).is_clean());
    assert!(Wire::open(handle.address(), None).is_err(), "nobody listens");
}

#[test]
fn without_a_quick_server_all_requests_use_the_ordinary_queue() {
    let gate = Arc::new(Gate::default());
    let (server, handle) = configure(settings(), || rouille::Server::new(LOCAL, handler(&gate)));
    let (server, handle) = (server.unwrap().pool_size(1), handle.unwrap());
    let run = std::thread::spawn(move || server.run());
    assert_eq!(begin(&handle, "/quick").answer("GET").unwrap().text(), "/quick");
    assert!(handle.stop(PATIENCE).is_clean());
    run.join().unwrap();
}

#[test]
fn requests_queued_before_on_arrival_are_delivered() {
    let gate = Arc::new(Gate::default());
    let (server, handle) = configure(settings(), || rouille::Server::new(LOCAL, handler(&gate)));
    let (server, handle) = (server.unwrap().pool_size(1), handle.unwrap());
    let mut wires = [begin(&handle, "/quick/1"), begin(&handle, "/quick/2")];
    eventually("both are here", || handle.counters().in_flight == 2);
    handle.on_arrival(Lane::Ordinary, move || server.poll());
    assert_eq!(wires[0].answer("GET").unwrap().text(), "/quick/1");
    assert_eq!(wires[1].answer("GET").unwrap().text(), "/quick/2");
    assert!(handle.stop(PATIENCE).is_clean());
}

#[test]
fn quick_requests_get_503_after_their_server_was_dropped() {
    let gate = Arc::new(Gate::default());
    let (server, handle) = configure(settings(), || rouille::Server::new(LOCAL, handler(&gate)));
    let (server, handle) = (server.unwrap().pool_size(1), handle.unwrap());
    drop(handle.quick(|| rouille::Server::new(LOCAL, handler(&gate))).unwrap());
    handle.on_arrival(Lane::Ordinary, move || server.poll());
    gate.open();
    assert_eq!(begin(&handle, "/quick").answer("GET").unwrap().status, 503);
    assert_eq!(begin(&handle, "/slow").answer("GET").unwrap().text(), "/slow");
    assert!(handle.stop(PATIENCE).is_clean());
}
