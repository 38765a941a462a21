//! Failed fetches: what client and operator see, and that a node's own addresses are unreachable.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use dinkem_appliance::domain::error_code::ErrorCode;
use dinkem_appliance::os::address::Addresses;
use dinkem_appliance::os::host;
use dinkem_appliance::os::http::{Client, ClientOptions, Method, Request};
use serde_json::json;

use crate::support::listener::{listen, reply};
use crate::support::process::Appliance;
use crate::support::quick;
use crate::support::tools::skip;

const LONG_TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn fetch_cannot_reach_the_nodes_own_addresses_unless_allowed() {
    let own = host::lan_address();
    if own.is_loopback() {
        return skip("the node's own address: this machine has no network");
    }
    let (called, calls) = channel();
    let called = Mutex::new(called);
    let server = listen(&own.to_string(), move |call, to| {
        called.lock().unwrap().send(call.path).unwrap();
        reply(to, 200, &[], b"secret")
    });
    let port = server.rsplit_once(':').unwrap().1;
    let redirecting = listen("127.0.0.1", {
        let location = format!("http://{server}/admin");
        move |_, to| reply(to, 302, &[("Location", &location)], b"")
    });
    let send = |allow: &[String], url: &str| {
        let allow = allow.iter().map(|net| net.parse().unwrap()).collect();
        let options = ClientOptions {
            addresses: Addresses::Guarded { allow, private: true },
            ca_pem: None,
            redirects: 5,
            connect_timeout: LONG_TIMEOUT,
            stall_timeout: LONG_TIMEOUT,
            body_timeout: None,
        };
        let answer = Client::new(options).unwrap().send(Request::new(Method::GET, url, LONG_TIMEOUT));
        answer.map(|answer| answer.status).map_err(|error| error.code)
    };
    let loopback = "127.0.0.1/32".to_owned();
    let mut urls = vec![format!("http://{server}/"), format!("http://{redirecting}/")];
    if own.is_ipv4() {
        urls.push(format!("http://[::ffff:{own}]:{port}/"));
    }
    for url in &urls {
        assert_eq!(send(std::slice::from_ref(&loopback), url), Err(ErrorCode::AddressRefused), "{url}");
    }
    assert_eq!(calls.try_iter().count(), 0, "there was no connection attempt");
    for url in &urls {
        assert_eq!(send(&[loopback.clone(), format!("{own}/{}", if own.is_ipv4() { 32 } else { 128 })], url), Ok(200));
    }
}

#[test]
fn client_sees_one_generic_fetch_error_and_the_operator_sees_the_cause() {
    let server = listen("127.0.0.1", |call, to| match call.path.as_str() {
        "/gone.dem" => reply(to, 404, &[], b""),
        "/forbidden.dem" => reply(to, 403, &[], b""),
        "/refused.dem" => reply(to, 302, &[("Location", "http://169.254.169.254/latest/meta-data/")], b""),
        _ => reply(to, 302, &[("Location", "ftp://127.0.0.1/")], b""),
    });
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    let key = appliance.account("studio");
    let mut node = appliance.node("node", None);
    // (URL, part of the operator's log)
    let cases = [
        (format!("http://{server}/gone.dem"), "status 404"),
        (format!("http://{server}/forbidden.dem"), "status 403"),
        (format!("http://{server}/refused.dem"), "169.254.169.254 is refused"),
        (format!("http://{server}/else.dem"), "not http or https"),
        ("http://127.0.0.1:1/closed.dem".to_owned(), "connection refused"),
        ("http://127.0.0.1:2/refused.dem?token=s3cret".to_owned(), "connection refused"),
    ];
    for (url, cause) in cases {
        let job_request = json!({"demo_url": url, "steam64_id": quick::PLAYER.to_string(), "round": quick::ROUND});
        let id = appliance.submit(&key, &job_request);
        let job = appliance.wait_for_job(&key, &id);
        let actual = json!({"code": "fetch_failed", "message": "The demo could not be fetched from 127.0.0.1."});
        assert_eq!(job["error"], actual, "{url}");
        let log = appliance.admin(&["jobs", "log", &id])["attempts"].to_string();
        assert!(log.contains(cause) && log.contains("Fetching from 127.0.0.1"), "{url}: {log}");
        let (_, job_shown) = appliance.call("GET", &format!("/api/clips/{id}"), &key, None);
        assert!(!job_shown["error"].to_string().contains(cause), "{job_shown}");
        assert!(!log.contains("s3cret"), "{log}");
    }
    node.kill();
}
