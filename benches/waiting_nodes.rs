//! How fast a job reaches one of many waiting nodes: `cargo bench --bench waiting_nodes [-- NODES…]`.
//!
//! The real binary over plain HTTP on loopback, with 10, 1,000 and 10,000 nodes, each with one waiting claim on a
//! connection of its own. A client submits one job after another, each as soon as the last was claimed; the node that
//! gets it reports a failure and waits again. Shown are the time from sending the job to receiving the claim, the
//! server's processor time for each job (all four requests; what it needs while nothing happens is shown apart and not
//! counted), how many claims each job woke, and the server's memory.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark prints its results and panics on errors"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dinkem_appliance::app::{App, Settings, accounts, nodes};
use dinkem_appliance::domain::operator::Operator;
use dinkem_appliance::os::clock::{SystemClock, pause};
use dinkem_appliance::os::random::SystemRandom;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Nodes, unless others are wanted.
const NODES: [usize; 3] = [10, 1_000, 10_000];
/// Jobs of each measurement.
const JOBS: usize = 500;
/// Jobs before it.
const WARM_UP: usize = 50;
/// How long the server is watched while nothing happens.
const IDLE: Duration = Duration::from_secs(5);
/// Poll interval for the port file and the number of waiting claims.
const LOOK: Duration = Duration::from_millis(20);
/// Threads that let nodes join.
const JOINERS: usize = 32;
/// Ticks of a processor's time in `/proc`, per second.
const TICKS: f64 = 100.0;

fn main() {
    let wanted: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let wanted = if wanted.is_empty() { NODES.to_vec() } else { wanted };
    println!("{JOBS} jobs, one after another");
    println!("  nodes   p50 ms   p95 ms   processor ms a job   woken a job   idle %   memory MiB");
    for count in wanted {
        // In the target directory, because `/tmp` may be a tmpfs, where syncs are free.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let keys = prepare(&dir.path().join("data"), count);
        let server = Server::start(dir.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let found = runtime.block_on(measure(&server, keys));
        let Found { mut times, processor, idle, woken, memory } = found;
        times.sort();
        let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e3;
        println!(
            "{count:7} {:8.2} {:8.2} {:20.2} {woken:13.2} {:8.1} {memory:12.0}",
            at(50),
            at(95),
            processor * 1e3,
            idle * 100.0
        );
    }
}

struct Keys {
    client: String,
    nodes: Vec<String>,
}

/// An account and nodes, in a new data directory.
fn prepare(dir: &Path, count: usize) -> Keys {
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
    let app = App::serve(dir, Settings::default(), clock, random).unwrap();
    let operator = Operator::named("bench");
    let (_, keys) = accounts::create(&app, &operator, "studio", true).unwrap();
    accounts::activate(&app, &operator, Some("studio")).unwrap();
    let join = |number: usize| {
        let token = nodes::token(&app, &operator).unwrap();
        let joined = nodes::join(&app, &token, &format!("node-{number}")).unwrap();
        joined.key.reveal().to_owned()
    };
    let nodes = std::thread::scope(|scope| {
        let part = |first: usize| (first..count).step_by(JOINERS).map(join).collect::<Vec<_>>();
        let threads: Vec<_> = (0..JOINERS).map(|first| scope.spawn(move || part(first))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    Keys { client: keys.metered.unwrap().reveal().to_owned(), nodes }
}

struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(dir: &Path) -> Self {
        let (port, log) = (dir.join("port"), std::fs::File::create(dir.join("log")).unwrap());
        let process = Command::new(env!("CARGO_BIN_EXE_dinkem-appliance"))
            .args(["serve", "--plain-http", "loopback", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir.join("data"))
            .arg("--port-file")
            .arg(&port)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let address = loop {
            let text = std::fs::read_to_string(&port).unwrap_or_default();
            if let Ok(address) = text.trim().parse() {
                break address;
            }
            pause(LOOK);
        };
        Self { process, address }
    }

    /// Seconds of processor time so far.
    fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
    }

    /// Resident memory in MiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

struct Found {
    times: Vec<Duration>,
    /// Seconds a job.
    processor: f64,
    /// The part of one processor.
    idle: f64,
    woken: f64,
    memory: f64,
}

async fn measure(server: &Server, keys: Keys) -> Found {
    let count = keys.nodes.len();
    let (claimed, mut claims) = mpsc::unbounded_channel();
    for key in keys.nodes {
        let wire = Wire::open(server.address).await;
        tokio::spawn(wait_for_jobs(wire, key, claimed.clone()));
    }
    let mut wire = Wire::open(server.address).await;
    while wire.metric("dinkem_claims_waiting").await < count as f64 {
        tokio::time::sleep(LOOK).await;
    }
    let mut submit = async |jobs: usize, wire: &mut Wire| {
        let mut times = Vec::new();
        for _ in 0..jobs {
            let job = json!({
                "demo_url": "https://example.com/match.dem", "steam64_id": "76561198000000000", "round": 1, "fps": 30,
                "resolution": 1080, "commands": {"spec_show_xray": "0", "cl_draw_only_deathnotices": "1"}
            });
            let begin = Instant::now();
            let (status, answer) = wire.ask("POST", "/api/clips", &keys.client, &job).await;
            assert_eq!(status, 202, "{answer}");
            let at: Instant = claims.recv().await.unwrap();
            times.push(at - begin);
        }
        times
    };
    submit(WARM_UP, &mut wire).await;
    while wire.metric("dinkem_claims_waiting").await < count as f64 {
        tokio::time::sleep(LOOK).await;
    }
    let before = server.processor();
    tokio::time::sleep(IDLE).await;
    let idle = (server.processor() - before) / IDLE.as_secs_f64();
    let woken = wire.metric("dinkem_claims_woken_total").await;
    let (before, begin) = (server.processor(), Instant::now());
    let times = submit(JOBS, &mut wire).await;
    let used = server.processor() - before - idle * begin.elapsed().as_secs_f64();
    let woken = wire.metric("dinkem_claims_woken_total").await - woken;
    Found { times, processor: used / JOBS as f64, idle, woken: woken / JOBS as f64, memory: server.memory() }
}

/// One node: claims, gives each job up at once, and claims again.
async fn wait_for_jobs(mut wire: Wire, key: String, claimed: mpsc::UnboundedSender<Instant>) {
    let claim = json!({"wait_seconds": 25, "renderers": ["builtin"], "slots": 1});
    let failure = json!({"code": "render_failed", "message": "x", "retry": "never"});
    loop {
        let (status, answer) = wire.ask("POST", "/api/node/claims", &key, &claim).await;
        match status {
            200 => {
                let _over = claimed.send(Instant::now());
                let path = format!("/api/node/leases/{}/fail", answer["lease"]);
                assert_eq!(wire.ask("POST", &path, &key, &failure).await.0, 200);
            }
            204 => {}
            status => panic!("{status}: {answer}"),
        }
    }
}

/// One connection, one request at a time.
struct Wire(TcpStream);

impl Wire {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends a request; status and body.
    async fn ask(&mut self, method: &str, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let (status, body) = self.send(method, path, key, &body.to_string()).await;
        (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
    }

    async fn metric(&mut self, name: &str) -> f64 {
        let (_, page) = self.send("GET", "/metrics", "", "").await;
        let page = String::from_utf8(page).unwrap();
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in {page}")).parse().unwrap()
    }

    async fn send(&mut self, method: &str, path: &str, key: &str, body: &str) -> (u16, Vec<u8>) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
        if !key.is_empty() {
            head += &format!("Authorization: Bearer {key}\r\n");
        }
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        self.0.write_all(request.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        loop {
            let end = all.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8_lossy(&all[..end]).to_ascii_lowercase();
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
                let length = length.map_or(0, |length| length.trim().parse::<usize>().unwrap());
                if all.len() >= end + 4 + length {
                    return (status, all.split_off(end + 4));
                }
            }
            assert!(self.0.read_buf(&mut all).await.unwrap() > 0, "the server hung up on {method} {path}");
        }
    }
}
