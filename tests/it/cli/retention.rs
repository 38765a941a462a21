//! `admin retention`, `admin clips`, `admin storage` and `admin account quota`, beside a running server.

use std::slice;
use std::time::Duration;

use dinkem_appliance::app::upkeep::retention::run;
use dinkem_appliance::app::{demos, jobs, leases};
use dinkem_appliance::domain::job::Caller;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::support::cli::{Cli, CliOutput};
use crate::support::test_app::{TestApp, spec};
use crate::support::video::{CLIP, POSTER};

/// A server with two clips, a demo and a cancelled job, all ten days old, and a newer job.
struct Site {
    test: TestApp,
    cli: Cli,
    caller: Caller,
    /// The ids of the clips' jobs, oldest first.
    clips: Vec<String>,
}

impl Site {
    fn new() -> Self {
        let test = TestApp::start();
        test.clock.set(SystemClock::new().now_ms() - 10 * 86_400_000 - 3_600_000);
        let (caller, _) = test.account("studio");
        let node = test.node("n");
        let mut clips = Vec::new();
        for _ in 0..2 {
            let id = jobs::submit(&test.app, &caller, spec()).unwrap().job.public_id;
            let lease = test.claim(&node).unwrap().lease.id;
            assert!(leases::append_video(&test.app, &node, lease, 0, &mut &CLIP[..]).is_ok());
            leases::put_poster(&test.app, &node, lease, &mut &POSTER[..]).unwrap();
            leases::complete(&test.app, &node, lease, Sha256::of(&*CLIP).into()).unwrap();
            clips.push(id.to_string());
            test.clock.advance(Duration::from_secs(60));
        }
        demos::receive(&test.app, &caller, &mut &b"PBDEMS2\0 and so on"[..]).unwrap();
        let cancelled = jobs::submit(&test.app, &caller, spec()).unwrap().job.public_id;
        jobs::remove(&test.app, &caller, cancelled).unwrap();
        test.clock.set(SystemClock::new().now_ms());
        jobs::submit(&test.app, &caller, spec()).unwrap();
        Self { test, cli: Cli::with_empty_home(), caller, clips }
    }

    /// An `admin` command line.
    fn admin(&self, line: &str) -> CliOutput {
        let dir = self.test.dir.path().to_str().unwrap();
        let words: Vec<_> = line.split(' ').collect();
        self.cli.run(&[&["--data-dir", dir, "admin"], &words[..]].concat())
    }

    /// The JSON of one that must succeed.
    fn json(&self, line: &str) -> Value {
        let output = self.admin(&format!("{line} --json"));
        assert_eq!(output.status, 0, "{line}: {output:?}");
        output.json()
    }

    fn rules(&self) -> Value {
        self.json("retention show")["rules"].clone()
    }
}

#[test]
fn rule_is_previewed_and_set_only_with_consent_and_then_applied_by_the_server() {
    let site = Site::new();
    assert_eq!(site.admin("retention show").out, "No rules: nothing is deleted.\n");
    let bytes = 2 * CLIP.len();

    let dry = site.admin("retention set clips --max-age 9d --dry-run");
    assert_eq!(dry.status, 0, "{dry:?}");
    assert!(dry.out.starts_with("clips, all accounts: at most 9 days\ngoes now: 2 clips, "), "{dry:?}");
    assert!(dry.out.contains("10 days ago") && dry.err.contains("Nothing was changed."), "{dry:?}");
    let refused = site.admin("retention set clips --max-age 9d");
    assert!(
        refused.status == 2 && refused.err.contains("deletes 2 clips") && refused.err.contains("--yes"),
        "{refused:?}"
    );
    let refused = site.admin("retention set clips --max-age 9d --json");
    assert_eq!((refused.status, refused.out.as_str()), (2, ""), "{refused:?}");
    assert_eq!(site.rules(), json!([]));

    let preview = site.json("retention set clips --max-age 9d --dry-run");
    assert_eq!((&preview["set"], &preview["would_delete"]["count"]), (&json!(false), &json!(2)));
    assert_eq!(preview["would_delete"]["bytes"], json!(bytes));
    assert!(preview["would_delete"]["oldest_at"].as_str() < preview["would_delete"]["newest_at"].as_str(), "{preview}");
    let set = site.json("retention set clips --max-age 9d --max-bytes 1TB --yes");
    let rule =
        json!({"kind": "clips", "account": null, "max_age_seconds": 777_600, "max_bytes": 1_000_000_000_000_u64});
    assert_eq!((&set["rule"], &set["would_delete"], &set["set"]), (&rule, &preview["would_delete"], &json!(true)));
    assert_eq!(site.rules()[0]["would_delete"], preview["would_delete"]);
    assert!(site.admin("retention show").out.contains("2 clips, "));

    // Nothing to delete: nobody is asked.
    assert_eq!(site.admin("retention set jobs --max-age 30d").status, 0);
    assert_eq!(site.admin("retention set demos --account studio --keep").status, 0);
    assert_eq!(site.rules().as_array().unwrap().len(), 3);

    assert_eq!(run(&site.test.app).unwrap(), 2);
    assert_eq!(site.rules()[0]["would_delete"]["count"], 0);
    assert_eq!(site.json("clips list"), json!({"clips": []}));
    let jobs = site.json("retention set jobs --max-age 5d --yes");
    assert_eq!(jobs["would_delete"]["count"], 3, "the clips are gone by now");
    assert_eq!(run(&site.test.app).unwrap(), 3);
    let gone = site.admin(&format!("jobs show {}", site.clips[0]));
    assert_eq!(gone.status, 1, "{gone:?}");

    for line in
        ["retention set clips --keep", "retention set jobs --keep", "retention set demos --account studio --default"]
    {
        assert_eq!(site.json(line)["set"], true, "{line}");
    }
    assert_eq!(site.rules(), json!([]));
    let audit = site.json("audit");
    let entries = audit["entries"].as_array().unwrap();
    let of_rules: Vec<_> = entries.iter().filter(|entry| entry["action"] == "retention.set").collect();
    assert_eq!(of_rules.len(), 7, "{audit}");
    assert_eq!(of_rules[6]["details"], "no rule to 9 days and 1000000000000 bytes");
}

#[test]
fn wrong_rules_are_refused_with_what_is_possible() {
    let site = Site::new();
    let cases = [
        ("retention set clips", "--max-age"),
        ("retention set videos --max-age 9d", "clips, demos or jobs"),
        ("retention set jobs --max-age 23h", "one day"),
        ("retention set clips --max-age 0d", "above 0"),
        ("retention set clips --max-age 40000d", "36500d"),
        ("retention set clips --max-bytes 5B", "--yes"),
        ("retention set clips --max-bytes 5", "with a unit"),
        ("retention set clips --max-age 3m", "d or h"),
        ("retention set clips --max-bytes 5XB", "500GB"),
        ("retention set clips --keep --max-age 1d", "--keep"),
        ("retention set clips --default", "--account"),
        ("account quota studio --max-demos much", "100GB"),
        ("account quota studio", "--max-demos"),
        ("clips pin nonsense", "UUID"),
    ];
    for (line, part) in cases {
        let output = site.admin(line);
        assert_eq!((output.status, output.out.as_str()), (2, ""), "{line}: {output:?}");
        assert!(output.err.contains(part), "{line}: {output:?}");
    }
    let output = site.admin("retention set clips --account nobody --max-age 1d");
    assert!(output.status == 1 && output.err.contains("nobody"), "{output:?}");
    assert_eq!(site.rules(), json!([]));
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_a_rule_that_deletes_something_needs_a_yes() {
    if !crate::support::tools::have("script", "the question on a terminal") {
        return;
    }
    let site = Site::new();
    let line = format!("--data-dir {} admin retention set clips --max-bytes 0", site.test.dir.path().display());
    for (typed, status, rules) in [("\n", 1, 0), ("n\n", 1, 0), ("y\n", 0, 1)] {
        let output = super::dinks::on_a_terminal(&site.cli, typed, &line);
        assert!(output.out.contains("This rule deletes 2 clips, "), "{output:?}");
        assert_eq!((output.status, site.rules().as_array().unwrap().len()), (status, rules), "{typed:?}: {output:?}");
    }
}

#[test]
fn clips_are_listed_pinned_unpinned_and_deleted_by_the_operator() {
    let site = Site::new();
    let (first, second) = (&site.clips[0], &site.clips[1]);
    let ids = |list: &Value| -> Vec<String> {
        list["clips"].as_array().unwrap().iter().map(|clip| clip["id"].as_str().unwrap().to_owned()).collect()
    };
    let list = site.json("clips list");
    assert_eq!(ids(&list), [second.clone(), first.clone()]);
    let clip = &list["clips"][1];
    assert_eq!(
        (&clip["account"], &clip["bytes"], &clip["pinned"]),
        (&json!("studio"), &json!(CLIP.len()), &json!(false))
    );
    assert_eq!(ids(&site.json("clips list --limit 1")), slice::from_ref(second));

    assert_eq!(site.admin(&format!("clips pin {}", &first[28..])).out, format!("{first}: pinned\n"));
    assert_eq!(ids(&site.json("clips list --pinned")), slice::from_ref(first));
    let row = site.admin("clips list").out.lines().find(|line| line.contains(first.as_str())).unwrap().to_owned();
    assert!(row.contains("yes") && row.contains("10 days ago"), "{row}");
    assert_eq!(site.json("retention set clips --max-bytes 0 --dry-run")["would_delete"]["count"], 1);
    assert_eq!(site.json(&format!("clips pin {first} --unpin")), json!({"clip": {"id": first, "pinned": false}}));
    assert_eq!(site.json("clips list --pinned"), json!({"clips": []}));

    assert_eq!(site.json(&format!("clips delete {first}")), json!({"deleted": {"id": first}}));
    assert_eq!(ids(&site.json("clips list --account studio")), slice::from_ref(second));
    let id = first.parse().unwrap();
    assert!(jobs::get(&site.test.app, &site.caller, id).unwrap().job.clip.is_none());
    assert_eq!(std::fs::read_dir(site.test.dir.path().join("clips")).unwrap().count(), 2, "a video and its poster");
    for line in [format!("clips delete {first}"), format!("clips pin {first}")] {
        let again = site.admin(&line);
        assert!(again.status == 1 && again.err.contains("no clip"), "{again:?}");
    }
    let unknown = site.admin("clips delete 01940f3c-7a1e-7c3b-9f00-5a4e8a2b6c1d");
    assert!(unknown.status == 1 && unknown.err.contains("There is no job"), "{unknown:?}");
}

#[test]
fn storage_shows_what_lies_on_the_disk_in_total_and_by_account() {
    let site = Site::new();
    site.admin(&format!("clips pin {}", site.clips[0]));
    assert_eq!(site.json("account quota studio --max-demos 20GiB")["account"]["max_demo_bytes"], 20_u64 << 30);
    assert_eq!(site.json("retention set jobs --max-age 1d --yes")["set"], true);
    assert_eq!(run(&site.test.app).unwrap(), 1);
    let storage = site.json("storage");
    let (each, demo) = (CLIP.len(), "PBDEMS2\0 and so on".len());
    assert_eq!(storage["clips"], json!({"files": 2, "bytes": 2 * each}));
    assert_eq!(storage["posters"], json!({"files": 2, "bytes": 2 * POSTER.len()}));
    assert_eq!(storage["demos"], json!({"files": 1, "bytes": demo}));
    assert_eq!((&storage["archive"]["files"], &storage["archive"]["jobs"]), (&json!(1), &json!(1)));
    let archive = std::fs::read_dir(site.test.dir.path().join("archive")).unwrap().next().unwrap().unwrap();
    assert_eq!(storage["archive"]["bytes"], archive.metadata().unwrap().len());
    assert_eq!(storage["backups"], json!({"files": 0, "bytes": 0}));
    assert!(storage["store"]["bytes"].as_u64() > Some(4_096) && storage["disk"]["free_bytes"].as_u64() > Some(0));
    let account = json!({
        "name": "studio", "clips": 2, "clip_bytes": 2 * each, "pinned_clips": 1, "pinned_bytes": each, "demos": 1,
        "demo_bytes": demo, "max_demo_bytes": 20_u64 << 30,
    });
    assert_eq!(storage["accounts"], json!([account]));
    let table = site.admin("storage").out;
    for part in ["archive ", "1 job\n", "Disk: ", "21.5 GB"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert_eq!(
        site.admin("account quota studio --max-demos default").out,
        "studio: demos: at most the server's default\n"
    );
}
