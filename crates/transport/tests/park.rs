//! Requests that wait without a thread: woken, over, hung up, at the limit, at shutdown.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use rouille::{Request, Response};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use support::hostile::client::Wire;
use support::hostile::target::trusting;
use support::hostile::{PATIENCE, eventually};
use support::site::{Gate, self_signed};
use tiny_http::{Certificate, Handle, Lane, Limits, Parkings, Settings, Waker, configure};
use tokio_rustls::rustls::ClientConfig;

/// Fewer threads than requests wait.
const POOL: usize = 2;
const PARK: &str = "GET /park HTTP/1.1\r\nHost: x\r\n\r\n";

#[derive(Default)]
struct Shared {
    parkings: OnceLock<Parkings>,
    wakers: Mutex<Vec<Waker>>,
    dropped: AtomicUsize,
    gate: Gate,
}

/// What the handler leaves with a request.
struct Left(Arc<Shared>, &'static str);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, SeqCst);
    }
}

struct Server {
    handle: Handle,
    shared: Arc<Shared>,
    tls: Option<Arc<ClientConfig>>,
    _server: Arc<dyn std::any::Any + Send + Sync>,
}

fn handle_request(request: &Request, shared: &Arc<Shared>) -> Response {
    let parkings = shared.parkings.wait();
    if let Some(resumed) = parkings.resume(|name| request.header(name)) {
        let left = resumed.state.downcast::<Left>().unwrap();
        if !resumed.is_over && request.url() == "/again" && left.1 == "first" {
            return park(shared, "second", PATIENCE);
        }
        return Response::text(format!("{} {}", left.1, if resumed.is_over { "over" } else { "woken" }));
    }
    match request.url().as_str() {
        "/park" | "/again" => park(shared, "first", PATIENCE),
        "/short" => park(shared, "first", Duration::from_millis(20)),
        "/hold" => {
            shared.gate.pass();
            Response::text("held")
        }
        url => Response::text(format!("{url} {:?}", request.header("parked-request"))),
    }
}

fn park(shared: &Arc<Shared>, what: &'static str, time: Duration) -> Response {
    let Some(parking) = shared.parkings.wait().reserve() else { return Response::text("full") };
    shared.wakers.lock().unwrap().push(parking.waker());
    let (name, value) = parking.header(time, Left(shared.clone(), what));
    Response::text("not to be seen").with_additional_header(name, value)
}

impl Server {
    fn start(limits: Limits, secure: bool) -> Server {
        let (mut certificate, mut tls) = (None, None);
        if secure {
            let (chain, key) = self_signed();
            certificate = Some(Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap());
            tls = Some(trusting(&chain));
        }
        let shared = Arc::new(Shared::default());
        let settings = Settings { limits, certificate, ..Settings::default() };
        let handlers = shared.clone();
        let make = || rouille::Server::new("127.0.0.1:0", move |request| handle_request(request, &handlers));
        let (server, handle) = configure(settings, make);
        let (server, handle) = (Arc::new(server.unwrap().pool_size(POOL)), handle.unwrap());
        let fed = Arc::downgrade(&server);
        handle.on_arrival(Lane::Ordinary, move || fed.upgrade().unwrap().poll());
        assert!(shared.parkings.set(handle.parkings()).is_ok());
        Server { handle, shared, tls, _server: server }
    }

    fn both() -> [Server; 2] {
        [false, true].map(|secure| Server::start(Limits::default(), secure))
    }

    fn begin(&self, bytes: &str) -> Wire {
        let mut wire = Wire::open(self.handle.address(), self.tls.clone()).unwrap();
        wire.send(bytes).unwrap();
        wire
    }

    /// Waits until this many requests wait and nothing is in flight.
    fn wait_for_parked(&self, count: u64) {
        eventually("the parked requests", || {
            let counters = self.handle.counters();
            (counters.parked, counters.in_flight) == (count, 0)
        });
    }

    fn wake(&self, number: usize) {
        self.shared.wakers.lock().unwrap()[number].wake();
    }

    fn dropped(&self) -> usize {
        self.shared.dropped.load(SeqCst)
    }
}

#[test]
fn only_the_woken_request_is_handled_again() {
    for server in Server::both() {
        let mut wires: Vec<Wire> = (1..=20)
            .map(|count| {
                let wire = server.begin(PARK);
                server.wait_for_parked(count);
                wire
            })
            .collect();
        let mut other = server.begin("GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(other.answer("GET").unwrap().text(), "/other None", "waiting requests hold no thread");
        server.wake(7);
        let answer = wires[7].answer("GET").unwrap();
        assert_eq!((answer.status, answer.text(), answer.header("parked-request")), (200, "first woken", None));
        server.wait_for_parked(19);
        assert_eq!((server.handle.counters().resumed, server.dropped()), (1, 1));
        // The connection goes on, and a late wake does nothing.
        server.wake(7);
        assert_eq!(wires[7].get("/next").unwrap().text(), "/next None");
        wires[7].send(PARK).unwrap();
        server.wait_for_parked(20);
        server.wake(20);
        assert_eq!(wires[7].answer("GET").unwrap().text(), "first woken");
    }
}

#[test]
fn woken_request_may_be_parked_again() {
    let server = Server::start(Limits { parked: 1, ..Limits::default() }, false);
    let mut wire = server.begin("GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
    server.wait_for_parked(1);
    server.wake(0);
    eventually("the second wait", || server.shared.wakers.lock().unwrap().len() == 2);
    server.wait_for_parked(1);
    server.wake(1);
    assert_eq!(wire.answer("GET").unwrap().text(), "second woken");
    assert_eq!((server.dropped(), server.handle.counters().parked), (2, 0));
}

#[test]
fn request_is_handled_again_when_its_time_is_up() {
    for server in Server::both() {
        assert_eq!(server.begin("GET /short HTTP/1.1\r\nHost: x\r\n\r\n").answer("GET").unwrap().text(), "first over");
        assert_eq!((server.dropped(), server.handle.counters().parked), (1, 0));
    }
}

#[test]
fn bytes_behind_a_parked_request_end_its_wait_and_are_the_next_request() {
    for server in Server::both() {
        let mut wire = server.begin(&format!("{PARK}GET /behind HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(wire.answer("GET").unwrap().text(), "first over");
        assert_eq!(wire.answer("GET").unwrap().text(), "/behind None");
        // Bytes that came behind an earlier request do not count.
        wire.send(PARK).unwrap();
        server.wait_for_parked(1);
        server.wake(1);
        assert_eq!(wire.answer("GET").unwrap().text(), "first woken");
    }
}

#[test]
fn hang_up_ends_a_parked_request_at_once() {
    for server in Server::both() {
        let wires: Vec<Wire> = (0..10).map(|_| server.begin(PARK)).collect();
        server.wait_for_parked(10);
        drop(wires);
        eventually("the program is told", || server.dropped() == 10);
        server.wait_for_parked(0);
        (0..10).for_each(|number| server.wake(number));
        assert_eq!(server.handle.counters().resumed, 0, "nobody handles a request whose client has gone");
        eventually("no connections", || server.handle.counters().open == 0);
    }
}

#[test]
fn request_beyond_the_limit_is_answered_at_once() {
    let server = Server::start(Limits { parked: 3, ..Limits::default() }, false);
    let wires: Vec<Wire> = (0..3).map(|_| server.begin(PARK)).collect();
    server.wait_for_parked(3);
    assert_eq!(server.begin(PARK).answer("GET").unwrap().text(), "full");
    drop(wires);
    server.wait_for_parked(0);
    let _next = server.begin(PARK);
    server.wait_for_parked(1);
}

#[test]
fn shutdown_hands_all_parked_requests_over_at_once() {
    for server in Server::both() {
        let mut wires: Vec<Wire> = (0..50).map(|_| server.begin(PARK)).collect();
        server.wait_for_parked(50);
        let stopped = server.handle.stop(PATIENCE);
        assert!(stopped.is_clean() && stopped.took < PATIENCE / 2, "{stopped:?}");
        for wire in &mut wires {
            assert_eq!(wire.answer("GET").unwrap().text(), "first over");
        }
        assert_eq!((server.dropped(), server.handle.counters().resumed), (50, 50));
    }
}

#[test]
fn client_cannot_say_that_its_request_was_parked() {
    let server = Server::start(Limits::default(), false);
    let mut parked = server.begin(PARK);
    server.wait_for_parked(1);
    for name in ["Parked-Request", "parked-request", "PARKED-REQUEST"] {
        for number in 0..3 {
            let text = format!("GET /forged HTTP/1.1\r\nHost: x\r\n{name}: {number}\r\n{name}: {number}\r\n\r\n");
            assert_eq!(server.begin(&text).answer("GET").unwrap().text(), "/forged None");
        }
    }
    server.wake(0);
    assert_eq!(parked.answer("GET").unwrap().text(), "first woken");
}

#[test]
fn woken_request_is_handled_at_the_limit_of_requests_in_flight() {
    let server = Server::start(Limits { requests_in_flight: 1, ..Limits::default() }, false);
    let mut parked = server.begin(PARK);
    server.wait_for_parked(1);
    let mut held = server.begin("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    eventually("the only place is taken", || server.handle.counters().in_flight == 1);
    assert_eq!(server.begin(PARK).answer("GET").unwrap().status, 503);
    server.wake(0);
    assert_eq!(parked.answer("GET").unwrap().text(), "first woken");
    server.shared.gate.open();
    assert_eq!(held.answer("GET").unwrap().text(), "held");
}

#[test]
fn place_that_is_not_used_is_given_back() {
    let server = Server::start(Limits { parked: 1, ..Limits::default() }, false);
    for _ in 0..3 {
        let place = server.handle.parkings().reserve().unwrap();
        assert!(server.handle.parkings().reserve().is_none());
        drop(place);
    }
    assert_eq!(server.handle.counters().parked, 0);
}
