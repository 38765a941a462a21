//! The servers under test: separate processes, each with its own data directory that holds one active account.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dinkem_appliance::os::clock::pause;
use serde_json::Value;
use tempfile::TempDir;

/// The appliance as shipped, except for the build profile.
const APPLIANCE: &str = env!("CARGO_BIN_EXE_dinkem-appliance");
/// Poll interval for the port file.
const LOOK: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The real binary, with its log and limits.
    Ours,
    /// rouille on the tiny_http it is published with, using the appliance's store.
    Stock,
    /// axum, with a commit for each submission.
    Axum,
    /// axum, with account lookups on its event loop.
    AxumInline,
    /// axum with the appliance's writer, which batches submissions.
    AxumGathering,
}

impl Kind {
    /// Label in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Stock => "stock rouille",
            Self::Axum => "axum",
            Self::AxumInline => "axum, inline",
            Self::AxumGathering => "axum, our writer",
        }
    }
}

/// Binaries that the bench builds in addition to the appliance.
pub struct Peers {
    built: PathBuf,
}

impl Peers {
    /// Builds them in Cargo's target directory.
    pub fn build() -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target directory");
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/Cargo.toml");
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--release", "--quiet", "--workspace", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(target)
            .status();
        assert!(status.is_ok_and(|status| status.success()), "the peers cannot be built");
        Self { built: target.join("release") }
    }

    fn command(&self, kind: Kind, data: &Path) -> Command {
        let program = if kind == Kind::Stock { "stock" } else { "axum" };
        let mut command = Command::new(self.built.join(program));
        command.arg(data);
        match kind {
            Kind::Axum => _ = command.arg("each"),
            Kind::AxumInline => _ = command.arg("inline"),
            Kind::Ours | Kind::Stock | Kind::AxumGathering => {}
        }
        command
    }
}

/// A running server, stopped on drop.
pub struct Server {
    folder: TempDir,
    process: Child,
    /// Its plain HTTP address.
    pub address: SocketAddr,
    /// The account's metered key.
    pub key: String,
}

impl Server {
    /// Starts a server. `sync_delay`: extra latency of each file sync.
    pub fn start(kind: Kind, peers: &Peers, sync_delay: Duration) -> Self {
        // In the target directory, because `/tmp` may be a tmpfs, where syncs are free.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch directory");
        let (data, port) = (folder.path().join("data"), folder.path().join("port"));
        let key = admin(&data, &["account", "create", "studio"])["metered_key"].as_str().expect("a key").to_owned();
        admin(&data, &["activate", "studio"]);
        let mut command = if kind == Kind::Ours {
            let mut command = Command::new(APPLIANCE);
            command.args(["serve", "--listen", "127.0.0.1:0", "--plain-http", "loopback", "--lease-seconds", "3600"]);
            command.arg("--data-dir").arg(&data).arg("--port-file").arg(&port);
            let log = std::fs::File::create(folder.path().join("log")).expect("a file for the log");
            command.stderr(log);
            command
        } else {
            peers.command(kind, &data)
        };
        if !sync_delay.is_zero() {
            command.env("LD_PRELOAD", peers.built.join("libslow_sync.so"));
            command.env("SYNC_DELAY_MICROS", sync_delay.as_micros().to_string());
        }
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the server starts");
        let address = match kind {
            Kind::Ours => in_file(&port, &mut process),
            _ => first_line(&mut process),
        };
        let address = address.trim().parse().expect("an address");
        Self { folder, process, address, key }
    }

    /// Runs `admin …` on its data directory, which must succeed, and returns the JSON.
    pub fn admin(&self, arguments: &[&str]) -> Value {
        admin(&self.folder.path().join("data"), arguments)
    }

    /// Current memory use in MiB; 0 where the system does not report it.
    pub fn memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) / 1_024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

fn first_line(process: &mut Child) -> String {
    let mut line = String::new();
    let stdout = process.stdout.take().expect("its standard output");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    line
}

fn in_file(path: &Path, process: &mut Child) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') || text.contains(':') => return text,
            _ => pause(LOOK),
        }
        let ended = process.try_wait().expect("a process of ours");
        assert!(ended.is_none(), "the server has ended: {ended:?}");
    }
}

fn admin(data: &Path, arguments: &[&str]) -> Value {
    let output =
        Command::new(APPLIANCE).arg("--json").arg("--data-dir").arg(data).arg("admin").args(arguments).output();
    let output = output.expect("the appliance");
    assert!(output.status.success(), "admin {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}
