//! `/api/webhook`: setting, showing and removing the account's webhook, its tests, deliveries and replays.

use serde_json::{Value, json};

use crate::support::appliance::Appliance;
use crate::support::client::{Answer, Request};

const WEBHOOK: &str = "/api/webhook";

fn put(appliance: &Appliance, key: &str, body: &Value) -> Answer {
    appliance.send(&Request::put(WEBHOOK).key(key).json(body.to_string()))
}

#[test]
fn secret_is_shown_when_it_is_new_and_never_again() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let set = put(&appliance, &key, &json!({"url": "https://example.com/hook"})).expect(200).json();
    let secret = set["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{set}");
    let shown = appliance.send(&Request::get(WEBHOOK).key(&key)).expect(200).json();
    assert_eq!(
        shown,
        json!({"url": "https://example.com/hook", "status": "enabled", "disabled_because": null,
               "created_at": "2026-11-23T00:00:00.000Z", "failing_since": null, "old_secret_until": null})
    );
    let moved = put(&appliance, &key, &json!({"url": "http://example.com:8080/other"})).expect(200).json();
    assert_eq!((moved["url"].as_str(), moved.get("secret")), (Some("http://example.com:8080/other"), None));
    let rotate = json!({"url": "http://example.com:8080/other", "rotate_secret": true});
    let rotated = put(&appliance, &key, &rotate).expect(200).json();
    assert!(rotated["secret"].as_str().is_some_and(|new| new != secret), "{rotated}");
    assert_eq!(rotated["old_secret_until"], "2026-11-24T00:00:00.000Z");
}

#[test]
fn webhook_belongs_to_the_account_whatever_the_class_of_the_key() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 1);
    put(&appliance, &keys.metered, &json!({"url": "https://example.com/hook"})).expect(200);
    assert_eq!(appliance.send(&Request::get(WEBHOOK).key(&keys.reserved)).expect(200).json()["status"], "enabled");
    let other = appliance.account("other").metered;
    appliance.send(&Request::get(WEBHOOK).key(&other)).expect(404);
    appliance.send(&Request::delete(WEBHOOK).key(&other)).expect(404);
    let removed = appliance.send(&Request::delete(WEBHOOK).key(&keys.reserved)).expect(200).json();
    assert_eq!(removed, json!({"url": "https://example.com/hook", "status": "deleted"}));
    appliance.send(&Request::delete(WEBHOOK).key(&keys.metered)).expect(404);
}

#[test]
fn bad_urls_and_bodies_are_refused_and_the_field_is_named() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let cases = [
        (json!({}), "url"),
        (json!({"url": 5}), "url"),
        (json!({"url": ""}), "url"),
        (json!({"url": "ftp://example.com/"}), "url"),
        (json!({"url": "https://user:password@example.com/"}), "url"),
        (json!({"url": "https://user@example.com/"}), "url"),
        (json!({"url": "https://example.com/a b"}), "url"),
        (json!({"url": format!("https://example.com/{}", "x".repeat(4_096))}), "url"),
        (json!({"url": "https://example.com/", "rotate_secret": "yes"}), "rotate_secret"),
        (json!({"url": "https://example.com/", "secret": "x"}), "secret"),
    ];
    for (body, field) in cases {
        assert_eq!(put(&appliance, &key, &body).expect(400).json()["field"], field, "{body}");
    }
    appliance.send(&Request::get(WEBHOOK).key(&key)).expect(404);
}

#[test]
fn the_appliances_own_machine_and_private_addresses_are_refused_in_every_notation() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let refused = [
        "http://127.0.0.1/",
        "http://127.0.0.1:8080/hook",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://localhost/",
        "http://localhost./",
        "http://hooks.localhost/",
        "http://[::1]/",
        "http://[::]/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.20/",
        "http://100.64.0.1/",
        "http://[fd00::1]/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
    ];
    let own = dinkem_appliance::os::host::addresses();
    let own = own.into_iter().map(|address| match address {
        std::net::IpAddr::V4(v4) => format!("http://{v4}/"),
        std::net::IpAddr::V6(v6) => format!("http://[{v6}]/"),
    });
    for url in refused.into_iter().map(str::to_owned).chain(own) {
        let answer = put(&appliance, &key, &json!({"url": url})).expect(400).json();
        assert_eq!(answer["field"], "url", "{url}");
        assert!(answer["error"].as_str().unwrap().contains("admin webhook allow"), "{url}: {answer}");
    }
    put(&appliance, &key, &json!({"url": "https://93.184.215.14/"})).expect(200);
}

#[test]
fn tests_and_deliveries_are_listed_page_by_page_and_pending_tests_are_bounded() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let test = Request::post("/api/webhook/test").key(&key);
    appliance.send(&test).expect(404);
    put(&appliance, &key, &json!({"url": "https://example.com/hook"})).expect(200);
    let made: Vec<_> = (0..10).map(|_| appliance.send(&test).expect(202).json()["id"].clone()).collect();
    let full = appliance.send(&test).expect(429);
    assert_eq!(full.json()["code"], "too_many_tests");
    assert!(full.header("Retry-After").is_some());

    let page = |query: &str| {
        let url = format!("/api/webhook/deliveries?{query}");
        appliance.send(&Request::get(&url).key(&key)).expect(200).json()
    };
    let first = page("limit=7");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = page(&format!("limit=7&cursor={cursor}"));
    assert_eq!(second["next_cursor"], Value::Null);
    let both = [&first, &second].into_iter().flat_map(|page| page["deliveries"].as_array().unwrap());
    let listed: Vec<_> = both.map(|delivery| delivery["id"].clone()).collect();
    assert_eq!(listed, made.into_iter().rev().collect::<Vec<_>>());
    let newest = &first["deliveries"][0];
    assert_eq!(
        (&newest["type"], &newest["status"], &newest["attempts"], &newest["job_id"]),
        (&json!("webhook.test"), &json!("pending"), &json!(0), &Value::Null)
    );
    assert_eq!(page("status=pending")["deliveries"].as_array().unwrap().len(), 10);
    assert_eq!(page("status=delivered")["deliveries"], json!([]));
    for (query, field) in [("status=done", "status"), ("limit=0", "limit"), ("cursor=x", "cursor"), ("page=2", "page")]
    {
        let url = format!("/api/webhook/deliveries?{query}");
        assert_eq!(appliance.send(&Request::get(&url).key(&key)).expect(400).json()["field"], field);
    }
}

#[test]
fn only_an_accounts_own_deliveries_can_be_replayed() {
    let appliance = Appliance::start();
    let (key, other) = (appliance.account("studio").metered, appliance.account("other").metered);
    put(&appliance, &key, &json!({"url": "https://example.com/hook"})).expect(200);
    let id = appliance.send(&Request::post("/api/webhook/test").key(&key)).expect(202).json()["id"].clone();
    let replay =
        |id: &str, key: &str| appliance.send(&Request::post(&format!("/api/webhook/deliveries/{id}/replay")).key(key));
    assert_eq!(replay(id.as_str().unwrap(), &key).expect(202).json()["id"], id);
    for (id, key) in [(id.as_str().unwrap(), &other), ("0192f7a8-5b1c-7d3e-8f90-123456789abc", &key), ("7", &key)] {
        replay(id, key).expect(404);
    }
}
