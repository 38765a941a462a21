//! The HTTP client: what it sends, which addresses it refuses, and its errors.

use std::io::{Read, Write, repeat};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use dinkem_appliance::domain::error::Result;
use dinkem_appliance::domain::error_code::ErrorCode;
use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::os::address::Addresses;
use dinkem_appliance::os::http::{Body, Client, ClientOptions, Method, Request, Response};

use crate::support::appliance::Appliance;
use crate::support::listener::{head, listen, reply, wait_for_disconnect};

const LONG_TIMEOUT: Duration = Duration::from_secs(60);

fn options(allow: &[&str]) -> ClientOptions {
    ClientOptions {
        addresses: Addresses::Guarded { allow: allow.iter().map(|net| net.parse().unwrap()).collect(), private: true },
        ca_pem: None,
        redirects: 5,
        connect_timeout: LONG_TIMEOUT,
        stall_timeout: LONG_TIMEOUT,
        body_timeout: None,
    }
}

fn get(client: &Client, url: &str) -> Result<Response> {
    client.send(Request::new(Method::GET, url, LONG_TIMEOUT))
}

fn code(answer: Result<Response>) -> ErrorCode {
    answer.map_or_else(|error| error.code, |answer| panic!("an answer: {answer:?}"))
}

#[test]
fn request_arrives_as_sent_and_error_status_is_a_response() {
    let server = listen("127.0.0.1", |mut call, to| {
        let body = call.bytes();
        let fields = ["authorization", "content-type", "content-length", "transfer-encoding", "x-more"];
        let fields: Vec<_> = fields.iter().map(|name| call.header(name).unwrap_or("-").to_owned()).collect();
        let seen = serde_json::json!([call.method, call.path, fields, String::from_utf8(body).unwrap()]);
        reply(to, 418, &[("X-Answer", "yes")], seen.to_string().as_bytes())
    });
    let client = Client::new(options(&["127.0.0.1/32"])).unwrap();
    let (url, key) = (format!("http://{server}/a?b=c"), Secret::new("k"));
    let send = |method, body: Body<'_>| {
        let answer = client.send(Request {
            bearer: Some(&key),
            content_type: Some("text/plain"),
            headers: &[("X-More", "1")],
            body: body.reborrow(),
            ..Request::new(method, &url, LONG_TIMEOUT)
        });
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.header("x-answer")), (418, Some("yes")));
        answer.json::<serde_json::Value>(1_000).unwrap()
    };
    let seen = |method: &str, length: &str, body: &str| {
        serde_json::json!([method, "/a?b=c", ["Bearer k", "text/plain", length, "-", "1"], body])
    };
    assert_eq!(send(Method::GET, Body::Empty), seen("GET", "-", ""));
    assert_eq!(send(Method::DELETE, Body::Empty), seen("DELETE", "-", ""));
    assert_eq!(send(Method::POST, Body::Empty), seen("POST", "0", ""));
    assert_eq!(send(Method::PUT, Body::Bytes(b"some")), seen("PUT", "4", "some"));
    assert_eq!(send(Method::PUT, Body::Stream(&mut &b"stream"[..], Some(6))), seen("PUT", "6", "stream"));
    let unknown_length = send(Method::POST, Body::Stream(&mut &b"stream"[..], None));
    assert_eq!((&unknown_length[2][3], &unknown_length[3]), (&"chunked".into(), &"6\r\nstream\r\n0\r\n\r\n".into()));
}

#[test]
fn local_addresses_are_refused_in_every_spelling() {
    let (called, calls) = channel();
    let called = Mutex::new(called);
    let server = listen("127.0.0.1", move |call, to| {
        called.lock().unwrap().send(call.path).unwrap();
        reply(to, 200, &[], b"")
    });
    let port = server.rsplit_once(':').unwrap().1;
    let guarded = Client::new(options(&[])).unwrap();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "user:pw@127.0.0.1",
    ];
    for host in hosts {
        assert_eq!(code(get(&guarded, &format!("http://{host}:{port}/"))), ErrorCode::AddressRefused, "{host}");
    }
    assert_eq!(calls.try_iter().count(), 0);

    let allowed = Client::new(options(&["127.0.0.0/8"])).unwrap();
    for host in ["127.0.0.1", "127.1", "0x7f.1"] {
        assert_eq!(get(&allowed, &format!("http://{host}:{port}/")).unwrap().status, 200, "{host}");
    }
    assert_eq!(calls.try_iter().count(), 3);
}

#[test]
fn every_redirect_is_checked_like_the_first_address() {
    let refused = listen("127.0.0.2", |_, to| reply(to, 200, &[], b"secret"));
    let server = listen("127.0.0.1", move |call, to| {
        let to_refused = format!("http://{refused}/");
        let location = match call.path.as_str() {
            "/refused" => to_refused.as_str(),
            "/metadata" => "http://169.254.169.254/latest/meta-data/",
            "/file" => "file:///etc/passwd",
            "/ftp" => "ftp://127.0.0.1/demo.dem",
            "/once" => "/end",
            "/loop" => "/loop",
            "/end" => return reply(to, 200, &[], call.header("authorization").unwrap_or("no key").as_bytes()),
            _ => return reply(to, 404, &[], b""),
        };
        reply(to, 302, &[("Location", location)], b"")
    });
    let client = Client::new(options(&["127.0.0.1/32"])).unwrap();
    let cases = [
        ("/refused", ErrorCode::AddressRefused),
        ("/metadata", ErrorCode::AddressRefused),
        ("/ftp", ErrorCode::BadUrl),
        ("/file", ErrorCode::BadUrl),
        ("/loop", ErrorCode::BadAnswer),
    ];
    for (path, expected) in cases {
        assert_eq!(code(get(&client, &format!("http://{server}{path}"))), expected, "{path}");
    }

    let (url, key) = (format!("http://{server}/once"), Secret::new("k"));
    let bearer = Some(&key);
    let answer = client.send(Request { bearer, ..Request::new(Method::GET, &url, LONG_TIMEOUT) }).unwrap();
    assert_eq!(answer.bytes(100).unwrap(), b"no key", "a key is not forwarded by redirects");

    let stays = Client::new(ClientOptions { redirects: 0, ..options(&["127.0.0.1/32"]) }).unwrap();
    assert_eq!(get(&stays, &url).unwrap().status, 302);
}

#[test]
fn hanging_server_times_out() {
    let server = listen("127.0.0.1", |call, to| {
        if call.path == "/body" {
            head(to, 200, &[], Some(1_000))?;
            to.write_all(b"half")?;
        }
        wait_for_disconnect(to)
    });
    let stall_timeout = Duration::from_millis(50);
    let client = Client::new(ClientOptions { stall_timeout, ..options(&["127.0.0.1/32"]) }).unwrap();
    assert_eq!(code(get(&client, &format!("http://{server}/head"))), ErrorCode::TimedOut);
    let body = format!("http://{server}/body");
    assert_eq!(get(&client, &body).unwrap().bytes(2_000).unwrap_err().code, ErrorCode::TimedOut);
    let mut reader = get(&client, &body).unwrap().into_reader();
    let kind = std::io::copy(&mut reader, &mut std::io::sink()).unwrap_err().kind();
    assert_eq!(kind, std::io::ErrorKind::TimedOut);
    // The total timeout applies even while data keeps arriving.
    let examination = Client::new(options(&["127.0.0.1/32"])).unwrap();
    let timeout = Duration::from_millis(50);
    assert_eq!(
        code(
            examination
                .send(Request::new(Method::GET, &body, timeout))
                .and_then(|answer| { answer.bytes(2_000).map(|_| panic!("a whole body")) })
        ),
        ErrorCode::TimedOut
    );
}

#[test]
fn response_is_read_up_to_its_limit() {
    let server = listen("127.0.0.1", |call, to| match call.path.as_str() {
        "/short" => {
            head(to, 200, &[], Some(1_000))?;
            to.write_all(b"half")
        }
        _ => reply(to, 200, &[], &[b'1'; 100]),
    });
    let client = Client::new(options(&["127.0.0.1/32"])).unwrap();
    let answer = || get(&client, &format!("http://{server}/")).unwrap();
    assert_eq!(answer().length(), Some(100));
    assert_eq!(answer().bytes(100).unwrap().len(), 100);
    assert_eq!(answer().bytes(99).unwrap_err().code, ErrorCode::BadAnswer);
    assert_eq!(answer().json::<Vec<u8>>(100).unwrap_err().code, ErrorCode::BadAnswer);
    let broken = get(&client, &format!("http://{server}/short")).unwrap();
    assert_eq!(broken.bytes(2_000).unwrap_err().code, ErrorCode::Unreachable);
}

#[test]
fn errors_name_the_server_and_contain_no_secret() {
    let client = Client::new(options(&["127.0.0.0/8"])).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cases = [
        (format!("http://name:s3cret@{free}/s3cret?token=s3cret"), ErrorCode::Unreachable, "127.0.0.1:"),
        ("http://name:s3cret@[::1]/s3cret?token=s3cret".into(), ErrorCode::AddressRefused, "[::1]"),
        ("http://s3cret@no-such-host.invalid/s3cret".into(), ErrorCode::Unreachable, "no-such-host.invalid"),
        ("gopher://name:s3cret@127.0.0.1/s3cret".into(), ErrorCode::BadUrl, "http"),
        ("/s3cret".into(), ErrorCode::BadUrl, "http"),
        ("http://".into(), ErrorCode::BadUrl, "http"),
    ];
    for (url, expected, message) in cases {
        let error = get(&client, &url).unwrap_err();
        assert_eq!(error.code, expected, "{url}: {error}");
        assert!(error.message.contains(message) && error.message.ends_with('.'), "{url}: {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{url}: {error:?}");
    }
}

#[test]
fn shut_down_client_stops_waiting() {
    let (called, calls) = channel();
    let called = Mutex::new(called);
    let server = listen("127.0.0.1", move |_, to| {
        called.lock().unwrap().send(()).unwrap();
        wait_for_disconnect(to)
    });
    let client = Client::new(options(&["127.0.0.1/32"])).unwrap();
    let url = format!("http://{server}/");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| code(get(&client, &url)));
        calls.recv_timeout(LONG_TIMEOUT).unwrap();
        client.shut_down();
        assert_eq!(waiting.join().unwrap(), ErrorCode::Unreachable);
    });
    assert!(get(&client, &url).is_err());
}

#[test]
fn ca_file_must_contain_a_certificate() {
    let with = |pem: &str| Client::new(ClientOptions { ca_pem: Some(pem.into()), ..options(&[]) });
    for pem in ["", "not PEM", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
        assert_eq!(with(pem).unwrap_err().field.as_deref(), Some("ca"), "{pem:?}");
    }
}

#[test]
fn rejected_large_body_is_not_sent() {
    let appliance = Appliance::start();
    let client = Client::new(options(&["127.0.0.1/32"])).unwrap();
    let url = format!("http://{}/api/demos", appliance.address);
    for bytes in [4 << 30, 100 << 20, 100] {
        let (stranger, mut body) = (Secret::new("3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234"), repeat(0).take(bytes));
        let request = Request {
            bearer: Some(&stranger),
            body: Body::Stream(&mut body, Some(bytes)),
            ..Request::new(Method::POST, &url, LONG_TIMEOUT)
        };
        let answer = client.send(request).unwrap();
        let sent = bytes - body.limit();
        assert_eq!((answer.status, sent), (401, if bytes > 1 << 20 { 0 } else { bytes }));
    }
}
