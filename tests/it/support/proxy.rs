//! A proxy between a node and its server that stops all traffic when it sees a given text, so that a test can kill
//! something at exactly that point.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};

use super::wait::TIMEOUT;

/// Stop when the node first sends this text.
struct Trap {
    text: String,
    sprung: Sender<()>,
}

#[derive(Default)]
struct Shared {
    trap: Mutex<Option<Trap>>,
    held: Mutex<bool>,
    released: Condvar,
}

pub struct Proxy {
    /// `http://…` of the proxy.
    pub url: String,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts a proxy in front of `target` (`host:port`).
    pub fn before(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let (target, seen) = (target.to_owned(), shared.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // While the server is down, connections are refused as they would be without the proxy.
                let Ok(server) = TcpStream::connect(&target) else { continue };
                let (to_server, to_client) = ((client.try_clone(), server.try_clone()), (server, client));
                let (Ok(from), Ok(to)) = to_server else { continue };
                let shared = seen.clone();
                std::thread::spawn(move || pump(from, to, Some(&shared)));
                std::thread::spawn(move || pump(to_client.0, to_client.1, None));
            }
        });
        Self { url, shared }
    }

    /// Sets the trap. The receiver is notified when it springs; from then on nothing passes until [`Self::release`].
    pub fn stop_at(&self, text: &str) -> Receiver<()> {
        let (sprung, receiver) = channel();
        *self.shared.trap.lock().unwrap() = Some(Trap { text: text.to_owned(), sprung });
        receiver
    }

    /// Resumes the traffic.
    pub fn release(&self) {
        *self.shared.held.lock().unwrap() = false;
        self.shared.released.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.release();
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, watch: Option<&Shared>) {
    let mut buffer = [0; 16 * 1024];
    let mut tail = Vec::new();
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if let Some(shared) = watch {
            tail.extend_from_slice(&buffer[..read]);
            hold_at_trap(shared, &tail);
            let keep = tail.len().saturating_sub(256);
            tail.drain(..keep);
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    // Closing one direction closes both: this protocol needs no half-open connections.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn hold_at_trap(shared: &Shared, bytes: &[u8]) {
    {
        let mut trap = shared.trap.lock().unwrap();
        let springs = trap.as_ref().is_some_and(|trap| contains(bytes, trap.text.as_bytes()));
        if springs && let Some(trap) = trap.take() {
            *shared.held.lock().unwrap() = true;
            let _ = trap.sprung.send(());
        }
    }
    let held = shared.held.lock().unwrap();
    drop(shared.released.wait_timeout_while(held, TIMEOUT, |held| *held).unwrap());
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
