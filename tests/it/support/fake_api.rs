//! A server of the public API that answers as a test wants, for clients. It records every request.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::listener::{listen, reply};

/// A response.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("Content-Type", "application/json".into())], body: body.to_string().into() }
    }

    pub fn refusal(status: u16, code: &str) -> Self {
        Self::json(status, &json!({"error": format!("Refused: {code}."), "code": code}))
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

type Script = Vec<(String, VecDeque<Reply>)>;

#[derive(Default)]
struct Shared {
    script: Mutex<Script>,
    requests: Mutex<Vec<String>>,
}

pub struct FakeApi {
    /// `http://127.0.0.1:port`.
    pub url: String,
    shared: Arc<Shared>,
}

impl FakeApi {
    /// A server that knows no request yet: it answers 404.
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let answering = Arc::clone(&shared);
        let address = listen("127.0.0.1", move |mut call, to| {
            call.bytes();
            let request = format!("{} {}", call.method, call.path);
            answering.requests.lock().unwrap().push(request.clone());
            send(to, &answering.next(&request))
        });
        Self { url: format!("http://{address}"), shared }
    }

    /// Answers a request, such as `GET /api/clips/7`, with these replies in turn, then with the last one again.
    pub fn answer(&self, request: &str, replies: impl IntoIterator<Item = Reply>) {
        let mut script = self.shared.script.lock().unwrap();
        script.retain(|(known, _)| known != request);
        script.push((request.to_owned(), replies.into_iter().collect()));
    }

    /// All requests so far, such as `GET /api/clips/7?wait=20`.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Shared {
    /// The reply to exactly this request, else to the same without its query.
    fn next(&self, request: &str) -> Reply {
        let mut script = self.script.lock().unwrap();
        let without_query = request.split('?').next().unwrap_or_default();
        let found =
            [request, without_query].iter().find_map(|wanted| script.iter().position(|(known, _)| known == wanted));
        let Some((_, replies)) = found.and_then(|at| script.get_mut(at)) else {
            return Reply::refusal(404, "not_found");
        };
        if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() }
    }
}

fn send(to: &mut TcpStream, answer: &Reply) -> io::Result<()> {
    let headers: Vec<_> = answer.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    reply(to, answer.status, &headers, &answer.body)
}

/// A job as the API shows it.
pub fn job(id: &str, status: &str) -> Value {
    json!({
        "id": id, "status": status, "stage": null, "progress": 0.0, "queue_position": null, "waiting_because": null,
        "job_type": "metered", "demo_url": "https://demos.lan/x.dem", "steam64_id": "76561197991272318", "round": 2,
        "fps": 30, "resolution": 1080, "commands": {"spec_show_xray": "0", "cl_draw_only_deathnotices": "1"},
        "renderer": "builtin", "metadata": null, "attempts": 0, "created_at": "2026-11-29T03:07:33.304Z",
        "started_at": null, "finished_at": null, "error": null, "clip": null,
    })
}
