//! `admin keys` and `admin audit`.

use serde_json::Value;

use crate::support::cli::Cli;
use crate::support::cli_server::CliServer;
use crate::support::process::Appliance;

fn admin(cli: &Cli, args: &[&str]) -> Value {
    let output = cli.run(&[&["--json", "admin"], args].concat());
    assert_eq!(output.status, 0, "{args:?}: {output:?}");
    output.json()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} in {value}"))
}

#[test]
fn rotate_prints_only_the_new_key() {
    let cli = Cli::new();
    let made = admin(&cli, &["account", "create", "studio"]);
    for class in ["metered", "reserved"] {
        let member = format!("{class}_key");
        let rotated = admin(&cli, &["keys", "rotate", "studio", "--class", class]);
        assert_eq!(rotated.as_object().unwrap().keys().collect::<Vec<_>>(), [&member]);
        assert!(text(&rotated, &member).len() == 36 && rotated[&member] != made[&member]);
    }
    let keys = admin(&cli, &["keys", "list", "studio"])["keys"].clone();
    let states: Vec<_> = keys.as_array().unwrap().iter().map(|key| text(key, "status")).collect();
    assert_eq!(states, ["revoked", "revoked", "live", "live"]);

    admin(&cli, &["keys", "rotate", "studio", "--class", "metered", "--overlap", "24h"]);
    let keys = admin(&cli, &["keys", "list", "studio"])["keys"].clone();
    let overlapping: Vec<_> = keys.as_array().unwrap().iter().filter(|key| !key["expires_at"].is_null()).collect();
    assert_eq!(overlapping.len(), 1);
    assert_eq!((text(overlapping[0], "status"), &overlapping[0]["revoked_at"]), ("live", &Value::Null));
    for wrong in [["--class", "gold"], ["--overlap", "soon"], ["--overlap", "91d"]] {
        let line = [&["admin", "keys", "rotate", "studio", "--class", "metered"], &wrong[..]].concat();
        assert_eq!(cli.run(&line).status, 2, "{wrong:?}");
    }
    assert_eq!(cli.run(&["admin", "keys", "rotate", "studio"]).status, 2, "--class is required");
}

#[test]
fn identify_reads_the_key_from_stdin_and_never_prints_it() {
    let cli = Cli::new();
    let made = admin(&cli, &["account", "create", "studio"]);
    let key = text(&made, "reserved_key").to_owned();
    let identify = |input: &str, json: bool| {
        let args: &[&str] =
            if json { &["admin", "keys", "identify", "--json"] } else { &["admin", "keys", "identify"] };
        let output = cli.run_with_input(input, args);
        assert!(!output.out.contains(&key) && !output.err.contains(&key), "{output:?}");
        output
    };
    let found = identify(&format!("{key}\n"), true).json();
    assert_eq!((text(&found["account"], "name"), text(&found["key"], "class")), ("studio", "reserved"));
    assert_eq!(
        (text(&found["key"], "status"), &found["live"]),
        ("live", &Value::from(false)),
        "the account is not active yet"
    );
    admin(&cli, &["activate"]);
    assert_eq!(identify(&key, true).json()["live"], true);
    let shown = identify(&key, false);
    assert!(
        shown.status == 0 && shown.out.contains("studio") && shown.err.contains("admin jobs list --key"),
        "{shown:?}"
    );
    admin(&cli, &["keys", "revoke", &found["key"]["id"].to_string()]);
    let gone = identify(&key, true).json();
    assert_eq!((text(&gone["key"], "status"), &gone["live"]), ("revoked", &Value::from(false)));
    for input in ["", "hello", "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234"] {
        let output = identify(input, true);
        assert_eq!((output.status, output.out.as_str(), output.err.lines().count()), (1, "", 1), "{output:?}");
    }
}

#[test]
fn audit_records_who_did_what_and_when_even_under_sudo() {
    let cli = Cli::new();
    admin(&cli, &["account", "create", "studio"]);
    let output = cli.run_in(&[("SUDO_USER", "alice")], &["admin", "activate"]);
    assert_eq!(output.status, 0, "{output:?}");
    let entries = admin(&cli, &["audit", "--limit", "2"])["entries"].clone();
    let actual: Vec<_> = entries.as_array().unwrap().iter().map(|entry| text(entry, "action")).collect();
    assert_eq!(actual, ["account.activate", "keys.mint"]);
    let myself = String::from_utf8(std::process::Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    assert_eq!(text(&entries[0], "actor"), format!("alice (sudo as {})", myself.trim()));
    assert_eq!(text(&entries[1], "actor"), myself.trim());
    assert!(text(&entries[0], "at").ends_with('Z') && text(&entries[0], "subject") == "studio");
    let shown = cli.run(&["admin", "audit"]);
    assert_eq!((shown.status, shown.out.lines().count()), (0, 5), "{shown:?}");
}

#[test]
fn audit_entries_cannot_be_changed_or_deleted() {
    let cli = Cli::new();
    let data = cli.make_data_dir("data");
    let args = ["--data-dir", data.to_str().unwrap(), "admin", "account", "create", "studio"];
    assert_eq!(cli.run(&args).status, 0);
    let store = rusqlite::Connection::open(data.join("store.db")).unwrap();
    for statement in ["DELETE FROM audit", "UPDATE audit SET actor = 'nobody'", "DELETE FROM audit WHERE id = 1"] {
        let refused = store.execute(statement, []).unwrap_err().to_string();
        assert!(refused.contains("only added to"), "{statement}: {refused}");
    }
    let rows: i64 = store.query_row("SELECT COUNT(*) FROM audit", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 3);
}

#[cfg(unix)]
#[test]
fn stopping_server_saves_last_use_of_keys() {
    let cli = Cli::new();
    let server = CliServer::start(&cli, &[]);
    let made = admin(&cli, &["account", "create", "studio"]);
    admin(&cli, &["activate"]);
    assert_eq!(server.get("/api/account", text(&made, "metered_key")).0, 200);
    assert!(server.terminate().success());
    let keys = admin(&cli, &["keys", "list", "studio"])["keys"].clone();
    for key in keys.as_array().unwrap() {
        assert_eq!(key["last_used_at"].is_null(), text(key, "class") == "reserved", "{key}");
    }
}

/// The contract's responses, byte for byte, while `admin` runs in other processes.
#[test]
fn real_server_follows_the_contract_from_sign_up_to_deactivation() {
    let appliance = Appliance::start(&[]);
    let request = |key: Option<&str>| {
        let (status, body) = appliance.raw("GET", "/api/clips", key, None);
        (status, String::from_utf8(body).unwrap())
    };
    let answers = |status: u16, message: &str| (status, format!("{{\"error\":\"{message}\"}}"));
    let (missing, invalid) = (answers(401, "Missing or invalid API key"), answers(401, "Invalid API key"));
    let no_dinks = answers(403, "No reserved capacity provisioned");
    assert_eq!(request(None), missing);
    assert_eq!(request(Some("YOUR_API_KEY")), missing);
    assert_eq!(request(Some("3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234")), invalid);

    let made = appliance.admin(&["account", "create", "studio"]);
    let (metered, reserved) = (text(&made, "metered_key"), text(&made, "reserved_key"));
    assert_eq!(
        (request(Some(metered)), request(Some(reserved))),
        (invalid.clone(), invalid.clone()),
        "the account is not active yet"
    );
    appliance.admin(&["activate"]);
    assert_eq!((request(Some(metered)).0, request(Some(reserved))), (200, no_dinks.clone()));
    appliance.admin(&["dinks", "set", "studio", "1"]);
    assert_eq!(request(Some(reserved)).0, 200);
    appliance.admin(&["dinks", "set", "studio", "0"]);
    assert_eq!(request(Some(reserved)), no_dinks);
    let rotated = appliance.admin(&["keys", "rotate", "studio", "--class", "metered"]);
    assert_eq!((request(Some(metered)), request(Some(text(&rotated, "metered_key"))).0), (invalid.clone(), 200));
    appliance.admin(&["account", "deactivate", "studio"]);
    assert_eq!((request(Some(text(&rotated, "metered_key"))), request(Some(reserved))), (invalid.clone(), invalid));
}
