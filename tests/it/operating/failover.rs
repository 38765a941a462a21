//! A standby takes the place of a server that died before everything was replicated: its leases are never taken for those
//! of the other, and it tells what may be lost.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use dinkem_appliance::store::Store;
use serde_json::{Value, json};
use uuid::Builder;

use crate::support::appliance::good_job;
use crate::support::epochs::epoch_of;
use crate::support::process::{Appliance, run};

const LONG_LEASES: [&str; 2] = ["--lease-seconds", "600"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn joined(server: &Appliance) -> String {
    let token = server.admin(&["nodes", "token"])["join_token"].clone();
    let body = json!({"join_token": token, "name": "rack"}).to_string().into_bytes();
    let (status, answer) = server.raw("POST", "/api/node/join", None, Some(body));
    assert_eq!(status, 201);
    serde_json::from_slice::<Value>(&answer).unwrap()["node_key"].as_str().unwrap().to_owned()
}

/// The lease and the job of a claim.
fn claim(server: &Appliance, node: &str) -> (i64, String) {
    let body = json!({"wait_seconds": 0, "renderers": ["builtin"], "slots": 8});
    let (status, claim) = server.call("POST", "/api/node/claims", node, Some(&body));
    assert_eq!(status, 200, "{claim}");
    (claim["lease"].as_i64().unwrap(), claim["job"]["id"].as_str().unwrap().to_owned())
}

fn submit(server: &Appliance, key: &str) -> String {
    server.submit(key, &good_job())
}

/// Status and code of an answer.
fn refusal((status, answer): (u16, Value)) -> (u16, String) {
    (status, answer["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn promoted_standby_refuses_the_leases_of_the_old_primary_and_names_its_lost_jobs() {
    let mut primary = Appliance::start_plain(&LONG_LEASES);
    let (key, other) = (primary.account("studio"), primary.account("other"));
    let node = joined(&primary);
    let token = primary.admin(&["nodes", "token"])["join_token"].clone();
    let kept = [submit(&primary, &key), submit(&primary, &key)];
    let (first, _) = claim(&primary, &node);

    // What a replica has: the store alone, readable by everybody.
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    Store::beside(&primary.data_dir()).unwrap().copy_to(&data.join("store.db")).unwrap();
    set_mode(&data.join("store.db"), 0o644);
    set_mode(&data, 0o700);

    // What happens before the primary dies.
    let lost = submit(&primary, &key);
    let late: Vec<i64> = [claim(&primary, &node), claim(&primary, &node)].map(|(lease, _)| lease).to_vec();
    let old_epoch = epoch_of(&primary.data_dir());
    primary.server().kill();

    let at = ["--data-dir", data.to_str().unwrap()];
    let serve = [&["serve"], &at[..], &["--listen", "127.0.0.1:0", "--plain-http", "loopback"]].concat();
    let (status, _, err) = run(&serve);
    let command = format!("dinkem-appliance admin --data-dir {} promote", data.display());
    assert!(
        !status.success() && err.contains("the file epoch next to it is missing") && err.contains(&command),
        "{err}"
    );

    set_mode(&data, 0o755);
    let (status, out, err) = run(&[&["--json"], &at[..], &["admin", "promote"]].concat());
    assert!(status.success(), "{err}");
    let promoted: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (promoted["jobs_put_back"].as_i64(), mode(&data), mode(&data.join("store.db"))),
        (Some(1), 0o700, 0o600)
    );
    let epoch = epoch_of(&data);
    assert!(epoch != old_epoch && promoted["epoch"] == epoch.as_str(), "{promoted}");

    let standby = Appliance::start_on(folder, &LONG_LEASES);
    // The old node, which holds leases of the old primary.
    let beat = json!({"stage": "rendering", "progress": 0.5});
    let numbers = [&[first], &late[..]].concat();
    let names = numbers.iter().flat_map(|number| [number.to_string(), format!("{old_epoch}-{number}")]);
    for name in names.chain([format!("{epoch}-{first}")]) {
        let answer = standby.call("PUT", &format!("/api/node/leases/{name}"), &node, Some(&beat));
        assert_eq!(refusal(answer), (409, "lost".into()), "{name}");
    }
    let granted = [claim(&standby, &node), claim(&standby, &node)];
    assert!(granted.iter().all(|(lease, job)| *lease > 1_000_000 && kept.contains(job)), "{granted:?}");
    let join = json!({"join_token": token, "name": "late"}).to_string().into_bytes();
    assert_eq!(standby.raw("POST", "/api/node/join", None, Some(join)).0, 403, "tokens are void");

    let call = |method: &str, id: &str, more: &str, key: &str| {
        refusal(standby.call(method, &format!("/api/clips/{id}{more}"), key, None))
    };
    for (method, more) in [("GET", ""), ("GET", "?wait=1"), ("DELETE", ""), ("POST", "/link")] {
        assert_eq!(call(method, &lost, more, &key), (404, "lost_in_failover".into()), "{method} {more}");
    }
    let (_, answer) = standby.call("GET", &format!("/api/clips/{lost}"), &key, None);
    assert!(answer["error"].as_str().unwrap().contains("submit it again"), "{answer}");
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let timed = |at_ms| Builder::from_unix_timestamp_millis(at_ms, &[7; 10]).into_uuid().to_string();
    let unknown = [
        timed(now_ms - 3_600_000),
        timed(now_ms + 60_000),
        Builder::from_random_bytes([7; 16]).into_uuid().to_string(),
    ];
    for id in &unknown {
        assert_eq!(call("GET", id, "", &key), (404, "not_found".into()), "{id}");
    }
    assert_eq!(call("GET", &kept[0], "", &other), (404, "not_found".into()), "another account's job is not lost");
    assert_eq!(standby.job(&key, &kept[0])["status"], "rendering");
    submit(&standby, &key);

    for command in ["show", "cancel", "retry", "log"] {
        let at = standby.data_dir().display().to_string();
        let (status, _, err) = run(&["--data-dir", &at, "admin", "jobs", command, &lost]);
        let named = ["lost_from", "lost_until"].map(|bound| promoted[bound].as_str().unwrap());
        assert!(!status.success() && named.iter().all(|bound| err.contains(bound)), "{command}: {err}");
    }

    let window = json!({"from": promoted["lost_from"], "until": promoted["lost_until"]});
    // Doctor has a word about the node, which does not say its version.
    let (_, out, _) =
        run(&[&["--json", "--data-dir", standby.data_dir().to_str().unwrap()], &["admin", "doctor"][..]].concat());
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["lost"], json!([window]));
    let audit = standby.admin(&["audit"])["entries"].to_string();
    for bound in ["lost_from", "lost_until"] {
        assert!(audit.contains(promoted[bound].as_str().unwrap()), "{audit}");
    }
}
