//! A webhook's receiver: records each event and answers as the test says.

use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::listener::{Call, listen, reply, wait_for_disconnect};

/// A received event.
#[derive(Clone, Debug)]
pub struct Received {
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub timestamp: i64,
    /// The signatures in `webhook-signature`.
    pub signatures: Vec<String>,
    pub path: String,
    pub body: Value,
}

/// How to answer.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// With this status.
    Status(u16),
    /// With this status and a body of so many bytes.
    Long(u16, usize),
    /// Never.
    Hang,
}

/// A receiver on a loopback port that lives as long as the test process.
pub struct Receiver {
    address: String,
    seen: Arc<Mutex<Vec<Received>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Receiver {
    pub fn start() -> Self {
        let seen: Arc<Mutex<Vec<Received>>> = Arc::default();
        let answer = Arc::new(Mutex::new(Answer::Status(204)));
        let (record, how) = (seen.clone(), answer.clone());
        let address = listen("127.0.0.1", move |mut call, to| {
            let how = *how.lock().unwrap();
            // A sender that is killed leaves half a request behind: such an event has not been received.
            if let Some(event) = received(&mut call) {
                record.lock().unwrap().push(event);
            }
            respond(to, how)
        });
        Self { address, seen, answer }
    }

    /// Its URL with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers like this from now on.
    pub fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// All events received so far.
    pub fn seen(&self) -> Vec<Received> {
        self.seen.lock().unwrap().clone()
    }

    /// The types of all events received so far.
    pub fn types(&self) -> Vec<String> {
        self.seen().iter().map(|event| event.body["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// The event, or `None` if its sender ended before its last byte.
fn received(call: &mut Call) -> Option<Received> {
    let whole: usize = call.header("content-length")?.parse().unwrap();
    let body = call.bytes();
    if body.len() < whole {
        return None;
    }
    let header = |name: &str| call.header(name).unwrap_or_default().to_owned();
    Some(Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap(),
        signatures: header("webhook-signature").split(' ').map(str::to_owned).collect(),
        path: call.path.clone(),
        body: serde_json::from_slice(&body).unwrap(),
    })
}

fn respond(to: &mut TcpStream, how: Answer) -> io::Result<()> {
    match how {
        Answer::Status(status @ 300..=399) => reply(to, status, &[("Location", "/elsewhere")], b""),
        Answer::Status(status) => reply(to, status, &[], b""),
        Answer::Long(status, bytes) => reply(to, status, &[], &vec![b'x'; bytes]),
        Answer::Hang => wait_for_disconnect(to),
    }
}
