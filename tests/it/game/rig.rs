//! A machine with fakes of the game and its tools, and runs of a preset on it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dinkem_appliance::domain::camera::CameraMode;
use dinkem_appliance::domain::node::RendererKind;
use dinkem_appliance::os::programs;
use dinkem_appliance::render::command::{CONTRACT, JobDemo, JobFile, JobPlayer, Line};
use dinkem_appliance::render::game::pov::{PovLine, PovReport, Proof};
use dinkem_appliance::render::game::{GameSetup, sweep};
use serde_json::json;

use crate::support::process::BINARY;
use crate::support::wait::until;

/// The attempt's token.
pub const TOKEN: &str = "0123456789abcdef";
/// Ticks of the clip: a second and a half.
pub const TICKS: (i32, i32) = (6_400, 6_496);
const GAME_INFO: &str = "\t\t\tGame\tcsgo\n\t\t\tGame\tcsgo_imported\n";

/// The program with all fakes, which `cargo test` builds as an example.
pub fn fakes() -> PathBuf {
    let name = format!("fakes{}", std::env::consts::EXE_SUFFIX);
    let path = Path::new(BINARY).with_file_name("examples").join(name);
    assert!(path.is_file(), "{} is missing: cargo build --example fakes", path.display());
    path
}

/// A machine in a temporary directory whose path has a space.
pub struct Rig {
    root: tempfile::TempDir,
    /// How the game is reached.
    pub setup: GameSetup,
}

impl Rig {
    /// With everything that a kind needs.
    pub fn new(kind: RendererKind) -> Self {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(tmp).unwrap();
        let root = tempfile::Builder::new().prefix("rig with spaces ").tempdir_in(tmp).unwrap();
        let at = |path: &str| root.path().join(path);
        let game_dir = at("Counter-Strike Global Offensive");
        let setup = GameSetup {
            game_dir: Some(game_dir.clone()),
            hlae: (kind == RendererKind::Hlae).then(|| at("hlae/HLAE.exe")),
            csdm: Some(at("csdm/cs-demo-manager")),
            audio: Some(true),
            ..GameSetup::new(kind)
        };
        let game = setup.game_program().unwrap();
        for program in [game.clone(), at("hlae/HLAE.exe"), at("csdm/cs-demo-manager"), at("bin/tasklist")] {
            place(&program);
        }
        for (path, content) in [
            (game_dir.join("game/csgo/gameinfo.gi"), GAME_INFO),
            (at("hlae/x64/AfxHookSource2.dll"), "x"),
            (at("hlae/ffmpeg/ffmpeg.ini"), "[Ffmpeg]\nPath=C:\\ffmpeg.exe"),
            (at("csdm/resources/app.asar"), "x"),
            (at("work/demo.dem"), "PBDEMS2"),
        ] {
            write(&path, content);
        }
        let settings = json!({
            "schemaVersion": 14,
            "database": { "hostname": "127.0.0.1" },
            "playback": { "cs2ExecutablePath": game, "launchParameters": "" },
        });
        write(&at("home/csdm/settings.json"), &settings.to_string());
        Self { root, setup }
    }

    /// A path on the machine.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// A path below the game's content.
    pub fn csgo(&self, path: &str) -> PathBuf {
        self.at("Counter-Strike Global Offensive/game/csgo").join(path)
    }

    /// Orders the fakes to misbehave.
    pub fn order(&self, words: &str) {
        write(&self.at("misbehave.txt"), words);
    }

    /// A short clip in a small size.
    pub fn job(&self) -> JobFile {
        JobFile {
            contract: CONTRACT,
            job_id: "job".to_owned(),
            attempt: 1,
            demo: JobDemo { path: self.at("work/demo.dem"), sha256: None, build: None, last_tick: Some(100_000) },
            player: JobPlayer { steam64: 76_561_197_991_272_318, slot: Some(7) },
            round: 2,
            start_tick: Some(TICKS.0),
            end_tick: Some(TICKS.1),
            fps: 30,
            width: 640,
            height: 360,
            spec_show_xray: false,
            cl_draw_only_deathnotices: true,
            camera: CameraMode::default(),
            output: self.at("work/out.mp4"),
            workdir: self.at("work"),
            deadline_s: 900,
            length_ms: Some(1_500),
            pov_token: Some(TOKEN.to_owned()),
            game: Some(self.setup.clone()),
        }
    }

    /// Runs a job through the product itself.
    pub fn run(&self, job: &JobFile) -> Ended {
        self.finish(self.start(job, &[]))
    }

    /// Runs a job with shorter limits; see `tests/fakes/preset.rs`.
    pub fn run_with(&self, job: &JobFile, limits: &[&str]) -> Ended {
        self.finish(self.start(job, limits))
    }

    /// Starts a job, with shorter limits if there are any.
    pub fn start(&self, job: &JobFile, limits: &[&str]) -> Child {
        let path = self.at("job.json");
        fs::write(&path, serde_json::to_vec(job).unwrap()).unwrap();
        let mut command = if limits.is_empty() {
            let mut command = Command::new(BINARY);
            command.args(["render", "--job"]).arg(&path);
            command
        } else {
            let mut command = Command::new(fakes());
            command.arg("preset").arg(&path).args(limits);
            command
        };
        let search = std::env::var_os("PATH").unwrap();
        let folders = std::iter::once(self.at("bin")).chain(std::env::split_paths(&search));
        command.env("PATH", std::env::join_paths(folders).unwrap()).env("XDG_CONFIG_HOME", self.at("home"));
        // As under a node.
        command.process_group(0);
        command.current_dir(self.root.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Waits for the end of a run.
    pub fn finish(&self, child: Child) -> Ended {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        Ended { exit: output.status.code(), lines: text.lines().map(Line::parse).collect(), log }
    }

    /// Whether the game runs.
    pub fn game_runs(&self) -> bool {
        !programs::running(&self.setup.game_program().unwrap()).is_empty()
    }

    /// All files on the machine with their sizes, except those of the fakes' orders and the job.
    pub fn files(&self) -> BTreeMap<PathBuf, u64> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.root.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path)
                } else {
                    _ = found.insert(path.clone(), fs::metadata(&path).unwrap().len())
                }
            }
        }
        found.retain(|path, _| !path.ends_with("misbehave.txt") && !path.ends_with("job.json"));
        found
    }

    /// Runs a job that fails or is cancelled, and checks that it leaves nothing behind.
    pub fn fails(&self, run: impl FnOnce(&Self) -> Ended) -> Ended {
        let before = self.files();
        let ended = run(self);
        assert_eq!(self.files(), before, "files left over by {ended:?}");
        self.is_quiet(&ended);
        ended
    }

    /// Runs a job under a limit that is exceeded, and checks what it says.
    pub fn is_overdue(&self, limit: &str, sentence: &str) {
        let ended = self.fails(|rig| rig.run_with(&rig.job(), &[limit]));
        assert_eq!((ended.exit, ended.sentence()), (Some(20), sentence), "{limit}: {ended:?}");
    }

    /// Checks that neither the game nor a tool runs any more.
    pub fn is_quiet(&self, ended: &Ended) {
        for program in [self.setup.game_program().unwrap(), self.at("hlae/HLAE.exe"), self.at("csdm/cs-demo-manager")] {
            // A killed process takes a moment to disappear.
            until(&format!("{} to be gone after {ended:?}", program.display()), || {
                programs::running(&program).is_empty().then_some(())
            });
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = sweep(&self.setup);
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub exit: Option<i32>,
    pub lines: Vec<Line>,
    /// Standard error, shown when a test fails.
    #[allow(dead_code, reason = "only for Debug")]
    pub log: String,
}

impl Ended {
    /// The sentence for people.
    pub fn sentence(&self) -> &str {
        let sentence =
            self.lines.iter().find_map(|line| if let Line::Fail(text) = line { Some(text.as_str()) } else { None });
        sentence.unwrap_or_else(|| panic!("no sentence: {self:?}"))
    }

    /// What the lines about the picture prove.
    pub fn proof(&self) -> Proof {
        let mut report = PovReport::default();
        for line in &self.lines {
            if let Line::Log(text) = line
                && let Some(line) = PovLine::parse(text, TOKEN)
            {
                report.hear(line);
            }
        }
        report.proof()
    }

    /// The status lines without repetitions.
    pub fn stages(&self) -> Vec<&str> {
        let mut stages: Vec<&str> = self
            .lines
            .iter()
            .filter_map(|line| if let Line::Status(word) = line { Some(word.as_str()) } else { None })
            .collect();
        stages.dedup();
        stages
    }
}

/// Waits for a line on a run's output.
pub fn wait_for_line(child: &mut Child, part: &str) {
    let out = child.stdout.as_mut().unwrap();
    let mut text = Vec::new();
    let mut byte = [0];
    while out.read(&mut byte).unwrap() == 1 {
        text.push(byte[0]);
        if byte[0] == b'\n' && String::from_utf8_lossy(&text).contains(part) {
            return;
        }
    }
    panic!("no {part}: {}", String::from_utf8_lossy(&text));
}

/// Puts the fakes' program there.
fn place(program: &Path) {
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    if fs::hard_link(fakes(), program).is_err() {
        fs::copy(fakes(), program).unwrap();
    }
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
