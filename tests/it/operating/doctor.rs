//! `admin doctor`: each fault is caused, reported by name and fixed where that is safe; a healthy appliance has none.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dinkem_appliance::os::certificates::{self, Facts, Validity};
use dinkem_appliance::os::random::SystemRandom;
use rusqlite::Connection;
use serde_json::Value;

use crate::support::cli::{Cli, CliOutput};
use crate::support::cli_server::CliServer;
use crate::support::process::Appliance;
use crate::support::quick;

const DAY: u64 = 24 * 3_600;

/// A healthy data directory with an account and a CA.
struct Site {
    cli: Cli,
    data: PathBuf,
}

impl Site {
    fn new() -> Self {
        let cli = Cli::new();
        assert_eq!(cli.run(&["admin", "account", "create", "studio"]).status, 0);
        assert_eq!(cli.run(&["admin", "tls", "show"]).status, 0);
        let data = cli.home().join(".local/share/dinkem-appliance");
        let site = Self { cli, data };
        assert_eq!(site.doctor(&[]).1, Vec::<String>::new());
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    /// Writes a private file, as the appliance does.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
        set_mode(&self.path(name), 0o600);
    }

    fn sql(&self, sql: &str) {
        Connection::open(self.path("store.db")).unwrap().execute_batch(sql).unwrap();
    }

    /// Output of `doctor`, and the codes of faults that are still open.
    fn doctor(&self, flags: &[&str]) -> (CliOutput, Vec<String>) {
        let output = self.cli.run(&[&["--json", "admin", "doctor"], flags].concat());
        let answer = output.json();
        let faults = answer["faults"].as_array().unwrap();
        for fault in faults {
            let says = |member: &str| fault[member].as_str().is_some_and(|text| !text.is_empty());
            assert!(says("message") && says("mend"), "{fault}");
        }
        let open: Vec<_> = faults.iter().filter(|fault| fault["mended"] == false).map(code).collect();
        assert_eq!((output.status == 0, &answer["ok"]), (open.is_empty(), &Value::Bool(open.is_empty())), "{output:?}");
        (output, open)
    }
}

fn code(fault: &Value) -> String {
    fault["code"].as_str().unwrap().to_owned()
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

/// The rows of a finished clip, without its file.
const FINISHED_CLIP_SQL: &str = "
    INSERT INTO nodes (id, public_id, name, key_hash, joined_at_ms, seen_at_ms, slots, renderers, version, protocol)
    VALUES (1, zeroblob(16), 'node', zeroblob(32), 0, 0, 0, '', '', 2);
    INSERT INTO jobs (id, public_id, account, key, class, status, renderer, demo_url, steam64_id, round, fps, resolution,
        spec_show_xray, cl_draw_only_deathnotices, created_at_ms, started_at_ms, finished_at_ms)
    SELECT 1, zeroblob(16), account, id, class, 'done', 'builtin', 'x', 1, 1, 30, 1080, 0, 1, 0, 0, 0
    FROM api_keys LIMIT 1;
    INSERT INTO leases (id, job, node, state, started_at_ms, ended_at_ms) VALUES (1, 1, 1, 'done', 0, 0);
    INSERT INTO clips VALUES (1, '0123456789abcdef0123456789abcdef', 1, 5, zeroblob(32), 1920, 1080, 1, 30, 1, 0, 'tactical', NULL, 1, 0, 0);
";

/// The fault's code, how to cause it, and whether `--fix` fixes it.
type Case = (&'static str, fn(&Site), bool);

const CASES: &[Case] = &[
    #[cfg(unix)]
    ("rights", |site| set_mode(&site.path("store.db"), 0o640), true),
    #[cfg(unix)]
    ("rights", |site| set_mode(&site.data, 0o755), true),
    #[cfg(unix)]
    ("rights", |site| set_mode(&site.path("tls/authority.key"), 0o604), true),
    (
        "log_size",
        |site| {
            site.write("store.db-wal", "");
            File::options().write(true).open(site.path("store.db-wal")).unwrap().set_len((64 << 20) + 1).unwrap();
        },
        true,
    ),
    ("orphans", |site| site.write("clips/99.mp4", "left over"), true),
    ("orphans", |site| site.write("clips/99.jpg", "left over"), true),
    ("orphans", |site| site.write(&format!("demos/{}", "0a".repeat(32)), "left over"), true),
    ("orphans", |site| site.write("demos/0123.part", "left over"), true),
    (
        "restore_unfinished",
        |site| {
            fs::create_dir(site.path("restore.ready")).unwrap();
            set_mode(&site.path("restore.ready"), 0o700);
            site.write("restore.ready/aside", "replaced-1");
        },
        true,
    ),
    (
        "store_damaged",
        |site| {
            let mut store = fs::read(site.path("store.db")).unwrap();
            store[4_096..3 * 4_096].fill(0x5a);
            site.write("store.db", store);
        },
        false,
    ),
    ("store_damaged", |site| site.write("store.db", "no database".repeat(1_000)), false),
    (
        "store_damaged",
        |site| site.sql("PRAGMA foreign_keys = OFF; INSERT INTO dinks_history VALUES (1, 4711, 1, 0, NULL)"),
        false,
    ),
    ("store_newer", |site| site.sql("PRAGMA user_version = 999"), false),
    ("store_older", |site| site.sql("PRAGMA user_version = 1"), false),
    ("no_store", |site| fs::remove_file(site.path("store.db")).unwrap(), false),
    (
        "clock",
        |site| {
            site.sql(
                "INSERT INTO audit (at_ms, actor, action, subject, details) VALUES (9000000000000, 'x', 'x', 'x', '')",
            );
        },
        false,
    ),
    ("authority_damaged", |site| site.write("tls/authority.pem", "half"), false),
    (
        "authority_damaged",
        |site| {
            fs::remove_dir_all(site.path("tls")).unwrap();
            site.write("server-url", "https://localhost:8443");
            site.write("server-ca.pem", "PEM");
        },
        false,
    ),
    ("certificate_damaged", |site| site.write("tls/server.pem", "half"), false),
    (
        "certificate_ends",
        |site| {
            let [authority, key] =
                ["tls/authority.pem", "tls/authority.key"].map(|name| fs::read(site.path(name)).unwrap());
            let name = Facts::read(&authority).unwrap().name;
            let valid = Validity { from: now() - DAY, until: now() + 5 * DAY };
            let pair = certificates::server(&["localhost"], &[], valid, (&name, &key), &SystemRandom).unwrap();
            site.write("tls/server.key", pair.key);
            site.write("tls/server.pem", pair.certificate);
        },
        false,
    ),
    (
        "certificate_names",
        |site| {
            site.write("server-url", "https://elsewhere.example:8443");
            site.write("server-ca.pem", "PEM");
        },
        false,
    ),
    (
        "demos_missing",
        |site| {
            site.sql("INSERT INTO demos (account, sha256, bytes, uploaded_at_ms) SELECT id, randomblob(32), 5, 0 FROM accounts")
        },
        false,
    ),
    ("videos_missing", |site| site.sql(FINISHED_CLIP_SQL), false),
    (
        "videos_missing",
        |site| {
            site.sql(FINISHED_CLIP_SQL);
            site.write("clips/1.mp4", "half");
        },
        false,
    ),
    (
        "node_versions",
        |site| {
            let seen = now() * 1_000;
            site.sql(&format!(
                "INSERT INTO nodes (id, public_id, name, key_hash, joined_at_ms, seen_at_ms, slots, renderers, version, protocol)
                 VALUES (1, zeroblob(16), 'old', zeroblob(32), 0, {seen}, 0, '', '0.0.9', 1)"
            ));
        },
        false,
    ),
    (
        "dinks_oversold",
        |site| {
            assert_eq!(site.cli.run(&["admin", "dinks", "set", "studio", "2"]).status, 0);
        },
        false,
    ),
];

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

#[test]
fn each_fault_is_reported_with_its_fix_and_fixed_where_safe() {
    for (fault, harm, is_mended) in CASES {
        let site = Site::new();
        harm(&site);
        let (output, open) = site.doctor(&[]);
        assert_eq!(open, [*fault], "{output:?}");
        assert_eq!(output.err.lines().count(), 1, "{output:?}");
        // Closing the store has truncated the log.
        if *fault == "log_size" {
            harm(&site);
        }
        let (output, open) = site.doctor(&["--fix"]);
        assert_eq!(open.is_empty(), *is_mended, "{output:?}");
        let (output, open) = site.doctor(&[]);
        assert_eq!(open.is_empty(), *is_mended, "{output:?}");
    }
}

#[test]
fn faults_are_printed_for_people() {
    let site = Site::new();
    site.write("clips/99.mp4", "left over");
    let output = site.cli.run(&["admin", "doctor"]);
    assert!(
        output.out.starts_with("orphans: Orphaned files in the data directory (1): clips/99.mp4.\n  fix: "),
        "{output:?}"
    );
    let output = site.cli.run(&["admin", "doctor", "--fix"]);
    assert!(output.status == 0 && output.out.ends_with("  fixed\n"), "{output:?}");
    let output = site.cli.run(&["admin", "doctor"]);
    assert_eq!((output.status, output.out.as_str(), output.err.as_str()), (0, "no faults\n", ""));
    let output = site.cli.run(&["--data-dir", "none", "admin", "doctor"]);
    assert!(output.status == 1 && output.out.starts_with("no_data_dir: "), "{output:?}");
    assert!(!site.cli.home().join("none").exists(), "doctor must not create anything");
}

#[test]
fn custom_certificate_is_checked() {
    let site = Site::new();
    let path = site.cli.home().join("studio.pem");
    let key =
        certificates::authority("x", &["lan"], &[], Validity { from: 0, until: now() + 900 * DAY }, &SystemRandom)
            .unwrap();
    let judged = |days: u64| {
        let valid = Validity { from: 0, until: now() + days * DAY };
        let pair = certificates::server(&["clips.lan"], &[], valid, ("x", &key.key), &SystemRandom).unwrap();
        fs::write(&path, &pair.certificate).unwrap();
        assert_eq!(Facts::read(&pair.certificate).unwrap().valid, valid);
        site.doctor(&["--tls-cert", "studio.pem"]).1
    };
    assert_eq!(judged(90), Vec::<String>::new());
    assert_eq!(judged(5), ["certificate_ends"]);
    fs::write(site.cli.home().join("studio.pem"), "no PEM").unwrap();
    assert_eq!(site.doctor(&["--tls-cert", "studio.pem"]).1, ["certificate_unreadable"]);
    assert_eq!(site.doctor(&["--tls-cert", "missing.pem"]).1, ["certificate_unreadable"]);
}

#[cfg(unix)]
#[test]
fn file_owned_by_another_user_is_reported() {
    let site = Site::new();
    site.write("clips/note", "");
    // Only root can change the owner.
    if std::os::unix::fs::chown(site.path("clips/note"), Some(1), None).is_err() {
        eprintln!("skipped: only root can make a file another user's");
        return;
    }
    assert_eq!(site.doctor(&["--fix"]).1, ["owner"]);
}

#[test]
fn young_files_are_not_orphans_while_a_server_runs() {
    let site = Site::new();
    let _server = CliServer::start(&site.cli, &[]);
    assert_eq!(site.doctor(&[]).1, Vec::<String>::new());
    site.write("clips/99.mp4", "under way");
    assert_eq!(site.doctor(&[]).1, Vec::<String>::new());
    let file = File::options().write(true).open(site.path("clips/99.mp4")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(7_200)).unwrap();
    assert_eq!(site.doctor(&[]).1, ["orphans"]);
    assert_eq!(site.doctor(&["--fix"]).1, Vec::<String>::new());
    assert!(!site.path("clips/99.mp4").exists());
}

#[test]
fn appliance_has_no_faults_after_normal_work() {
    let files = quick::server();
    let mut appliance = Appliance::start(&["--fetch-allow", "127.0.0.0/8", "--local-nodes", "1"]);
    let key = appliance.account("studio");
    let id = appliance.submit(&key, &quick::job(&files));
    appliance.wait_for_clip(&key, &id);
    appliance.doctor();
    appliance.server().kill();
    appliance.doctor();
}
