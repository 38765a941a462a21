//! The real node agent with a shell script as its renderer, a fake server and a file server for demos.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dinkem_appliance::domain::error::Result;
use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::node::agent::{self, AgentConfig};
use dinkem_appliance::node::patience::Patience;
use dinkem_appliance::node::renderers::Renderers;
use dinkem_appliance::os::clock::SystemClock;
use dinkem_appliance::os::room::Room;
use dinkem_appliance::os::stop::StopFlag;
use tempfile::TempDir;

use super::clip::write_video;
use super::listener::{Call, listen};
use super::node_server::{Behavior, NodeServer};
use super::process::BINARY;
use super::script;

/// Long enough that it is never reached unless something is broken.
const LONG_TIMEOUT: Duration = Duration::from_secs(600);
/// The content of every fetched demo. No renderer here reads it.
pub const DEMO: &[u8] = b"PBDEMS2\0 as far as anybody here looks";
/// A renderer that works.
pub const GOOD: &str = "echo 'openjd_status: parsing'; echo 'openjd_progress: 5'; echo 'openjd_status: rendering'
    echo 'openjd_progress: 50'; cp $dir/good.mp4 $work/clip.mp4; printf '\\377\\330\\377jpeg\\n' > $work/clip.jpg
    echo 'openjd_progress: 100'";

/// Everything around the agent under test.
pub struct NodeHarness {
    /// Contains `good.mp4` and `small.mp4`; `$dir` in scripts.
    pub dir: TempDir,
    pub server: NodeServer,
    pub demo_url: String,
    fetches: Arc<Mutex<Vec<String>>>,
}

impl NodeHarness {
    pub fn new(behavior: Behavior) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_video(&dir.path().join("good.mp4"), 320, 180, 30);
        write_video(&dir.path().join("small.mp4"), 160, 90, 30);
        let fetches = Arc::new(Mutex::new(Vec::new()));
        let log = fetches.clone();
        let files = listen("127.0.0.1", move |call: Call, to| {
            let known = call.header("if-none-match").map(str::to_owned);
            log.lock().unwrap().push(format!("{} {}", call.path, known.as_deref().unwrap_or("-")));
            super::bad_demos::answer(&call.path, known.as_deref(), to)
        });
        Self { dir, server: NodeServer::start(behavior), demo_url: format!("http://{files}/good.dem"), fetches }
    }

    /// URL of another path on the file server.
    pub fn url(&self, path: &str) -> String {
        self.demo_url.replace("/good.dem", path)
    }

    /// The fetches so far: path and `If-None-Match`.
    pub fn fetches(&self) -> Vec<String> {
        self.fetches.lock().unwrap().clone()
    }

    /// Agent settings with this script as the renderer.
    pub fn config(&self, script: &str) -> AgentConfig {
        AgentConfig {
            server: self.server.url.clone(),
            ca_pem: None,
            node_key: Secret::new("node-key"),
            state_dir: self.dir.path().join("state"),
            name: "node".into(),
            slots: 1,
            renderers: Renderers::builtin(),
            extra_fetch_allow: Vec::new(),
            max_jobs: None,
            idle_exit: None,
            program: self.program(script),
            cache_bytes: 1 << 20,
            room: Room::new(0, || None),
            patience: Patience {
                start: LONG_TIMEOUT,
                seek: LONG_TIMEOUT,
                stall: LONG_TIMEOUT,
                total: LONG_TIMEOUT,
                retry: LONG_TIMEOUT,
                cancel: LONG_TIMEOUT,
            },
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Waits for the line that a script writes to `$dir/{name}`.
    pub fn read_note(&self, name: &str) -> String {
        super::wait::until(name, || {
            let text = fs::read_to_string(self.dir.path().join(name)).ok()?;
            text.strip_suffix('\n').map(str::to_owned)
        })
    }

    /// A shell script that is called as `PROGRAM render --job JOB.JSON`. When called as `PROGRAM inspect --child …` it
    /// runs the real binary and logs the call to `$dir/readers`.
    fn program(&self, work: &str) -> PathBuf {
        let path = self.dir.path().join("renderer");
        let dir = self.dir.path().display();
        let text = format!(
            "#!/bin/sh\ndir={dir}\n[ \"$1\" = inspect ] && echo \"$*\" >> $dir/readers && exec {BINARY} \"$@\"\n\
             [ \"$1 $2\" = 'render --job' ] || exit 99\nwork=${{3%/*}}\n{work}\n"
        );
        script::write(&path, &text);
        path
    }
}

/// Runs the agent while `test` runs, then stops it; the agent's result.
pub fn while_working(config: AgentConfig, test: impl FnOnce(&StopFlag)) -> Result<()> {
    let stop = StopFlag::new();
    std::thread::scope(|scope| {
        let agent = scope.spawn(|| agent::run(config, &stop));
        // A failing test must still stop the agent.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&stop)));
        stop.stop();
        let ended = agent.join().unwrap();
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        ended
    })
}

/// Whether a process exists and is no zombie.
pub fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}
