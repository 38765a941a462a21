//! Unparsable forwarded headers fail closed, and an unknown `Host` never appears in URLs.

use crate::support::appliance::Appliance;
use crate::support::client::Request;
use crate::support::process;

#[test]
fn unparsable_forwarded_address_grants_no_access() {
    let appliance = Appliance::start_with(|options| {
        options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        options.metrics_allow = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/24".parse().unwrap()];
    });
    // (values of X-Forwarded-For, one header each; status of /metrics)
    let cases: [(&[&str], u16); 16] = [
        (&[], 200),
        (&["127.0.0.1"], 200),
        (&["10.0.0.5"], 200),
        (&["192.0.2.7, 10.0.0.5"], 200),
        (&["192.0.2.7"], 403),
        (&["garbage"], 403),
        (&[""], 403),
        (&[","], 403),
        (&["unknown"], 403),
        (&["_hidden"], 403),
        (&["127.0.0.1;x"], 403),
        (&["127.0.0.1:99999"], 403),
        (&["localhost"], 403),
        (&["10.0.0.5", "garbage"], 403),
        (&["garbage, 127.0.0.1"], 403),
        (&["for=127.0.0.1"], 403),
    ];
    for (lines, status) in cases {
        let request =
            lines.iter().fold(Request::get("/metrics"), |request, line| request.header("X-Forwarded-For", line));
        assert_eq!(appliance.send(&request).status, status, "{lines:?}");
    }
}

#[test]
fn only_known_hosts_appear_in_urls() {
    let appliance = Appliance::start_with(|options| options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]);
    let key = appliance.account("studio").metered;
    let own = format!("http://{}", appliance.address);
    // (Host, X-Forwarded-Host, X-Forwarded-Proto, start of URLs)
    let cases = [
        ("clips.lan:8443", None, None, "http://clips.lan:8443"),
        ("CLIPS.lan", None, None, "http://CLIPS.lan"),
        ("127.0.0.1:7", None, None, "http://127.0.0.1:7"),
        ("[::1]:7", None, None, "http://[::1]:7"),
        ("evil.example", None, None, own.as_str()),
        ("clips.lan.evil.example", None, None, own.as_str()),
        ("203.0.113.200:8443", None, None, own.as_str()),
        ("clips.lan/x", None, None, own.as_str()),
        ("", None, None, own.as_str()),
        ("evil.example", Some("clips.example"), Some("https"), "https://clips.example"),
        ("clips.lan:8443", Some("a b"), None, own.as_str()),
        ("clips.lan:8443", Some("\"><script>"), None, own.as_str()),
        ("clips.lan:8443", None, Some("javascript"), "http://clips.lan:8443"),
        ("clips.lan:8443", None, Some("https, gopher"), "http://clips.lan:8443"),
    ];
    for (host, forwarded, scheme, expected) in cases {
        let mut request = Request::post("/api/demos").key(&key).body("PBDEMS2\0").header("Host", host);
        for (name, value) in [("X-Forwarded-Host", forwarded), ("X-Forwarded-Proto", scheme)] {
            request = value.map_or(request.clone(), |value| request.header(name, value));
        }
        let url = appliance.send(&request).expect(201).json()["demo_url"].as_str().unwrap().to_owned();
        let base = url.split("/api/").next().unwrap();
        assert_eq!(base, expected, "{host:?} {forwarded:?} {scheme:?}");
    }
}

#[test]
fn server_accepts_its_own_names_as_hosts_and_logs_an_unknown_host_once() {
    let mut appliance = process::Appliance::start_plain(&[]);
    let key = appliance.account("studio");
    let address = appliance.address.parse().unwrap();
    let port = appliance.address.rsplit_once(':').unwrap().1.to_owned();
    let base = |host: &str| {
        let request = Request::post("/api/demos").key(&key).body("PBDEMS2\0").header("Host", host);
        let answer = request.send(address).expect(201).json();
        answer["demo_url"].as_str().unwrap().split("/api/").next().unwrap().to_owned()
    };
    assert_eq!(base(&format!("localhost:{port}")), format!("http://localhost:{port}"));
    for host in ["evil.example", "other.example"] {
        assert_eq!(base(host), format!("http://127.0.0.1:{port}"));
    }
    appliance.server().signal("TERM");
    let (_, log) = appliance.server().wait();
    let warnings: Vec<_> = log.iter().filter(|line| line.contains("--public-url")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("evil.example"), "{log:?}");
}
