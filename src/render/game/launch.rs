//! How a program that renders the game is started: presets as a child of this program, others with placeholders.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::setup::GameSetup;
use crate::domain::node::RendererKind;
use crate::render::command::contract::JobFile;

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The program, by path or by a name in the search path.
    pub program: PathBuf,
    /// Its arguments; never read by a shell.
    pub args: Vec<OsString>,
}

impl Launch {
    /// This program as a renderer under the command contract.
    pub fn own(program: &Path, job_json: &Path) -> Self {
        Self { program: program.to_owned(), args: vec!["render".into(), "--job".into(), job_json.into()] }
    }

    /// The renderer for a job of the game; `own`: this program, which runs the presets.
    pub fn game(own: &Path, setup: &GameSetup, job: &JobFile, job_json: &Path) -> io::Result<Self> {
        let Some(program) = setup.program.as_deref().filter(|_| setup.kind == RendererKind::Command) else {
            return Ok(Self::own(own, job_json));
        };
        // The child runs in another directory, so a path must not depend on it; a name is looked up in the search path.
        let is_path = program.contains(['/', '\\']);
        let program = if is_path { std::path::absolute(program)? } else { program.into() };
        Ok(Self { program, args: setup.args.iter().map(|arg| filled(arg, job, job_json)).collect() })
    }
}

/// An argument with its placeholders filled in. Unknown words in braces are kept.
fn filled(arg: &str, job: &JobFile, job_json: &Path) -> OsString {
    let mut text = OsString::new();
    let mut rest = arg;
    while let Some((before, from)) = rest.split_once('{') {
        text.push(before);
        let value = from.split_once('}').and_then(|(name, after)| Some((value(name, job, job_json)?, after)));
        match value {
            Some((value, after)) => {
                text.push(value);
                rest = after;
            }
            None => {
                text.push("{");
                rest = from;
            }
        }
    }
    text.push(rest);
    text
}

/// The value of a placeholder; `None` if there is none of that name.
fn value(name: &str, job: &JobFile, job_json: &Path) -> Option<OsString> {
    let tick = |tick: Option<i32>| tick.unwrap_or(0).to_string().into();
    let flag = |on: bool| if on { "1" } else { "0" }.into();
    Some(match name {
        "job_json" => job_json.into(),
        "demo" => job.demo.path.clone().into(),
        "steam64" => job.player.steam64.to_string().into(),
        "slot" => job.player.slot.unwrap_or(0).to_string().into(),
        "start_tick" => tick(job.start_tick),
        "end_tick" => tick(job.end_tick),
        "seconds" => format!("{:.3}", job.length_ms.unwrap_or(0) as f64 / 1_000.0).into(),
        "fps" => job.fps.to_string().into(),
        "width" => job.width.to_string().into(),
        "height" => job.height.to_string().into(),
        "xray" => flag(job.spec_show_xray),
        "deathnotices" => flag(job.cl_draw_only_deathnotices),
        "out" => job.output.clone().into(),
        "workdir" => job.workdir.clone().into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::camera::CameraMode;
    use crate::render::command::{CONTRACT, JobDemo, JobPlayer};

    fn job() -> JobFile {
        JobFile {
            contract: CONTRACT,
            job_id: "job".to_owned(),
            attempt: 1,
            demo: JobDemo { path: "/w/a b.dem".into(), sha256: None, build: None, last_tick: Some(90_000) },
            player: JobPlayer { steam64: 76_561_197_991_272_318, slot: Some(7) },
            round: 2,
            start_tick: Some(1_000),
            end_tick: Some(4_200),
            fps: 60,
            width: 2560,
            height: 1440,
            spec_show_xray: true,
            cl_draw_only_deathnotices: false,
            camera: CameraMode::default(),
            output: "/w/clip.mp4".into(),
            workdir: "/w".into(),
            deadline_s: 900,
            length_ms: Some(50_000),
            pov_token: None,
            game: None,
        }
    }

    #[test]
    fn placeholders_are_filled_in_and_everything_else_is_kept() {
        let path = Path::new("/w/job.json");
        for (arg, text) in [
            ("{job_json}", "/w/job.json"),
            ("{demo}", "/w/a b.dem"),
            ("--player={steam64}:{slot}", "--player=76561197991272318:7"),
            ("{start_tick}-{end_tick}", "1000-4200"),
            ("testsrc2=size={width}x{height}:rate={fps}:d={seconds}", "testsrc2=size=2560x1440:rate=60:d=50.000"),
            ("{xray}{deathnotices}", "10"),
            ("{out}|{workdir}", "/w/clip.mp4|/w"),
            ("{unknown} {out", "{unknown} {out"),
            ("{{fps}}", "{60}"),
            ("$HOME;`x`", "$HOME;`x`"),
            ("", ""),
        ] {
            assert_eq!(filled(arg, &job(), path), OsString::from(text), "{arg}");
        }
    }
}
