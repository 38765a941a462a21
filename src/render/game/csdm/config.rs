//! The job file of CS Demo Manager's command line. With one, it ignores all other options, and a missing key fails the
//! job in the middle: so all of them are set.

use std::path::Path;

use serde_json::{Value, json};

use crate::render::command::contract::JobFile;
use crate::render::game::ending::Fault;
use crate::render::game::files::Files;
use crate::render::game::hlae::Ticks;
use crate::render::game::script::load_lines;
use crate::render::game::setup::GameSetup;
use crate::render::game::values::plain;

/// Demo ticks between two commands to look at the player.
const CAMERA_TICKS: usize = 16;
/// What the tool takes for a comment, even within a string.
const COMMENTS: [&str; 3] = ["#", "//", "/*"];

/// What records inside the game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// HLAE, on Windows.
    Hlae,
    /// The game itself, on Linux.
    Game,
}

impl System {
    /// The one of a setup: HLAE where there is one.
    pub fn of(setup: &GameSetup) -> Self {
        if cfg!(windows) || setup.hlae.is_some() { Self::Hlae } else { Self::Game }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Hlae => "HLAE",
            Self::Game => "CS",
        }
    }
}

/// The whole file. `ffmpeg`: the path of its program.
pub fn config(job: &JobFile, files: &Files, system: System, ffmpeg: &Path) -> Result<Value, Fault> {
    let ticks = Ticks::of(job)?;
    let player = job.player.steam64.to_string();
    let cameras: Vec<Value> = match system {
        System::Hlae => Vec::new(),
        System::Game => (ticks.setup..=ticks.end)
            .step_by(CAMERA_TICKS)
            .map(|tick| json!({ "tick": tick, "playerSteamId": player, "playerName": "" }))
            .collect(),
    };
    let cfg = match system {
        System::Hlae => load_lines(&files.script)?.join("\n"),
        System::Game => "spec_autodirector 0".to_owned(),
    };
    let config = json!({
        "demoPath": plain("The demo", &job.demo.path)?,
        "recordingSystem": system.as_str(),
        "recordingOutput": "video",
        "encoderSoftware": "FFmpeg",
        "framerate": job.fps,
        "width": job.width,
        "height": job.height,
        "closeGameAfterRecording": true,
        "concatenateSequences": false,
        "trueView": true,
        "outputFolderPath": plain("The work directory", &files.record)?,
        "ffmpegSettings": {
            "customExecutableLocation": plain("ffmpeg", ffmpeg)?,
            "audioBitrate": 192,
            "constantRateFactor": 18,
            "videoContainer": "mp4",
            "videoCodec": "libx264",
            "audioCodec": "aac",
            "inputParameters": "",
            "outputParameters": "",
        },
        "sequences": [{
            "number": 1,
            "startTick": ticks.start,
            "endTick": ticks.end,
            "showXRay": job.spec_show_xray,
            "showAssists": true,
            "showOnlyDeathNotices": job.cl_draw_only_deathnotices,
            "deathNoticesDuration": 5,
            "playerVoicesEnabled": false,
            "recordAudio": true,
            "playersOptions": [],
            "cameras": [],
            "playerCameras": cameras,
            "cfg": cfg,
        }],
    });
    refuse_comments(&config)?;
    Ok(config)
}

/// The name of the file that the tool writes.
pub fn output_name(ticks: &Ticks) -> String {
    format!("sequence-1-tick-{}-to-{}.mp4", ticks.start, ticks.end)
}

fn refuse_comments(value: &Value) -> Result<(), Fault> {
    match value {
        Value::String(text) if COMMENTS.iter().any(|comment| text.contains(comment)) => {
            let sentence = format!(
                "CS Demo Manager cannot be given this value, because it contains #, // or /*: {text}. Move the files \
                 to another path."
            );
            Err(Fault::not_ready(sentence))
        }
        Value::Array(values) => values.iter().try_for_each(refuse_comments),
        Value::Object(values) => values.values().try_for_each(refuse_comments),
        _ => Ok(()),
    }
}
