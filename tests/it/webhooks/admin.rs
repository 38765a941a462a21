//! `admin webhook` beside a running server.

use serde_json::json;

use crate::support::process::{Appliance, run};
use crate::support::receiver::{Answer, Receiver};

/// Runs `admin webhook` without `--json`: exit status, standard output and standard error.
fn webhook(appliance: &Appliance, arguments: &[&str]) -> (Option<i32>, String, String) {
    let data = appliance.data_dir();
    let line = [&["--data-dir", data.to_str().unwrap(), "admin", "webhook"], arguments].concat();
    let (status, out, err) = run(&line);
    (status.code(), out, err)
}

#[test]
fn operator_sets_tests_replays_and_removes_a_webhook() {
    let receiver = Receiver::start();
    let appliance = Appliance::start(&[]);
    appliance.account("studio");
    let set = appliance.admin(&["webhook", "set", "studio", &receiver.url("/hook")]);
    assert!(set["secret"].as_str().unwrap().starts_with("whsec_"), "{set}");

    // The receiver is on this machine, so it must be allowed first.
    let (status, _, err) = webhook(&appliance, &["test", "studio"]);
    assert_eq!(status, Some(1), "{err}");
    assert!(err.contains("private, or the appliance's own machine"), "{err}");
    assert!(receiver.seen().is_empty());
    let allowed = appliance.admin(&["webhook", "allow", "studio", "127.0.0.1"]);
    assert_eq!(allowed, json!({"account": "studio", "allowed_hosts": ["127.0.0.1"]}));

    let (status, out, err) = webhook(&appliance, &["test", "studio"]);
    assert_eq!((status, out.as_str()), (Some(0), "webhook.test: accepted with status 204\n"), "{err}");
    receiver.answers(Answer::Status(500));
    let (status, _, err) = webhook(&appliance, &["test", "studio"]);
    assert_eq!(status, Some(1));
    assert!(err.contains("The receiver answered with status 500."), "{err}");

    let shown = appliance.admin(&["webhook", "show", "studio"]);
    assert_eq!((&shown["webhook"]["status"], &shown["webhook"]["url"]), (&json!("enabled"), &set["url"]));
    assert!(shown["webhook"].get("secret").is_none());
    let failed = &shown["deliveries"][0];
    assert_eq!((&failed["status"], &failed["response_status"]), (&json!("pending"), &json!(500)));
    let (_, out, _) = webhook(&appliance, &["show", "studio"]);
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");

    receiver.answers(Answer::Status(200));
    let id = failed["id"].as_str().unwrap();
    for name in [id, &id[28..]] {
        let replayed = appliance.admin(&["webhook", "replay", name]);
        assert_eq!((&replayed["id"], &replayed["status"]), (&failed["id"], &json!("delivered")));
    }
    let seen = receiver.seen();
    assert_eq!(seen.iter().filter(|event| event.id == id).count(), 3);

    assert_eq!(appliance.admin(&["webhook", "remove", "studio"]), json!({"removed": "studio"}));
    let (status, _, err) = webhook(&appliance, &["test", "studio"]);
    assert_eq!((status, err.contains("has no webhook")), (Some(1), true), "{err}");
    let actions: Vec<_> = appliance.admin(&["audit"])["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .filter(|action| action.starts_with("webhook."))
        .collect();
    assert_eq!(actions.first().map(String::as_str), Some("webhook.remove"));
    assert!(actions.contains(&"webhook.allow".to_owned()) && actions.contains(&"webhook.set".to_owned()));
}

#[test]
fn hosts_are_allowed_per_account_and_the_permission_can_be_taken_back() {
    let appliance = Appliance::start(&[]);
    for name in ["studio", "other"] {
        appliance.account(name);
    }
    for host in ["hooks.lan", "10.1.0.0/16", "Hooks.LAN."] {
        appliance.admin(&["webhook", "allow", "studio", host]);
    }
    let shown = |name: &str| appliance.admin(&["webhook", "show", name])["allowed_hosts"].clone();
    assert_eq!((shown("studio"), shown("other")), (json!(["10.1.0.0/16", "hooks.lan"]), json!([])));
    appliance.admin(&["webhook", "allow", "studio", "hooks.lan", "--remove"]);
    assert_eq!(shown("studio"), json!(["10.1.0.0/16"]));
    for (host, status, why) in [
        ("hooks.lan", 1, "is not among the hosts"),
        ("localhost", 2, "127.0.0.1"),
        ("http://hooks.lan", 2, "without scheme, port or path"),
    ] {
        let (found, _, err) = webhook(&appliance, &["allow", "studio", host, "--remove"]);
        assert_eq!((found, err.contains(why)), (Some(status), true), "{host}: {err}");
    }
}

#[test]
fn status_names_disabled_webhooks() {
    let receiver = Receiver::start();
    let appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8"]);
    appliance.account("studio");
    appliance.admin(&["webhook", "set", "studio", &receiver.url("/hook")]);
    assert_eq!(appliance.admin(&["status"])["disabled_webhooks"], json!([]));
    receiver.answers(Answer::Status(410));
    assert_eq!(webhook(&appliance, &["test", "studio"]).0, Some(1));
    let because = "The receiver answered with status 410: it wants no more events.";
    let expected = json!([{"account": "studio", "disabled_because": because}]);
    assert_eq!(appliance.admin(&["status"])["disabled_webhooks"], expected);
    let data = appliance.data_dir();
    let (_, out, _) = run(&["--data-dir", data.to_str().unwrap(), "admin", "status"]);
    assert!(out.contains("The webhook of studio is disabled. The receiver answered with status 410"), "{out}");
}

#[test]
fn an_event_waits_while_no_server_runs() {
    let mut appliance = Appliance::start(&[]);
    appliance.account("studio");
    appliance.admin(&["webhook", "set", "studio", "https://example.com/hook"]);
    appliance.server().kill();
    let (status, _, err) = webhook(&appliance, &["test", "studio"]);
    assert_eq!((status, err.contains("Is the server running")), (Some(1), true), "{err}");
}
