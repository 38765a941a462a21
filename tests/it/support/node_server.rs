//! A fake of the server's node API: it hands out the given jobs, records what it receives and misbehaves as the test
//! asks.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};

use dinkem_appliance::os::doorbell::Doorbell;
use serde_json::{Value, json};

use super::listener::{Call, listen, reply};
use super::wait::until;

/// The epoch of a server that knows epochs.
const EPOCH: &str = "7f3a9c1e";

/// What a node has sent for one lease.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    /// Stage and progress of every heartbeat.
    pub heartbeats: Vec<(String, f64)>,
    /// The live frames, in base64.
    pub frames: Vec<String>,
    /// The video received so far.
    pub video: Vec<u8>,
    pub poster: Vec<u8>,
    /// The hash it was completed with.
    pub completed: Option<String>,
    /// The failure it ended with.
    pub failed: Option<Value>,
}

/// How the server misbehaves.
#[derive(Debug, Default)]
pub struct Behavior {
    /// Respond to every call about a lease with 409.
    pub revoke_leases: bool,
    /// Respond to every call with this status.
    pub fail_all_with: Option<u16>,
    /// Cut this many video uploads, each after this many bytes.
    pub break_uploads: (u32, u64),
    /// Respond to this many completions with 503 or "being checked", alternating.
    pub busy_completions: u32,
    /// Respond to every completion with 400.
    pub refuse_completions: bool,
    /// How often to beat, in milliseconds.
    pub heartbeat_ms: Option<u64>,
    /// Duration of leases in milliseconds.
    pub lease_ms: u64,
    /// Time limit of a fetch in seconds.
    pub fetch_seconds: u64,
    pub demo: Vec<u8>,
    /// Behave like the next version: add unknown fields to every response.
    pub is_newer: bool,
    /// Behave like an older version, which does not know `node_not_ready`.
    pub is_older: bool,
    /// Say that somebody watches.
    pub is_watched: bool,
    /// Refuse heartbeats with a live frame.
    pub refuse_frames: bool,
}

impl Behavior {
    /// A server without faults.
    pub fn normal() -> Self {
        Self { lease_ms: 600_000, fetch_seconds: 60, ..Self::default() }
    }
}

#[derive(Default)]
struct State {
    claims: VecDeque<Value>,
    leases: Vec<Lease>,
    behavior: Behavior,
    calls: Vec<String>,
}

/// The fake server. Leases are numbered from 1 in the order of [`Self::offer`].
#[derive(Clone)]
pub struct NodeServer {
    pub url: String,
    state: Arc<Mutex<State>>,
    doorbell: Arc<Doorbell>,
}

impl NodeServer {
    pub fn start(behavior: Behavior) -> Self {
        let state = Arc::new(Mutex::new(State { behavior, ..State::default() }));
        let doorbell = Arc::new(Doorbell::default());
        let (shared, doorbell_for_calls) = (state.clone(), doorbell.clone());
        let address = listen("127.0.0.1", move |call, to| answer(&shared, &doorbell_for_calls, call, to));
        Self { url: format!("http://{address}"), state, doorbell }
    }

    /// Offers a job for the demo at this URL, or for the uploaded demo with the hash `uploaded`.
    pub fn offer(&self, demo_url: &str, uploaded: Option<&str>) -> usize {
        let mut state = self.lock();
        state.leases.push(Lease::default());
        let lease = state.leases.len();
        let (expires_in_ms, fetch_seconds) = (state.behavior.lease_ms, state.behavior.fetch_seconds);
        let uploaded = uploaded.map(|sha256| json!({"sha256": sha256, "bytes": state.behavior.demo.len()}));
        let commands = json!({"spec_show_xray": "0", "cl_draw_only_deathnotices": "1"});
        let claim = json!({
            "lease": lease,
            "expires_in_ms": expires_in_ms,
            "heartbeat_ms": state.behavior.heartbeat_ms,
            "job": {
                "id": format!("00000000-0000-7000-8000-{lease:012}"), "status": "rendering", "stage": "fetching",
                "progress": 0.0, "queue_position": null, "waiting_because": null, "job_type": "metered",
                "demo_url": demo_url, "steam64_id": "76561198000000001", "round": 2, "fps": 30, "resolution": 1080,
                "commands": commands, "renderer": "builtin", "metadata": null, "attempts": 1,
                "created_at": "2026-11-23T00:00:00.000Z", "started_at": null, "finished_at": null, "error": null,
                "clip": null,
            },
            "render": {
                "steam64_id": "76561198000000001", "round": 2, "fps": 30, "width": 320, "height": 180,
                "commands": commands,
            },
            "uploaded_demo": uploaded,
            "fetch_policy": {
                "allow": ["127.0.0.1/32"], "max_bytes": 1_000_000, "max_seconds": fetch_seconds, "max_unpacked_bytes": 2_000_000,
            },
        });
        state.claims.push_back(claim);
        drop(state);
        self.doorbell.ring();
        lease
    }

    /// Changes the behavior.
    pub fn change(&self, change: impl FnOnce(&mut Behavior)) {
        change(&mut self.lock().behavior);
    }

    pub fn lease(&self, lease: usize) -> Lease {
        self.lock().leases[lease - 1].clone()
    }

    /// Waits until a lease matches.
    pub fn wait_until(&self, lease: usize, what: &str, matches: impl Fn(&Lease) -> bool) -> Lease {
        until(what, || Some(self.lease(lease)).filter(&matches))
    }

    /// Waits until a lease is completed or has failed.
    pub fn wait_for_end(&self, lease: usize) -> Lease {
        self.wait_until(lease, "the lease to end", |lease| lease.completed.is_some() || lease.failed.is_some())
    }

    /// Method and path of every call so far.
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn answer(state: &Mutex<State>, doorbell: &Doorbell, mut call: Call, to: &mut TcpStream) -> io::Result<()> {
    let call_line = format!("{} {}", call.method, call.path);
    let fail_all_with = {
        let mut state = state.lock().unwrap();
        state.calls.push(call_line.clone());
        state.behavior.fail_all_with
    };
    if let Some(status) = fail_all_with {
        call.bytes();
        return reply(to, status, &[], b"<html>a proxy's own page</html>");
    }
    assert_eq!(call.header("authorization"), Some("Bearer node-key"), "{call_line}");
    assert_eq!(call.header("dinkem-protocol"), Some("6"), "{call_line}");
    assert!(call.header("dinkem-instance").is_some_and(|id| id.len() == 32), "{call_line}");
    if call_line == "POST /api/node/leave" {
        call.bytes();
        return reply(to, 200, &[], b"{}");
    }
    if call_line == "POST /api/node/claims" {
        let asked: Value = serde_json::from_slice(&call.bytes()).unwrap();
        assert_eq!(asked["renderers"], json!(["builtin"]));
        return claim(state, doorbell, asked["wait_seconds"].as_u64().unwrap(), to);
    }
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let mut segments = path.strip_prefix("/api/node/leases/").unwrap().split('/').map(str::to_owned);
    let name = segments.next().unwrap();
    // A server of an older version knows no epochs: its leases are numbers.
    let is_newer = state.lock().unwrap().behavior.is_newer;
    let number = if is_newer { name.strip_prefix(EPOCH).unwrap().strip_prefix('-').unwrap() } else { &name };
    let lease = number.parse::<usize>().unwrap() - 1;
    let what = segments.next().unwrap_or_default();
    let offset = query.strip_prefix("offset=").and_then(|offset| offset.parse().ok());
    match what.as_str() {
        "video" => video(state, lease, offset.unwrap(), &mut call, to),
        "demo" => {
            let demo = state.lock().unwrap().behavior.demo.clone();
            reply(to, 200, &[], &demo)
        }
        _ => {
            let body = call.bytes();
            let mut state = state.lock().unwrap();
            let (status, mut body) = handle_lease_call(&mut state, lease, &what, body);
            add_unknown_fields(&mut body, state.behavior.is_newer);
            drop(state);
            reply(to, status, &[], body.to_string().as_bytes())
        }
    }
}

fn claim(state: &Mutex<State>, doorbell: &Doorbell, wait_seconds: u64, to: &mut TcpStream) -> io::Result<()> {
    let mut seen = doorbell.rings();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(wait_seconds);
    loop {
        let claim = state.lock().unwrap().claims.pop_front();
        if let Some(mut claim) = claim {
            let is_newer = state.lock().unwrap().behavior.is_newer;
            add_unknown_fields(&mut claim, is_newer);
            if is_newer {
                claim["lease"] = format!("{EPOCH}-{}", claim["lease"]).into();
            }
            return reply(to, 200, &[], claim.to_string().as_bytes());
        }
        if !doorbell.wait_past(seen, deadline.saturating_duration_since(std::time::Instant::now())) {
            return reply(to, 204, &[], b"");
        }
        seen = doorbell.rings();
    }
}

fn video(state: &Mutex<State>, lease: usize, offset: usize, call: &mut Call, to: &mut TcpStream) -> io::Result<()> {
    if state.lock().unwrap().behavior.revoke_leases {
        call.bytes();
        return reply(to, 409, &[], json!({"error": "No.", "code": "lost"}).to_string().as_bytes());
    }
    let (has, keep, is_newer) = {
        let mut state = state.lock().unwrap();
        let keep = (state.behavior.break_uploads.0 > 0 && call.header("content-length") != Some("0")).then(|| {
            state.behavior.break_uploads.0 -= 1;
            state.behavior.break_uploads.1
        });
        (state.leases[lease].video.len(), keep, state.behavior.is_newer)
    };
    if offset != has {
        return reply(
            to,
            409,
            &[],
            json!({"error": "No.", "code": "wrong_offset", "offset": has}).to_string().as_bytes(),
        );
    }
    let mut body = Vec::new();
    call.body().take(keep.unwrap_or(u64::MAX)).read_to_end(&mut body)?;
    let video = &mut state.lock().unwrap().leases[lease].video;
    video.extend(body);
    match keep {
        Some(_) => Ok(()),
        None => {
            let mut answer = json!({"bytes": video.len()});
            add_unknown_fields(&mut answer, is_newer);
            reply(to, 200, &[], answer.to_string().as_bytes())
        }
    }
}

/// Adds an unknown field to every object.
fn add_unknown_fields(answer: &mut Value, is_newer: bool) {
    if let (Value::Object(members), true) = (answer, is_newer) {
        members.values_mut().for_each(|member| add_unknown_fields(member, is_newer));
        members.insert("of_the_next_version".into(), json!({"list": [1, 2, 3]}));
    }
}

fn handle_lease_call(state: &mut State, lease: usize, what: &str, body: Vec<u8>) -> (u16, Value) {
    let State { leases, behavior, .. } = state;
    let lease = &mut leases[lease];
    let read = || serde_json::from_slice::<Value>(&body).unwrap();
    match what {
        _ if behavior.revoke_leases => (409, json!({"error": "No.", "code": "lost"})),
        "" => {
            let beat = read();
            if let Some(frame) = beat.get("frame") {
                lease.frames.push(frame.as_str().unwrap().into());
                if behavior.refuse_frames {
                    return (413, json!({"error": "The body may have at most 1024 bytes.", "code": "body_too_large"}));
                }
            }
            lease.heartbeats.push((beat["stage"].as_str().unwrap().into(), beat["progress"].as_f64().unwrap()));
            let mut answer = json!({"expires_in_ms": behavior.lease_ms});
            if behavior.is_watched {
                answer["watched"] = true.into();
            }
            if let Some(every) = behavior.heartbeat_ms {
                answer["heartbeat_ms"] = every.into();
            }
            (200, answer)
        }
        "poster" => {
            lease.poster = body;
            (200, json!({"bytes": lease.poster.len()}))
        }
        "complete" if behavior.busy_completions > 0 => {
            behavior.busy_completions -= 1;
            match behavior.busy_completions % 2 {
                0 => (503, json!({"error": "Stopping."})),
                _ => (409, json!({"error": "Being checked.", "code": "completing"})),
            }
        }
        "complete" if behavior.refuse_completions => (400, json!({"error": "It is blue.", "code": "video_mismatch"})),
        "complete" => {
            lease.completed = Some(read()["video_sha256"].as_str().unwrap().into());
            (200, json!({}))
        }
        "fail" if behavior.is_older && read()["code"] == "node_not_ready" => {
            (400, json!({"error": "code must be one of the failure codes", "field": "code"}))
        }
        "fail" => {
            lease.failed = Some(read());
            (200, json!({}))
        }
        other => panic!("no such route: {other}"),
    }
}
