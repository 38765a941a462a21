//! Graceful shutdown: acknowledged jobs are kept, waiting claims are answered, hanging requests are aborted.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::appliance::good_job;
use crate::support::client::{Answer, Request, connect};
use crate::support::process::Appliance;
use crate::support::wait::until;

const CLIENTS: usize = 8;
/// Number of jobs acknowledged before and after each restart.
const JOBS_UNDER_LOAD: usize = 50;

/// Connects; `None` while the server is restarting.
fn try_connect(address: &str) -> Option<TcpStream> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    Some(stream)
}

/// Submits a job; its id, or `None` if it must be retried.
fn submit(address: &str, key: &str) -> Option<String> {
    let mut stream = try_connect(address)?;
    stream.write_all(&Request::post("/api/clips").key(key).json(good_job().to_string()).bytes()).ok()?;
    let answer = Answer::try_read(stream)?;
    assert!([202, 503].contains(&answer.status), "{}", answer.text());
    (answer.status == 202).then(|| answer.json()["id"].as_str().unwrap().to_owned())
}

fn node_key(appliance: &Appliance) -> String {
    let token = appliance.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
    let secret = dinkem_appliance::wire::join_token::JoinTicket::decode(&token).unwrap().secret;
    let body = json!({"join_token": secret, "name": "n1"}).to_string();
    let answer = Request::post("/api/node/join").json(body).send(appliance.address.parse().unwrap()).expect(201);
    answer.json()["node_key"].as_str().unwrap().to_owned()
}

fn claim(wait_seconds: u64, key: &str) -> Request {
    let body = json!({"wait_seconds": wait_seconds, "renderers": ["builtin"], "slots": 64}).to_string();
    Request::post("/api/node/claims").key(key).json(body)
}

#[test]
fn restart_under_load_loses_no_acknowledged_job() {
    let mut appliance = Appliance::start_plain(&[]);
    let key = appliance.account("studio");
    let (acknowledged, done) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let count = || acknowledged.lock().unwrap().len();
    let address = appliance.address.clone();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    if let Some(id) = submit(&address, &key) {
                        acknowledged.lock().unwrap().push(id);
                    }
                }
            });
        }
        for _ in 0..2 {
            let before = count();
            until("enough acknowledged jobs", || (count() >= before + JOBS_UNDER_LOAD).then_some(()));
            appliance.server().signal("TERM");
            let (status, log) = appliance.server().wait();
            assert!(status.success(), "{status}: {}", log.join("\n"));
            assert_eq!(log.last().map(String::as_str), Some("Stopped."));
            appliance.restart();
        }
        let before = count();
        until("enough acknowledged jobs after the restarts", || (count() >= before + JOBS_UNDER_LOAD).then_some(()));
        done.store(true, Ordering::SeqCst);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    for id in &acknowledged {
        assert_eq!(appliance.job(&key, id)["status"], "queued");
    }
    // No id is acknowledged twice.
    let mut ids = acknowledged.clone();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), acknowledged.len());
}

#[test]
fn waiting_claim_is_told_to_retry_and_lease_survives_the_restart() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut appliance = Appliance::start_plain(&["--lease-seconds", "600"]);
        let (key, node) = (appliance.account("studio"), node_key(&appliance));
        let address = appliance.address.parse().unwrap();
        appliance.submit(&key, &good_job());
        let lease = claim(0, &node).send(address).expect(200).json()["lease"].clone();

        let mut waiting = connect(address);
        waiting.write_all(&claim(25, &node).bytes()).unwrap();
        // Once this request is answered, the server has also received the claim before it.
        Request::get("/healthz").send(address).expect(200);
        appliance.server().signal(signal);
        let actual = Answer::read(waiting, false).expect(503);
        assert_eq!((actual.json()["code"].as_str(), actual.header("Retry-After")), (Some("stopping"), Some("5")));
        let (status, log) = appliance.server().wait();
        assert!(status.success(), "{signal}: {status}: {}", log.join("\n"));

        appliance.restart();
        let beat = Request::put(&format!("/api/node/leases/{lease}")).key(&node);
        let beat = beat.json(r#"{"stage":"rendering","progress":0.5}"#).send(address).expect(200).json();
        assert_eq!(beat, json!({"expires_in_ms": 600_000, "heartbeat_ms": 200_000}), "{signal}");
    }
}

/// Starts an upload that does not finish.
fn unfinished_upload(appliance: &Appliance, key: &str) -> TcpStream {
    let address = appliance.address.parse().unwrap();
    let mut upload = connect(address);
    let head = Request::post("/api/demos").key(key).no_length().header("Content-Length", "1000000");
    upload.write_all(&[head.bytes(), b"PBDEMS2\0".to_vec(), vec![b'x'; 200_000]].concat()).unwrap();
    let demos = appliance.data_dir().join("demos");
    until("the upload to start", || {
        std::fs::read_dir(&demos).ok()?.flatten().find(|entry| entry.metadata().is_ok_and(|file| file.len() > 0))
    });
    upload
}

#[test]
fn unfinished_request_is_aborted_at_the_deadline_and_reported() {
    let mut appliance = Appliance::start_plain(&["--stop-seconds", "1"]);
    let key = appliance.account("studio");
    let _upload = unfinished_upload(&appliance, &key);
    appliance.server().signal("TERM");
    let (status, log) = appliance.server().wait();
    assert!(status.success(), "{status}");
    let last = log.last().unwrap();
    assert!(last.starts_with("Stopped. 1 request was not finished within --stop-seconds"), "{}", log.join("\n"));
}

#[test]
fn second_signal_exits_immediately() {
    let mut appliance = Appliance::start_plain(&["--stop-seconds", "3600"]);
    let key = appliance.account("studio");
    let _upload = unfinished_upload(&appliance, &key);
    appliance.server().signal("TERM");
    let address = appliance.address.clone();
    until("the listener to close", || TcpStream::connect(&address).is_err().then_some(()));
    assert_eq!(appliance.server().signal_until_exit("INT").code(), Some(130));
    // The data is intact.
    appliance.restart();
    assert_eq!(appliance.call("GET", "/api/account", &key, None).1["queued"], Value::from(0));
}

#[test]
fn signal_that_arrives_twice_at_once_stops_the_server_in_order() {
    let mut appliance = Appliance::start_plain(&[]);
    appliance.server().signal_twice("TERM");
    let (status, log) = appliance.server().wait();
    assert!(status.success(), "{status}: {}", log.join("\n"));
    assert_eq!(log.last().map(String::as_str), Some("Stopped."));
}
