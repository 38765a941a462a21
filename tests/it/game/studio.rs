//! A real server, a real node and an uploaded demo, with whatever plays the game.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dinkem_appliance::app;
use dinkem_appliance::domain::key::Secret;
use dinkem_appliance::domain::node::RendererKind;
use dinkem_appliance::node::agent::{self, AgentConfig};
use dinkem_appliance::node::patience::Patience;
use dinkem_appliance::node::renderers::Renderers;
use dinkem_appliance::os::clock::SystemClock;
use dinkem_appliance::os::room::Room;
use dinkem_appliance::os::stop::StopFlag;
use dinkem_appliance::render::forge;
use dinkem_appliance::render::forge::description::Stage;
use dinkem_appliance::render::game::GameSetup;
use dinkem_appliance::wire::join_token::JoinTicket;
use serde_json::{Value, json};

use crate::game::rig::{Rig, fakes};
use crate::support::appliance::Appliance;
use crate::support::client::Request;
use crate::support::operator;
use crate::support::process::BINARY;
use crate::support::wait::until;

/// Long enough that it is never reached unless something is broken.
const LONG: Duration = Duration::from_secs(600);

pub struct Studio {
    pub appliance: Appliance,
    pub dir: tempfile::TempDir,
    key: String,
    node_key: String,
    demo_url: String,
}

impl Studio {
    pub fn new() -> Self {
        let appliance = Appliance::start();
        let key = appliance.account("studio").metered;
        let node_key = appliance.node("rack").key;
        let upload = Request::post("/api/demos").key(&key).body(demo());
        let demo_url = appliance.send(&upload).expect(201).json()["demo_url"].as_str().unwrap().to_owned();
        Self { appliance, dir: tempfile::tempdir().unwrap(), key, node_key, demo_url }
    }

    /// Submits a job for the game: some seconds of the demo's first round.
    pub fn submit(&self) -> String {
        let body = json!({
            "demo_url": self.demo_url,
            "steam64_id": forge::SAMPLE_PLAYER.to_string(),
            "round": 1,
            "renderer": "game",
        });
        let request = Request::post("/api/clips").key(&self.key).json(body.to_string());
        self.appliance.send(&request).expect(202).json()["id"].as_str().unwrap().to_owned()
    }

    pub fn job(&self, id: &str) -> Value {
        self.appliance.send(&Request::get(&format!("/api/clips/{id}")).key(&self.key)).expect(200).json()
    }

    pub fn cancel(&self, id: &str) {
        self.appliance.send(&Request::delete(&format!("/api/clips/{id}")).key(&self.key)).expect(200);
    }

    /// Waits until the job is as wanted.
    pub fn wait(&self, id: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        until(what, || Some(self.job(id)).filter(&is_it))
    }

    /// Waits until the job is done, failed or cancelled.
    pub fn wait_for_end(&self, id: &str) -> Value {
        self.wait(id, "the job to end", |job| {
            ["done", "failed", "cancelled"].contains(&job["status"].as_str().unwrap())
        })
    }

    /// A node with this game.
    pub fn config(&self, setup: GameSetup) -> AgentConfig {
        AgentConfig {
            server: format!("http://{}", self.appliance.address),
            ca_pem: None,
            node_key: Secret::new(&*self.node_key),
            state_dir: self.state_dir(),
            name: "rack".into(),
            slots: 1,
            renderers: Renderers { builtin: false, game: Some(setup), ..Renderers::builtin() },
            extra_fetch_allow: Vec::new(),
            max_jobs: None,
            idle_exit: None,
            program: PathBuf::from(BINARY),
            cache_bytes: 1 << 30,
            room: Room::new(0, || None),
            patience: Patience { start: LONG, seek: LONG, stall: LONG, total: LONG, retry: LONG, cancel: LONG },
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Starts the node as a process on a machine with fakes. CS Demo Manager drives HLAE where there is one.
    pub fn start_node(&self, rig: &Rig) -> NodeProcess {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [rig.at("bin")].into_iter().chain(std::env::split_paths(&path));
        let mut command = Command::new(BINARY);
        command.args(["node", "--state-dir"]).arg(self.state_dir());
        let (state, token) = (self.state_dir().join("node.json"), rig.at("token"));
        let is_new = !state.exists();
        if is_new {
            let secret = app::nodes::token(&self.appliance.app, &operator()).unwrap().reveal().to_owned();
            let ticket = JoinTicket { server: None, ca: None, secret };
            std::fs::write(&token, ticket.encode().unwrap()).unwrap();
            command.arg("--join-file").arg(&token);
            command.args(["--server", &format!("http://{}", self.appliance.address)]);
        }
        command.args(["--renderer", rig.setup.kind.as_str()]);
        command.arg("--renderer-game-dir").arg(rig.setup.game_dir.as_ref().unwrap());
        command.arg("--renderer-hlae").arg(rig.at("hlae/HLAE.exe"));
        command.arg("--renderer-csdm").arg(rig.at("csdm/cs-demo-manager"));
        command.env("PATH", std::env::join_paths(folders).unwrap()).env("XDG_CONFIG_HOME", rig.at("home"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        until("the node", || state.exists().then_some(()));
        if is_new {
            std::fs::remove_file(token).unwrap();
        }
        NodeProcess(child)
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Runs a node while `test` runs.
    pub fn with_node(&self, config: AgentConfig, test: impl FnOnce()) {
        let stop = StopFlag::new();
        std::thread::scope(|scope| {
            let agent = scope.spawn(|| agent::run(config, &stop));
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
            stop.stop();
            agent.join().unwrap().unwrap();
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }

    /// No attempt has left a file in the node's work directory.
    pub fn assert_clean(&self, what: &str) {
        let left: Vec<_> = std::fs::read_dir(self.state_dir().join("work")).unwrap().map(Result::unwrap).collect();
        assert!(left.is_empty(), "{what}: {left:?}");
    }
}

/// A short match whose first round is long enough for a frozen picture to be noticed.
fn demo() -> Vec<u8> {
    let mut game = forge::quick_match();
    for stage in &mut game.stages {
        if let Stage::Round(round) = stage {
            round.live_ticks += 6 * 64;
        }
    }
    forge::play(&game)
}

/// A node that is killed when it goes out of scope.
pub struct NodeProcess(Child);

impl NodeProcess {
    /// Stops it as a service manager does, and waits for it.
    pub fn stop(mut self) {
        let stopped = Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        assert!(stopped.success() && self.0.wait().unwrap().success());
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The fake renderer with an ending.
pub fn ending(dir: &Path, word: &str) -> GameSetup {
    let program = dir.join("renderer");
    if !program.exists() {
        std::fs::copy(fakes(), &program).unwrap();
    }
    command(program.to_str().unwrap(), &["{job_json}", "--ending", word])
}

/// A program as the renderer.
pub fn command(program: &str, args: &[&str]) -> GameSetup {
    GameSetup {
        program: Some(program.to_owned()),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        audio: Some(true),
        ..GameSetup::new(RendererKind::Command)
    }
}
