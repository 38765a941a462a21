//! Monitoring: `/healthz`, `/readyz`, `/metrics` and `admin healthcheck`.

use std::collections::BTreeMap;
use std::time::Duration;

use dinkem_appliance::app::accounts;
use dinkem_appliance::domain::failure::Retry;
use dinkem_appliance::domain::key::{KeyHash, Secret};
use dinkem_appliance::domain::rates::FootageKind;
use serde_json::json;

use crate::support::appliance::{Appliance, good_job};
use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;
use crate::support::client::Request;
use crate::support::operator;
use crate::support::process;
use crate::support::wait::until;
use crate::support::worker::Worker;

/// Current metrics by name and labels.
fn metrics(appliance: &Appliance) -> BTreeMap<String, f64> {
    let answer = appliance.send(&Request::get("/metrics")).expect(200);
    parse_metrics(answer.text())
}

/// Parses metrics: `name{labels} value`. Each family must be declared before its samples.
fn parse_metrics(text: &str) -> BTreeMap<String, f64> {
    let (mut found, mut families) = (BTreeMap::new(), Vec::new());
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            families.extend(comment.strip_prefix("TYPE ").map(|rest| rest.split(' ').next().unwrap().to_owned()));
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let family = name.split('{').next().unwrap();
        let known = families.last().is_some_and(|last| {
            ["", "_bucket", "_sum", "_count"].iter().any(|ending| *family == format!("{last}{ending}"))
        });
        assert!(known, "{line} belongs to {:?}", families.last());
        assert!(found.insert(name.to_owned(), value.parse().unwrap()).is_none(), "{line} twice");
    }
    found
}

#[test]
fn metrics_count_what_happened() {
    let appliance = Appliance::start();
    let keys = appliance.account_with_dinks("studio", 3);
    let worker = Worker::new(&appliance.app);
    let (metered, reserved) = (worker.caller(&keys.metered), worker.caller(&keys.reserved));
    let kind = FootageKind::of(&crate::support::test_app::spec());
    worker.complete_job(&metered, kind);
    worker.fail_job(&metered, kind);
    let cancelled = worker.submit(&metered, kind);
    worker.remove(&metered, cancelled);
    let first = worker.submit(&reserved, kind);
    appliance.clock.advance(Duration::from_secs(7));
    worker.submit(&reserved, kind);
    worker.submit(&metered, kind);
    appliance.clock.advance(Duration::from_secs(5));
    appliance.send(&Request::get("/api/account").key("3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234")).expect(401);
    appliance.send(&Request::get("/api/account")).expect(401);

    let figures = metrics(&appliance);
    let expected = [
        (r#"dinkem_jobs_waiting{class="reserved",renderer="builtin"}"#, 2.0),
        (r#"dinkem_jobs_waiting{class="metered",renderer="builtin"}"#, 1.0),
        (r#"dinkem_oldest_wait_seconds{class="reserved"}"#, 12.0),
        (r#"dinkem_oldest_wait_seconds{class="metered"}"#, 5.0),
        ("dinkem_jobs_submitted_total", 6.0),
        (r#"dinkem_jobs_total{outcome="done"}"#, 1.0),
        (r#"dinkem_jobs_total{outcome="failed"}"#, 1.0),
        (r#"dinkem_jobs_total{outcome="cancelled"}"#, 1.0),
        (r#"dinkem_jobs_rendering{renderer="builtin"}"#, 0.0),
        (r#"dinkem_nodes{state="up"}"#, 1.0),
        (r#"dinkem_nodes{state="gone"}"#, 0.0),
        (r#"dinkem_node_slots{renderer="builtin",state="up"}"#, 1.0),
        ("dinkem_dinks_sold", 3.0),
        ("dinkem_auth_failures_total", 2.0),
        (r#"dinkem_http_request_duration_seconds_count{method="GET",route="/api/account"}"#, 2.0),
        (r#"dinkem_http_request_duration_seconds_bucket{method="GET",route="/api/account",le="+Inf"}"#, 2.0),
        (r#"dinkem_http_answers_total{status="4xx"}"#, 2.0),
        (concat!(r#"dinkem_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""}"#), 1.0),
    ];
    for (name, value) in expected {
        assert_eq!(figures.get(name), Some(&value), "{name}");
    }
    assert!(figures["dinkem_store_bytes"] > 0.0 && figures["dinkem_disk_reserve_bytes"] > 0.0);
    assert!(figures.contains_key("dinkem_disk_free_bytes"));

    assert_eq!(worker.claim().job.job.public_id, first);
    let figures = metrics(&appliance);
    assert_eq!(figures[r#"dinkem_jobs_rendering{renderer="builtin"}"#], 1.0);
    assert_eq!(figures[r#"dinkem_oldest_wait_seconds{class="reserved"}"#], 5.0);
    appliance.clock.advance(Duration::from_secs(3_600));
    assert_eq!(metrics(&appliance)[r#"dinkem_nodes{state="gone"}"#], 1.0);
}

#[test]
fn job_that_exhausts_its_attempts_counts_as_failed_once() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio");
    let worker = Worker::new(&appliance.app);
    worker.submit(&worker.caller(&keys.metered), FootageKind::of(&crate::support::test_app::spec()));
    for _ in 0..3 {
        worker.fail(&worker.claim(), Retry::Anywhere);
    }
    assert_eq!(metrics(&appliance)[r#"dinkem_jobs_total{outcome="failed"}"#], 1.0);
}

#[test]
fn metrics_contain_no_secret_and_no_name() {
    let appliance = Appliance::start();
    let keys = appliance.account("studio-with-a-name");
    let node = appliance.node("node-with-a-name");
    appliance.job(&keys.metered);
    appliance.claim(&node).unwrap();
    let text = appliance.send(&Request::get("/metrics")).expect(200).text().to_owned();
    for secret in [&keys.metered, &keys.reserved, &node.key, "with-a-name"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn autoscalers_see_every_label_from_the_start_and_only_jobs_that_nodes_could_take() {
    let appliance = Appliance::start();
    let sums = |figures: &BTreeMap<String, f64>| {
        ["dinkem_jobs_waiting{", "dinkem_jobs_rendering{", "dinkem_node_slots{", "dinkem_oldest_wait_seconds{"].map(
            |name| {
                let of_it = || figures.iter().filter(|(known, _)| known.starts_with(name)).map(|(_, value)| *value);
                (of_it().count(), of_it().sum::<f64>())
            },
        )
    };
    assert_eq!(sums(&metrics(&appliance)), [(4, 0.0), (2, 0.0), (10, 0.0), (2, 0.0)]);
    let keys = appliance.account("studio");
    appliance.job(&keys.metered);
    let game = json!({"renderer": "game"});
    let mut wanted = good_job();
    wanted.as_object_mut().unwrap().extend(game.as_object().unwrap().clone());
    appliance.send(&Request::post("/api/clips").key(&keys.metered).json(wanted.to_string())).expect(202);
    for renderer in ["builtin", "game"] {
        let name = format!(r#"dinkem_jobs_waiting{{class="metered",renderer="{renderer}"}}"#);
        assert_eq!(metrics(&appliance)[&name], 1.0, "{name}");
    }
    accounts::deactivate(&appliance.app, &operator(), "studio").unwrap();
    assert_eq!(sums(&metrics(&appliance)), [(4, 0.0), (2, 0.0), (10, 0.0), (2, 0.0)]);
}

#[test]
fn metrics_token_opens_the_metrics_from_any_address_and_nothing_else() {
    const TOKEN: &str = "0123456789abcdef";
    let appliance = Appliance::start_with(|options| {
        options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        options.metrics_token = Some(KeyHash::of(&Secret::new(TOKEN)));
    });
    let get = |path: &str, authorization: &str| {
        let request = Request::get(path).header("X-Forwarded-For", "10.0.0.5");
        appliance.send(&if authorization.is_empty() { request } else { request.header("Authorization", authorization) })
    };
    let cases = [
        (format!("Bearer {TOKEN}"), 200),
        (format!("bearer  {TOKEN}"), 200),
        (format!("Bearer {TOKEN}0"), 403),
        (format!("Bearer {}", &TOKEN[1..]), 403),
        (format!("Basic {TOKEN}"), 403),
        ("Bearer ".to_owned(), 403),
        (String::new(), 403),
    ];
    for (authorization, status) in cases {
        assert_eq!(get("/metrics", &authorization).status, status, "{authorization:?}");
    }
    let loopback = Request::get("/metrics").header("Authorization", "Bearer wrong");
    appliance.send(&loopback).expect(200);
    for path in ["/api/account", "/api/clips", "/api/usage"] {
        assert_eq!(get(path, &format!("Bearer {TOKEN}")).status, 401, "{path}");
    }
    let without = Appliance::start_with(|options| options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]);
    let bare = Request::get("/metrics").header("X-Forwarded-For", "10.0.0.5").header("Authorization", "Bearer ");
    without.send(&bare).expect(403);
}

#[cfg(unix)]
#[test]
fn file_of_the_metrics_token_is_refused_if_it_is_unfit() {
    use std::os::unix::fs::PermissionsExt;
    let cli = Cli::new();
    let path = cli.home().join("token");
    let serve = |content: &str, mode: u32| {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        cli.run(&["serve", "--listen", "127.0.0.1:0", "--metrics-token-file", "token", "--plain-http", "anywhere"])
    };
    let (good, long) = ("0123456789abcdef\n", format!("{}\n", "x".repeat(257)));
    let cases = [
        (good, 0o644, "chmod 640"),
        ("0123456789abcde\n", 0o600, "16 to 256"),
        (&*long, 0o600, "16 to 256"),
        ("0123456789abcdef \n", 0o600, "16 to 256"),
        ("0123456789abcdef\n\n", 0o600, "16 to 256"),
        ("0123456789abcd\u{e9}f\n", 0o600, "16 to 256"),
        ("", 0o600, "16 to 256"),
    ];
    for (content, mode, words) in cases {
        let output = serve(content, mode);
        assert!(output.status == 1 && output.err.contains(words), "{content:?} {mode:o}: {output:?}");
        assert!(!output.err.contains("0123456789abc"), "{output:?}");
    }
    std::fs::remove_file(&path).unwrap();
    let missing = cli.run(&["serve", "--listen", "127.0.0.1:0", "--metrics-token-file", "token"]);
    assert!(missing.status == 1 && missing.err.contains("--metrics-token-file"), "{missing:?}");
}

#[test]
fn only_loopback_and_allowed_networks_can_read_metrics() {
    let from = |allowed: &[&str], client: &str| {
        let appliance = Appliance::start_with(|options| {
            options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
            options.metrics_allow = allowed.iter().map(|network| network.parse().unwrap()).collect();
        });
        appliance.send(&Request::get("/metrics").header("X-Forwarded-For", client)).status
    };
    let cases = [
        (&[][..], "127.0.0.1", 200),
        (&[], "::1", 200),
        (&[], "10.0.0.5", 403),
        (&["10.0.0.0/24", "fd00::/8"], "10.0.0.5", 200),
        (&["10.0.0.0/24", "fd00::/8"], "fd00::5", 200),
        (&["10.0.0.0/24"], "10.0.1.5", 403),
    ];
    for (allowed, client, status) in cases {
        assert_eq!(from(allowed, client), status, "{client} with {allowed:?}");
    }
}

#[test]
fn server_that_cannot_write_its_store_is_not_ready() {
    let appliance = Appliance::start();
    let ready = || appliance.send(&Request::get("/readyz")).status;
    assert_eq!(ready(), 200);
    let store = rusqlite::Connection::open(appliance.app.data_dir().join("store.db")).unwrap();
    store
        .execute_batch("CREATE TRIGGER stop BEFORE UPDATE ON queue_changes BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    assert_eq!(ready(), 200, "the result is cached for a moment");
    appliance.clock.advance(Duration::from_secs(5));
    let answer = appliance.send(&Request::get("/readyz")).expect(503);
    assert_eq!((&answer.json()["code"], answer.header("Retry-After")), (&json!("not_ready"), Some("5")));
    appliance.send(&Request::get("/healthz")).expect(200);
    store.execute_batch("DROP TRIGGER stop").unwrap();
    appliance.clock.advance(Duration::from_secs(5));
    assert_eq!(ready(), 200);
}

#[test]
fn healthcheck_exits_with_0_while_ready_and_1_otherwise() {
    let cli = Cli::with_empty_home();
    let check = || {
        let output = cli.run(&["admin", "healthcheck"]);
        assert_eq!(output.err.lines().count(), usize::from(output.status != 0), "{output:?}");
        (output.status, output.err)
    };
    let (status, message) = check();
    assert!(status == 1 && message.contains("No server has run"), "{message}");
    assert!(!cli.home().join(".local/share/dinkem-appliance").exists(), "healthcheck must not create anything");
    // This machine need not be able to reach the public URL.
    let server = CliServer::start(&cli, &["--public-url", "https://clips.example"]);
    assert_eq!(check(), (0, String::new()));
    let ready = cli.run(&["--json", "admin", "healthcheck"]).json();
    assert_eq!(ready, json!({"status": "ready", "url": server.url}));
    assert_eq!(server.get_text("/metrics").0, 200);
    drop(server);
    let (status, message) = check();
    assert!(status == 1 && message.contains("does not answer"), "{message}");
}

#[cfg(unix)]
#[test]
fn frozen_server_fails_its_healthcheck() {
    let mut appliance = process::Appliance::start(&[]);
    let data = appliance.data_dir();
    appliance.server().signal("STOP");
    let (status, _, message) = process::run(&["--data-dir", data.to_str().unwrap(), "admin", "healthcheck"]);
    appliance.server().signal("CONT");
    assert_eq!(status.code(), Some(1), "{message}");
    assert_eq!(appliance.admin(&["healthcheck"])["status"], "ready");
}

#[test]
fn metrics_are_served_while_jobs_are_submitted() {
    let appliance = Appliance::start();
    let key = appliance.account("studio").metered;
    let count = 40.0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..40 {
                appliance.send(&Request::post("/api/clips").key(&key).json(good_job().to_string())).expect(202);
            }
        });
        until("all of them", || {
            let figures = metrics(&appliance);
            let [waiting, submitted] =
                [r#"dinkem_jobs_waiting{class="metered",renderer="builtin"}"#, "dinkem_jobs_submitted_total"]
                    .map(|name| figures[name]);
            assert!(waiting <= count && submitted <= count);
            (submitted == count && waiting == count).then_some(())
        });
    });
}
