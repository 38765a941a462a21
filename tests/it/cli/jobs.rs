//! `admin jobs` and `admin nodes` beside a running server.

use serde_json::{Value, json};

use crate::support::appliance::good_job;
use crate::support::process::{Appliance, run};
use crate::support::wait::until;

/// A node's API calls.
struct Node<'a> {
    appliance: &'a Appliance,
    key: String,
}

impl<'a> Node<'a> {
    fn join(appliance: &'a Appliance, name: &str) -> Self {
        let token = appliance.admin(&["nodes", "token"])["join_token"].as_str().unwrap().to_owned();
        let body = json!({ "join_token": token, "name": name });
        let (status, bytes) = appliance.raw("POST", "/api/node/join", None, Some(body.to_string().into_bytes()));
        assert_eq!(status, 201);
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        Self { appliance, key: answer["node_key"].as_str().unwrap().to_owned() }
    }

    /// Claims without waiting: the path of the lease and the job's id.
    fn claim(&self) -> Option<(String, String)> {
        let body = json!({ "wait_seconds": 0, "renderers": ["builtin"], "slots": 1 });
        let (status, claim) = self.appliance.call("POST", "/api/node/claims", &self.key, Some(&body));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (status == 200).then(|| (format!("/api/node/leases/{}", claim["lease"]), text(&claim["job"]["id"])))
    }

    fn heartbeat(&self, lease: &str) -> (u16, Value) {
        let body = json!({ "stage": "rendering", "progress": 0.5 });
        self.appliance.call("PUT", lease, &self.key, Some(&body))
    }

    fn fail(&self, lease: &str, log: &str) {
        let body = json!({ "code": "render_failed", "message": "It broke.", "retry": "never", "log": log });
        assert_eq!(self.appliance.call("POST", &format!("{lease}/fail"), &self.key, Some(&body)).0, 200);
    }
}

/// Runs an `admin` command that must fail; its message.
fn refused(appliance: &Appliance, args: &[&str]) -> String {
    let data = appliance.data_dir();
    let (status, out, err) = run(&[&["--data-dir", data.to_str().unwrap(), "admin"], args].concat());
    assert_eq!((status.code(), out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
    err
}

#[test]
fn leaked_keys_jobs_can_be_found_and_cancelled_and_the_key_revoked() {
    let appliance = Appliance::start_plain(&[]);
    let leaked = appliance.account("studio");
    let good = appliance.account("other");
    let node = Node::join(&appliance, "render-1");
    let (first, second) = (appliance.submit(&leaked, &good_job()), appliance.submit(&leaked, &good_job()));
    appliance.submit(&good, &good_job());
    let (lease, claimed) = until("the first job", || node.claim());
    assert_eq!(claimed, first);

    let keys = appliance.admin(&["keys", "list", "studio"])["keys"].clone();
    let metered = keys.as_array().unwrap().iter().find(|key| key["class"] == "metered").unwrap()["id"].to_string();
    let found = appliance.admin(&["jobs", "list", "--key", &metered])["jobs"].clone();
    let actual: Vec<_> =
        found.as_array().unwrap().iter().map(|job| (&job["id"], &job["status"], &job["node"])).collect();
    assert_eq!(
        actual,
        [(&json!(second), &json!("queued"), &Value::Null), (&json!(first), &json!("rendering"), &json!("render-1"))]
    );
    assert_eq!(found[0]["waiting_because"], "the only node is busy; it takes turns with 1 other account");
    assert_eq!((&found[0]["account"], &found[0]["key_id"].to_string()), (&json!("studio"), &metered));

    appliance.admin(&["keys", "revoke", &metered]);
    assert_eq!(appliance.call("GET", "/api/account", &leaked, None).0, 401);
    for id in [&first, &second] {
        assert_eq!(appliance.admin(&["jobs", "cancel", id])["job"]["status"], "cancelled");
        assert!(refused(&appliance, &["jobs", "cancel", id]).contains("already ended (cancelled)"));
    }
    let (status, answer) = node.heartbeat(&lease);
    assert_eq!((status, &answer["code"]), (409, &json!("cancelled")));
    assert_eq!(
        appliance.admin(&["jobs", "list", "--account", "other", "--status", "queued"])["jobs"][0]["account"],
        "other"
    );
}

#[test]
fn failed_job_shows_its_error_and_can_be_retried() {
    let appliance = Appliance::start_plain(&[]);
    let key = appliance.account("studio");
    let node = Node::join(&appliance, "render-1");
    let id = appliance.submit(&key, &good_job());
    let (lease, _) = until("the job", || node.claim());
    assert!(refused(&appliance, &["jobs", "retry", &id]).contains("has not ended"));
    node.fail(&lease, "frame 7\nout of \u{1b}[31mpaint");

    let log = appliance.admin(&["jobs", "log", &id]);
    assert_eq!((&log["job"]["status"], log["attempts"].as_array().map(Vec::len)), (&json!("failed"), Some(1)));
    let attempt = &log["attempts"][0];
    assert_eq!((&attempt["node"], &attempt["outcome"]), (&json!("render-1"), &json!("failed")));
    assert_eq!(attempt["error"], json!({ "code": "render_failed", "message": "It broke." }));
    let data = appliance.data_dir();
    let (status, out, _) = run(&["--data-dir", data.to_str().unwrap(), "admin", "jobs", "log", &id]);
    assert!(status.success() && out.contains("frame 7") && out.contains("It broke."), "{out}");
    assert!(!out.contains('\u{1b}'), "control characters of a renderer are removed: {out:?}");

    assert_eq!(appliance.admin(&["jobs", "retry", &id])["job"]["attempts"], 0);
    assert_eq!(appliance.job(&key, &id)["status"], "queued");
    let (again, claimed) = until("the job again", || node.claim());
    assert!(claimed == id && again != lease);
    let shown = appliance.admin(&["jobs", "show", &id])["job"].clone();
    assert_eq!(
        (&shown["status"], &shown["node"], &shown["error"]),
        (&json!("rendering"), &json!("render-1"), &Value::Null)
    );
    assert!(refused(&appliance, &["jobs", "show", "01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d"]).contains("no job"));
}

#[test]
fn node_is_drained_resumed_and_removed_while_the_server_runs() {
    let appliance = Appliance::start_plain(&[]);
    let key = appliance.account("studio");
    let node = Node::join(&appliance, "render-1");
    assert!(node.claim().is_none(), "the node has announced its slots");
    let id = appliance.submit(&key, &good_job());
    assert_eq!(appliance.admin(&["nodes", "drain", "render-1"])["node"]["draining"], true);
    assert!(node.claim().is_none());
    assert_eq!(appliance.admin(&["nodes", "list"])["nodes"][0]["state"], "draining");
    assert_eq!(appliance.job(&key, &id)["waiting_because"], "every node that could take it is draining");
    let seen = appliance.admin(&["jobs", "show", &id])["job"]["waiting_because"].clone();
    assert_eq!(seen, "every node that could take it is draining");
    appliance.admin(&["nodes", "resume", "render-1"]);
    let (lease, _) = until("the job", || node.claim());

    assert_eq!(appliance.admin(&["nodes", "remove", "render-1"])["jobs_put_back"], 1);
    assert_eq!(node.heartbeat(&lease).0, 401);
    assert_eq!(appliance.job(&key, &id)["status"], "queued");
    assert_eq!(appliance.admin(&["nodes", "list"])["nodes"], json!([]));
    assert!(refused(&appliance, &["nodes", "drain", "render-1"]).contains("no node named render-1"));
    let done: Vec<_> = appliance.admin(&["audit", "--limit", "3"])["entries"].as_array().unwrap().clone();
    assert_eq!(
        done.iter().map(|entry| entry["action"].as_str().unwrap()).collect::<Vec<_>>(),
        ["nodes.remove", "nodes.resume", "nodes.drain"]
    );
}

/// Runs an `admin` command that prints for people.
fn printed(appliance: &Appliance, args: &[&str]) -> String {
    let data = appliance.data_dir();
    let (status, out, err) = run(&[&["--data-dir", data.to_str().unwrap(), "admin"], args].concat());
    assert!(status.success(), "{args:?}: {err}");
    out
}

#[test]
fn short_id_from_a_table_names_the_job_everywhere() {
    let appliance = Appliance::start_plain(&[]);
    let key = appliance.account("studio");
    let id = appliance.submit(&key, &good_job());
    let short = &id[id.len() - 8..];
    let table = printed(&appliance, &["jobs", "list"]);
    let row = table.lines().nth(1).unwrap();
    assert!(row.starts_with(&format!("{short}  queued ")) && !table.contains(&id), "{table}");
    for command in ["show", "log", "cancel", "retry"] {
        assert_eq!(appliance.admin(&["jobs", command, short])["job"]["id"], id.as_str(), "{command}");
    }
    assert_eq!(appliance.admin(&["jobs", "show", &short.to_uppercase()])["job"]["id"], id.as_str());
    let unknown = refused(&appliance, &["jobs", "show", "00000000"]);
    assert!(unknown.contains("ends in 00000000") && unknown.contains("admin jobs list"), "{unknown}");

    // A second job whose id has the same end.
    let other = format!("01940f3c-7a1e-7c3b-9f00-5a4e{short}");
    let second = appliance.submit(&key, &good_job());
    let store = rusqlite::Connection::open(appliance.data_dir().join("store.db")).unwrap();
    let blob = |id: &str| uuid::Uuid::parse_str(id).unwrap().as_bytes().to_vec();
    let changed = store.execute("UPDATE jobs SET public_id = ?1 WHERE public_id = ?2", (blob(&other), blob(&second)));
    assert_eq!(changed.unwrap(), 1);
    let ambiguous = refused(&appliance, &["jobs", "show", short]);
    assert!(ambiguous.contains(&id) && ambiguous.contains(&other), "{ambiguous}");
}

#[test]
fn status_shows_nodes_queue_failures_disk_and_certificate() {
    let appliance = Appliance::start_plain(&[]);
    let key = appliance.account("studio");
    let node = Node::join(&appliance, "render-1");
    let failed = appliance.submit(&key, &good_job());
    let (lease, _) = until("the job", || node.claim());
    node.fail(&lease, "");
    let rendering = appliance.submit(&key, &good_job());
    until("the job", || node.claim());
    appliance.submit(&key, &good_job());

    let status = appliance.admin(&["status"]);
    assert_eq!((&status["nodes"][0]["name"], &status["nodes"][0]["jobs"]), (&json!("render-1"), &json!([rendering])));
    let queue = status["queue"].as_array().unwrap().iter().find(|class| class["job_type"] == "metered").unwrap();
    assert_eq!((&queue["jobs"], &queue["waiting_because"]), (&json!(1), &json!("the only node is busy")));
    assert_eq!(
        (&status["failures"][0]["id"], &status["failures"][0]["error"]["code"]),
        (&json!(failed), &json!("render_failed"))
    );
    assert!(status["disk"]["reserve_bytes"].is_u64(), "{status}");

    let screen = printed(&appliance, &["status"]);
    for part in
        ["render-1", &rendering[28..], &failed[28..], "the only node is busy", "render_failed", "Disk: ", "just now"]
    {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    for args in [&["status"][..], &["jobs", "list"], &["nodes", "list"], &["audit"], &["keys", "list", "studio"]] {
        let shown = printed(&appliance, args);
        let wide: Vec<_> = shown.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, [""; 0], "{args:?} fits 80 columns");
    }
}
