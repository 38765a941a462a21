//! Uploads and downloads of 1 GB files, as nodes and clients perform them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use dinkem_appliance::os::clock::{Clock, SystemClock};
use dinkem_appliance::wire::join_token::JoinTicket;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::clip::write_video;
use super::server::Server;

/// Size of each file.
const BYTES: usize = 1 << 30;
/// Chunk size in bytes.
const PIECE: usize = 1 << 20;

/// Duration of each transfer in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// `PUT /api/node/leases/{lease}/video`.
    pub video_up: f64,
    /// `GET /clips/{token}.mp4`.
    pub clip_down: f64,
    /// `POST /api/demos`.
    pub demo_up: f64,
}

/// Throughput in bytes per second.
pub fn megabytes_per_second(seconds: f64) -> f64 {
    BYTES as f64 / 1e6 / seconds
}

/// A server with a simulated node.
pub struct Studio<'s> {
    server: &'s Server,
    node: String,
    video: Vec<u8>,
    clock: SystemClock,
}

impl<'s> Studio<'s> {
    /// Joins the server as a node.
    pub fn of(server: &'s Server) -> Self {
        let token = server.admin(&["nodes", "token"])["join_token"].as_str().expect("a token").to_owned();
        let secret = JoinTicket::decode(&token).expect("a good token").secret;
        let mut studio = Self { server, node: String::new(), video: video(), clock: SystemClock::new() };
        let joined = studio.call("POST", "/api/node/join", "", &json!({"join_token": secret, "name": "node"}));
        studio.node = joined["node_key"].as_str().expect("a key").to_owned();
        studio
    }

    /// Takes a clip from submission to download, and uploads a demo.
    pub fn round(&self) -> Times {
        let key = &self.server.key;
        let id = self.call("POST", "/api/clips", key, &super::job())["id"].as_str().expect("an id").to_owned();
        let wanted = json!({"wait_seconds": 0, "renderers": ["builtin"], "slots": 1});
        let lease = &self.call("POST", "/api/node/claims", &self.node, &wanted)["lease"];
        let (video_up, _) = self.send("PUT", &format!("/api/node/leases/{lease}/video?offset=0"), &self.node, b"");
        let sha256: String = Sha256::digest(&self.video).iter().map(|byte| format!("{byte:02x}")).collect();
        let complete = format!("/api/node/leases/{lease}/complete");
        self.call("POST", &complete, &self.node, &json!({"video_sha256": sha256}));
        let job = self.call("GET", &format!("/api/clips/{id}"), key, &Value::Null);
        let url = job["clip"]["url"].as_str().expect("a clip").to_owned();
        let path = url.splitn(4, '/').nth(3).expect("a path");
        let clip_down = self.download(&format!("/{path}"));
        let (demo_up, _) = self.send("POST", "/api/demos", key, b"PBDEMS2\0");
        Times { video_up: video_up.as_secs_f64(), clip_down: clip_down.as_secs_f64(), demo_up: demo_up.as_secs_f64() }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.address).expect("the server listens")
    }

    fn head(&self, method: &str, path: &str, key: &str, bytes: usize) -> String {
        super::head(method, path, key) + &format!("Connection: close\r\nContent-Length: {bytes}\r\n\r\n")
    }

    /// A small request that must succeed.
    fn call(&self, method: &str, path: &str, key: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut socket = self.connect();
        let head = self.head(method, path, key, body.len());
        socket.write_all((head + &body).as_bytes()).expect("the server reads");
        answer(socket)
    }

    /// Sends these bytes and then the video; returns the time until the response.
    fn send(&self, method: &str, path: &str, key: &str, beginning: &[u8]) -> (Duration, Value) {
        let mut socket = self.connect();
        let begin = self.clock.monotonic();
        let head = self.head(method, path, key, beginning.len() + self.video.len());
        socket.write_all(&[head.as_bytes(), beginning].concat()).expect("the server reads");
        self.video.chunks(PIECE).for_each(|piece| socket.write_all(piece).expect("the server reads on"));
        let answer = answer(socket);
        (self.clock.monotonic() - begin, answer)
    }

    /// Downloads a file completely; returns the duration.
    fn download(&self, path: &str) -> Duration {
        let mut socket = self.connect();
        let begin = self.clock.monotonic();
        socket.write_all(self.head("GET", path, "", 0).as_bytes()).expect("the server reads");
        let (mut piece, mut taken) = (vec![0; PIECE], 0);
        loop {
            let count = socket.read(&mut piece).expect("the server sends");
            if count == 0 {
                break;
            }
            taken += count;
        }
        assert!(taken > BYTES, "{taken} bytes of {BYTES}");
        self.clock.monotonic() - begin
    }
}

fn answer(mut socket: TcpStream) -> Value {
    let mut text = String::new();
    socket.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
    assert!(head.starts_with("HTTP/1.1 20"), "{text}");
    serde_json::from_str(body).expect("JSON")
}

/// A valid video, padded with a box that players ignore.
fn video() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a scratch directory");
    let path = folder.path().join("clip.mp4");
    write_video(&path, 1920, 1080, 30);
    let mut video = std::fs::read(path).expect("the video");
    let filler = u32::try_from(BYTES - video.len()).expect("a box of 32 bits");
    video.extend(filler.to_be_bytes());
    video.extend(b"free");
    video.resize(BYTES, 0);
    video
}
