//! `admin`: its JSON output, and its effect on a running server.

use serde_json::{Value, json};

use dinkem_appliance::wire::join_token::JoinTicket;

use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;

fn admin(cli: &Cli, args: &[&str]) -> Value {
    let output = cli.run(&[&["--json", "admin"], args].concat());
    assert_eq!(output.status, 0, "{args:?}: {output:?}");
    output.json()
}

fn is_key(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 36 && uuid::Uuid::parse_str(text).is_ok())
}

fn members(value: &Value) -> Vec<&str> {
    let mut members: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    members
}

#[test]
fn account_and_key_commands_print_the_documented_json() {
    let cli = Cli::new();
    let made = admin(&cli, &["account", "create", "studio-a"]);
    assert_eq!(members(&made), ["account", "metered_key", "reserved_key"]);
    let account = &made["account"];
    assert_eq!(members(account), ["dinks", "id", "name", "status"]);
    assert_eq!((&account["name"], &account["status"]), (&json!("studio-a"), &json!("inactive")));
    assert_eq!(account["dinks"], 0);
    assert!(
        is_key(&made["metered_key"]) && is_key(&made["reserved_key"]) && made["metered_key"] != made["reserved_key"]
    );

    let bare = admin(&cli, &["account", "create", "studio-b", "--no-keys"]);
    assert_eq!((&bare["metered_key"], &bare["reserved_key"]), (&Value::Null, &Value::Null));
    let minted = admin(&cli, &["keys", "mint", "studio-b"]);
    assert_eq!(members(&minted), ["account", "metered_key", "reserved_key"]);
    assert!(is_key(&minted["metered_key"]) && is_key(&minted["reserved_key"]));

    let names: Vec<_> = admin(&cli, &["account", "list"])["accounts"].as_array().unwrap().clone();
    assert_eq!(names.iter().map(|a| a["name"].as_str().unwrap()).collect::<Vec<_>>(), ["studio-a", "studio-b"]);

    // Two accounts are inactive: the command must name one, and lists both.
    let output = cli.run(&["admin", "activate"]);
    assert_eq!((output.status, output.out.as_str()), (2, ""), "{output:?}");
    assert!(output.err.contains("studio-a") && output.err.contains("studio-b"), "{output:?}");
    assert_eq!(admin(&cli, &["activate", "studio-a"])["account"]["status"], "active");
    assert_eq!(admin(&cli, &["activate"])["account"]["name"], "studio-b");
    assert_eq!(admin(&cli, &["account", "deactivate", "studio-b"])["account"]["status"], "deactivated");

    let shown = admin(&cli, &["account", "show", "studio-a"]);
    assert_eq!(members(&shown), ["account", "dinks_in_use", "queued", "rendering"]);
    let keys = admin(&cli, &["keys", "list", "studio-a"])["keys"].clone();
    assert_eq!(keys.as_array().map(Vec::len), Some(2));
    let expected = ["class", "created_at", "expires_at", "fingerprint", "id", "last_used_at", "revoked_at", "status"];
    assert_eq!(members(&keys[0]), expected);
    let id = keys[0]["id"].to_string();
    assert_eq!(admin(&cli, &["keys", "revoke", &id])["key"]["status"], "revoked");
    let lacking = admin(&cli, &["keys", "mint", "studio-a"]);
    assert_eq!(
        [is_key(&lacking["metered_key"]), is_key(&lacking["reserved_key"])].iter().filter(|made| **made).count(),
        1
    );
}

#[test]
fn renamed_account_keeps_its_id_keys_and_status() {
    let cli = Cli::new();
    let server = CliServer::start(&cli, &[]);
    let made = admin(&cli, &["account", "create", "studio-a"]);
    admin(&cli, &["account", "create", "studio-b"]);
    admin(&cli, &["activate", "studio-a"]);
    let renamed = admin(&cli, &["account", "rename", "studio-a", "North Studio"]);
    let expected = json!({"id": made["account"]["id"], "name": "North Studio", "status": "active", "dinks": 0});
    assert_eq!(renamed, json!({ "account": expected }));
    let (status, account) = server.get("/api/account", made["metered_key"].as_str().unwrap());
    assert_eq!((status, &account["name"]), (200, &json!("North Studio")));
    let entry = &admin(&cli, &["audit"])["entries"][0];
    assert_eq!((&entry["action"], &entry["subject"]), (&json!("account.rename"), &json!("North Studio")));
    assert_eq!(entry["details"], "was studio-a");
    for (args, words) in [
        (["studio-a", "x"], "no account named studio-a"),
        (["North Studio", "studio-b"], "already an account named studio-b"),
        (["North Studio", " x"], "white space"),
    ] {
        let output = cli.run(&["admin", "account", "rename", args[0], args[1]]);
        assert!(output.status != 0 && output.err.contains(words), "{output:?}");
    }
}

#[test]
fn selling_more_dinks_than_live_slots_prints_a_warning() {
    let cli = Cli::new();
    admin(&cli, &["account", "create", "studio"]);
    let output = cli.run(&["admin", "dinks", "set", "studio", "2", "--json"]);
    assert_eq!((output.status, &output.json()["account"]["dinks"]), (0, &json!(2)), "{output:?}");
    assert!(output.err.contains("2 dinks sold"), "{output:?}");
    let shown = admin(&cli, &["dinks", "show"]);
    assert_eq!((&shown["sold"], &shown["live_slots"]), (&json!(2), &json!(0)));
    assert_eq!((&shown["history"][0]["account"], &shown["history"][0]["dinks"]), (&json!("studio"), &json!(2)));
    let output = cli.run(&["admin", "dinks", "set", "studio", "0"]);
    assert!(output.status == 0 && output.err.is_empty(), "{output:?}");
}

#[test]
fn running_server_applies_admin_changes_to_the_next_request() {
    let cli = Cli::new();
    let server = CliServer::start(&cli, &[]);
    let made = admin(&cli, &["account", "create", "studio"]);
    let (metered, reserved) = (made["metered_key"].as_str().unwrap(), made["reserved_key"].as_str().unwrap());
    let status = |key: &str| server.get("/api/account", key).0;

    assert_eq!(status(metered), 401);
    admin(&cli, &["activate"]);
    assert_eq!((status(metered), status(reserved)), (200, 403));
    admin(&cli, &["dinks", "set", "studio", "1"]);
    assert_eq!(status(reserved), 200);
    admin(&cli, &["account", "deactivate", "studio"]);
    assert_eq!((status(metered), status(reserved)), (401, 401));
    admin(&cli, &["activate", "studio"]);
    assert_eq!(status(metered), 200);
    let keys = admin(&cli, &["keys", "list", "studio"])["keys"].clone();
    let key = keys.as_array().unwrap().iter().find(|key| key["class"] == "metered").unwrap();
    admin(&cli, &["keys", "revoke", &key["id"].to_string()]);
    assert_eq!((status(metered), status(reserved)), (401, 200));

    let second = cli.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status, 1, "a second server on the same data directory: {second:?}");
}

#[test]
fn join_token_contains_the_server_url_once_a_server_has_run() {
    let cli = Cli::new();
    let ticket = || {
        let output = cli.run(&["admin", "nodes", "token", "--json"]);
        assert_eq!(output.status, 0, "{output:?}");
        JoinTicket::decode(output.json()["join_token"].as_str().unwrap()).unwrap()
    };
    assert_eq!(ticket().server, None);
    let server = CliServer::start(&cli, &[]);
    assert_eq!(ticket().server.as_deref(), Some(server.url.as_str()));
    drop(server);
    let _server = CliServer::start(&cli, &["--public-url", "https://clips.lan/"]);
    assert_eq!(ticket().server.as_deref(), Some("https://clips.lan"));
    assert_eq!(admin(&cli, &["nodes", "list"]), json!({ "nodes": [] }));
}

#[cfg(unix)]
#[test]
fn server_exits_successfully_on_sigterm_and_keeps_its_local_nodes() {
    let cli = Cli::new();
    let port = cli.home().join("port");
    let server = CliServer::start(&cli, &["--port-file", port.to_str().unwrap(), "--local-nodes", "2"]);
    assert_eq!(std::fs::read_to_string(&port).unwrap().trim(), server.url.trim_start_matches("https://"));
    assert!(server.terminate().success());
    // Local nodes keep their identity over a restart.
    let server = CliServer::start(&cli, &["--local-nodes", "2"]);
    let nodes = admin(&cli, &["nodes", "list"])["nodes"].clone();
    assert_eq!(
        nodes.as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["local-1", "local-2"]
    );
    assert!(server.terminate().success());
}
