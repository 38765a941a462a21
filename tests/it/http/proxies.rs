//! Forwarded headers of a reverse proxy: used if the proxy is trusted, ignored otherwise.

use crate::support::appliance::Appliance;
use crate::support::client::Request;

/// The start of URLs in the response to a request through a proxy.
fn base(appliance: &Appliance, key: &str) -> String {
    let request = Request::post("/api/demos").key(key).body("PBDEMS2\0");
    let request = request.header("X-Forwarded-Proto", "https").header("X-Forwarded-Host", "clips.example:444");
    let answer = appliance.send(&request).expect(201).json();
    answer["demo_url"].as_str().unwrap().split("/api/").next().unwrap().to_owned()
}

#[test]
fn urls_use_forwarded_host_and_scheme_only_from_a_trusted_proxy() {
    let cases = [
        (&["127.0.0.0/8"][..], "https://clips.example:444"),
        (&["10.0.0.0/8", "::/0"], "http://clips.lan:8443"),
        (&[], "http://clips.lan:8443"),
    ];
    for (trusted, expected) in cases {
        let networks = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let appliance = Appliance::start_with(|options| options.trusted_proxies = networks);
        assert_eq!(base(&appliance, &appliance.account("studio").metered), expected, "{trusted:?}");
    }
}

#[test]
fn public_url_overrides_forwarded_headers() {
    let appliance = Appliance::start_with(|options| {
        options.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        options.public_url = Some("https://public.example".into());
    });
    assert_eq!(base(&appliance, &appliance.account("studio").metered), "https://public.example");
}
