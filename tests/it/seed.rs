//! The seeded store is one that the program accepts and shows.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::process::{Appliance, run};
use crate::support::seed;

/// A smaller studio, which is seeded faster.
const SMALL: [&str; 10] = ["--nodes", "40", "--waiting", "300", "--finished", "400", "--clips", "1", "--ahead", "240"];

#[test]
fn seeded_store_is_served_and_shows_every_state() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let seeded = seed::fill(&data, &SMALL);
    let appliance = Appliance::start_on(folder, &["--lease-seconds", "3600"]);

    let nodes = appliance.admin(&["nodes", "list"]);
    let states: BTreeSet<&str> =
        nodes["nodes"].as_array().unwrap().iter().map(|node| node["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["benched", "draining", "gone", "stopped", "up"].into());

    let (open, _) = appliance.faults(&[]);
    assert_eq!(open, ["node_versions", "node_key_shared"], "what is wrong is seeded");

    let key = seeded["accounts"][0]["metered_key"].as_str().unwrap();
    let (status, account) = appliance.call("GET", "/api/account", key, None);
    assert_eq!((status, &account["name"]), (200, &Value::from("Nordclip")));
    let show = |kind: &str| {
        let id = seeded["jobs"][kind].as_str().unwrap_or_else(|| panic!("no {kind} in {seeded}"));
        appliance.admin(&["jobs", "show", id])["job"].take()
    };
    for kind in ["done", "failed", "failed_with_attempts", "cancelled", "rendering", "queued", "waiting_for_build"] {
        let job = show(kind);
        assert_eq!(job["status"] == "queued", job["waiting_because"].is_string(), "{kind}: {job}");
    }
    assert_eq!(show("failed_with_attempts")["attempts"], 3);
    let waiting = show("queued");
    let why = waiting["waiting_because"].as_str().unwrap();
    assert!(why.starts_with("all ") && why.contains(" nodes are busy"), "{why}");

    let done = show("done");
    let (status, video) = appliance.raw("GET", done["clip"]["url"].as_str().unwrap(), None, None);
    assert_eq!((status, &video[4..8]), (200, &b"ftyp"[..]), "the newest clips are real");
}

#[test]
fn directory_of_an_appliance_is_not_seeded_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let few = ["--nodes", "12", "--waiting", "5", "--finished", "30", "--clips", "0"];
    seed::fill(&data, &few);
    assert!(std::panic::catch_unwind(|| seed::fill(&data, &few)).is_err());
    let (status, _, err) = run(&["--data-dir", data.to_str().unwrap(), "admin", "status"]);
    assert!(status.success(), "{err}");
}
