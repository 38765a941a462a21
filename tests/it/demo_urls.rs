//! Redirects as real servers write them, and the URLs that a job may name.

use std::io::Write;
use std::time::Duration;

use dinkem_appliance::domain::error_code::ErrorCode;
use dinkem_appliance::os::address::Addresses;
use dinkem_appliance::os::http::{Client, ClientOptions, Method, Request};

use crate::support::appliance::{Appliance, good_job};
use crate::support::client::Request as ApiRequest;
use crate::support::listener::{listen, reply};

const LONG_TIMEOUT: Duration = Duration::from_secs(60);

fn client() -> Client {
    let options = ClientOptions {
        addresses: Addresses::Guarded { allow: vec!["127.0.0.1/32".parse().unwrap()], private: true },
        ca_pem: None,
        redirects: 5,
        connect_timeout: LONG_TIMEOUT,
        stall_timeout: LONG_TIMEOUT,
        body_timeout: None,
    };
    Client::new(options).unwrap()
}

#[test]
fn redirects_with_spaces_raw_utf8_or_relative_paths_are_followed() {
    let server = listen("127.0.0.1", |call, to| {
        let location: &[u8] = match call.path.as_str() {
            "/demos/space" => b"/files/my match (1).dem",
            "/demos/utf8" => "/files/m\u{e4}tch.dem".as_bytes(),
            "/demos/latin1" => b"/files/m\xe4tch.dem",
            "/demos/quote" => b"/files/a\"b<c>.dem",
            "/demos/relative" => b"sub/next.dem",
            "/demos/up" => b"../files/up.dem?x=a b",
            "/demos/query" => b"?again",
            path => return reply(to, 200, &[], path.as_bytes()),
        };
        to.write_all(
            &[b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: ", location, b"\r\n\r\n"]
                .concat(),
        )
    });
    let cases = [
        ("space", "/files/my%20match%20(1).dem"),
        ("utf8", "/files/m%C3%A4tch.dem"),
        ("latin1", "/files/m%E4tch.dem"),
        ("quote", "/files/a%22b%3Cc%3E.dem"),
        ("relative", "/demos/sub/next.dem"),
        ("up", "/files/up.dem?x=a%20b"),
        ("query", "/demos/query?again"),
    ];
    for (path, expected) in cases {
        let url = format!("http://{server}/demos/{path}");
        let answer = client().send(Request::new(Method::GET, &url, LONG_TIMEOUT)).unwrap();
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(String::from_utf8(answer.bytes(1_000).unwrap()).unwrap(), expected, "{path}");
    }
}

/// The part of a URL after the host, and whether it is accepted.
const URL_ENDINGS: [(&str, bool); 22] = [
    ("/a.dem", true),
    ("", true),
    ("?x=1", true),
    ("/a.dem#part", true),
    ("/%22%3C%7B.dem", true),
    ("/a[1]~(b)'c'!*;,&=+$@:.dem", true),
    ("/m\u{e4}tch.dem", true),
    ("/\u{30c7}\u{30e2}.dem?n=\u{e9}", true),
    ("/%zz.dem", true),
    ("/a\"b.dem", false),
    ("/a<b.dem", false),
    ("/a>b.dem", false),
    ("/a\\b.dem", false),
    ("/a^b.dem", false),
    ("/a`b.dem", false),
    ("/a{b.dem", false),
    ("/a|b.dem", false),
    ("/a}b.dem", false),
    ("/a b.dem", false),
    ("/a\tb.dem", false),
    ("/a\u{7f}b.dem", false),
    ("/a\u{2003}b.dem", false),
];

#[test]
fn submit_accepts_exactly_the_urls_that_can_be_fetched() {
    let server = listen("127.0.0.1", |_, to| reply(to, 200, &[], b""));
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let mut urls: Vec<(String, bool)> =
        URL_ENDINGS.iter().map(|(rest, good)| (format!("http://{server}{rest}"), *good)).collect();
    urls.push((format!("HTTP://{server}/a.dem"), true));
    urls.push(("http://b\u{fc}ro.example/a.dem".to_owned(), false));
    urls.push(("http://u:p@127.0.0.1/a.dem".to_owned(), false));
    for (url, good) in urls {
        let mut job = good_job();
        job["demo_url"] = url.clone().into();
        let answer = appliance.send(&ApiRequest::post("/api/clips").key(&key).json(job.to_string()));
        let sent = client().send(Request::new(Method::GET, &url, LONG_TIMEOUT));
        if good {
            answer.expect(202);
            assert_eq!(sent.map(|answer| answer.status).map_err(|error| error.code), Ok(200), "{url:?}");
        } else {
            answer.expect_bad_field("demo_url");
        }
    }
    let nowhere = client().send(Request::new(Method::GET, "http://", LONG_TIMEOUT));
    assert_eq!(nowhere.map(|answer| answer.status).map_err(|error| error.code), Err(ErrorCode::BadUrl));
}
