//! A rouille server on this crate, with the handlers that the tests need.

use super::hostile::client::{Answer, Wire};
use super::hostile::target::{Target, trusting};
use super::hostile::{PATIENCE, eventually};
use rouille::{Request, Response, ResponseBody};
use std::io::{self, Cursor, ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tiny_http::{Certificate, Counters, Handle, Limits, Settings, configure};
use tokio_rustls::rustls::ClientConfig;

/// More than the limit on uploads, so that a healthy request always finds a thread.
pub const POOL: usize = 96;

/// Handlers of `/wait` wait here.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }

    pub fn pass(&self) {
        let guard = self.open.lock().unwrap();
        drop(self.changed.wait_timeout_while(guard, PATIENCE, |open| !*open).unwrap());
    }
}

pub struct Site {
    pub handle: Handle,
    pub address: SocketAddr,
    pub gate: Arc<Gate>,
    pub tls: Option<Arc<ClientConfig>>,
    pub certificate: Option<Certificate>,
    run: Option<JoinHandle<()>>,
}

/// A self-signed certificate for `localhost`, and its key.
pub fn self_signed() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

impl Site {
    pub fn plain(limits: Limits) -> Site {
        Site::start(Settings { limits, ..Settings::default() }, None)
    }

    pub fn tls(limits: Limits) -> Site {
        let (chain, key) = self_signed();
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let settings = Settings { limits, certificate: Some(certificate.clone()), ..Settings::default() };
        let mut site = Site::start(settings, Some(trusting(&chain)));
        site.certificate = Some(certificate);
        site
    }

    /// Both kinds, for tests that apply to either.
    pub fn both(limits: &Limits) -> [Site; 2] {
        [Site::plain(limits.clone()), Site::tls(limits.clone())]
    }

    pub fn start(settings: Settings, tls: Option<Arc<ClientConfig>>) -> Site {
        let gate = Arc::new(Gate::default());
        let handlers = gate.clone();
        let local = (Ipv4Addr::LOCALHOST, 0);
        let (server, handle) =
            configure(settings, || rouille::Server::new(local, move |request| handle_request(request, &handlers)));
        let server = server.unwrap().pool_size(POOL);
        let handle = handle.unwrap();
        let address = server.server_addr();
        assert_eq!(address, handle.address());
        let run = std::thread::spawn(move || server.run());
        Site { handle, address, gate, tls, certificate: None, run: Some(run) }
    }

    pub fn open(&self) -> Wire {
        Wire::open(self.address, self.tls.clone()).unwrap()
    }

    /// Without TLS, even if the site expects it.
    pub fn open_tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// One request on a connection of its own.
    pub fn ask(&self, bytes: impl AsRef<[u8]>) -> Option<Answer> {
        let mut wire = self.open();
        wire.send(bytes).ok()?;
        wire.answer("GET")
    }

    pub fn counters(&self) -> Counters {
        self.handle.counters()
    }

    pub fn is_serving(&self) {
        let answer = self.open().get("/json").expect("an answer");
        assert_eq!((answer.status, answer.text()), (200, r#"{"ok":true}"#));
    }

    /// Waits until nothing is left of an attack.
    pub fn is_empty(&self) {
        eventually("no connection and nothing in flight", || {
            let counters = self.counters();
            counters.open == 0 && counters.in_flight == 0 && counters.uploads == 0
        });
    }

    /// The site as the target of an attack.
    pub fn target(&self) -> Target {
        Target {
            address: self.address,
            tls: self.tls.clone(),
            authorization: String::new(),
            small: "/json".into(),
            upload: "/echo".into(),
            uploaded: 200,
            refusing: "/ignore".into(),
            download: "/sized?n=20000000".into(),
        }
    }

    pub fn stop(&mut self, deadline: Duration) -> tiny_http::Stopped {
        let stopped = self.handle.stop(deadline);
        if let (true, Some(run)) = (stopped.is_clean(), self.run.take()) {
            run.join().unwrap();
        }
        stopped
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.gate.open();
        self.stop(Duration::from_secs(5));
    }
}

/// Yields some bytes, then fails like a disk.
struct FailsAfter(usize);

impl Read for FailsAfter {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the disk died"));
        }
        let count = buf.len().min(self.0);
        buf[..count].fill(b'x');
        self.0 -= count;
        Ok(count)
    }
}

/// Maximum size of a generated body: a mutated request may ask for any number, and the client here buffers it all.
const MOST: usize = 50_000_000;

fn number(request: &Request, name: &str) -> usize {
    request.get_param(name).and_then(|value| value.parse().ok()).unwrap_or(0).min(MOST)
}

fn with_body(data: ResponseBody) -> Response {
    Response { status_code: 200, headers: Vec::new(), data, upgrade: None }
}

fn handle_request(request: &Request, gate: &Gate) -> Response {
    let (n, at) = (number(request, "n"), number(request, "at"));
    match request.url().as_str() {
        "/json" => Response::from_data("application/json", r#"{"ok":true}"#),
        "/sized" => with_body(ResponseBody::from_reader_and_size(io::repeat(b's').take(n as u64), n)),
        "/unsized" => with_body(ResponseBody::from_reader(io::repeat(b'u').take(n as u64))),
        "/fails" => with_body(ResponseBody::from_reader_and_size(FailsAfter(at), n)),
        "/fails-unsized" => with_body(ResponseBody::from_reader(FailsAfter(at))),
        "/short" => with_body(ResponseBody::from_reader_and_size(Cursor::new(vec![b'x'; at]), n)),
        "/ignore" => Response::text("no").with_status_code(401),
        "/peek" => {
            let read = request.data().unwrap().read(&mut [0; 4]);
            Response::text(format!("{read:?}")).with_status_code(400)
        }
        "/echo" => echo(request),
        "/wait" => {
            gate.pass();
            Response::text("waited")
        }
        "/who" => {
            let length = request.header("content-length");
            Response::text(format!("{} {:?} {:?}", request.remote_addr().ip(), request.header("x-a"), length))
        }
        "/panic" => panic!("a bug in a handler"),
        "/upgrade" => rouille::websocket::start::<String>(request, None).map_or_else(
            |error| Response::text(error.to_string()).with_status_code(400),
            |(response, socket)| {
                std::thread::spawn(move || {
                    let mut socket = socket.recv().unwrap();
                    while let Some(rouille::websocket::Message::Text(text)) = socket.next() {
                        socket.send_text(&format!("echo {text}")).unwrap();
                    }
                });
                response
            },
        ),
        "/inject" => Response::text("x").with_additional_header("X-A", request.get_param("v").unwrap()),
        "/nothing" => Response::empty_204(),
        other => Response::text(format!("{} {other}", request.method())).with_status_code(404),
    }
}

/// The number of bytes received, or the error that ended the body.
fn echo(request: &Request) -> Response {
    let mut body = request.data().unwrap();
    let mut count = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Response::text(count.to_string()),
            Ok(read) => count += read,
            Err(error) => {
                let status = if error.kind() == ErrorKind::TimedOut { 408 } else { 400 };
                return Response::text(format!("{:?} after {count}", error.kind())).with_status_code(status);
            }
        }
    }
}
