//! A small HTTP listener on this machine's loopback address, for programs that report to this one.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rouille::{Response, Server};

/// Bytes of one report: 256 KiB.
const REPORT_BYTES: u64 = 256 << 10;
/// How often to look whether the listener is to end.
const TICK: Duration = Duration::from_millis(100);

/// Receives the bodies of POST requests until dropped.
pub struct Listener {
    port: u16,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens on a free port; calls `take` with each body, on the listener's own thread.
    pub fn start(take: impl Fn(&[u8]) + Send + Sync + 'static) -> io::Result<Self> {
        let answer = move |request: &rouille::Request| {
            let mut body = Vec::new();
            let read = request.data().map(|data| data.take(REPORT_BYTES).read_to_end(&mut body));
            if request.method() == "POST" && matches!(read, Some(Ok(_))) {
                take(&body);
            }
            Response::text("")
        };
        let server = Server::new("127.0.0.1:0", answer).map_err(io::Error::other)?;
        let port = server.server_addr().port();
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let work = move || {
            while !seen.load(Ordering::SeqCst) {
                server.poll_timeout(TICK);
            }
        };
        let thread = std::thread::Builder::new().name("loopback".into()).spawn(work)?;
        Ok(Self { port, over, thread: Some(thread) })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // It only ends by a panic otherwise, which is logged.
            let _ = thread.join();
        }
    }
}
