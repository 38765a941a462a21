//! Jobs that cost no processor: nodes deliver, as their clip of the game, copies of one that is made beforehand.

use std::fs;
use std::path::{Path, PathBuf};

use dinkem_appliance::render::forge;
use serde_json::{Value, json};

use super::clip::write_frames;
use super::file_server::{Answer, FileServer};
use super::quick;

/// Of the clip: as long as the game's recording of the round.
const FRAMES: u32 = 135;
const FPS: u32 = 30;

pub struct Copies {
    files: FileServer,
    clip: PathBuf,
}

impl Copies {
    /// Makes the clip in `dir`, and a demo for the jobs.
    pub fn prepare(dir: &Path) -> Self {
        let clip = dir.join("good.mp4");
        write_frames(&clip, 1920, 1080, FPS, FRAMES);
        fs::write(clip.with_extension("jpg"), b"\xff\xd8\xffjpeg\n").unwrap();
        // Another round after the one that the jobs are for, so that its end can be recorded.
        let mut three_rounds = forge::quick_match();
        three_rounds.stages.push(three_rounds.stages[0].clone());
        let demo = Answer::Bytes(forge::play(&three_rounds).into());
        Self { files: FileServer::serve(vec![("/three.dem", demo)]), clip }
    }

    /// The body of `POST /api/clips`.
    pub fn job(&self) -> Value {
        json!({
            "demo_url": self.files.url("/three.dem"), "steam64_id": quick::PLAYER.to_string(), "round": quick::ROUND,
            "fps": FPS, "renderer": "game",
        })
    }

    /// Flags of a node that first runs these shell commands.
    pub fn flags(&self, first: &str) -> Vec<String> {
        let copy = format!("{first}; cp \"${{1%.mp4}}.jpg\" \"${{2%.mp4}}.jpg\"; cp \"$1\" \"$2\"");
        let mut flags =
            vec!["--renderer", "command", "--renderer-require-pov", "false", "--renderer-program", "/bin/sh"];
        for argument in ["-c", &copy, "sh", self.clip.to_str().unwrap(), "{out}"] {
            flags.extend(["--renderer-args", argument]);
        }
        // Nothing looks at the pictures.
        flags.extend(["--renderer-ffmpeg", "/none"]);
        flags.into_iter().map(str::to_owned).collect()
    }
}
