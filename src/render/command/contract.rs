//! The contract between a node and a renderer program: job file, lines on standard output, exit codes.
//!
//! Must not know what a renderer does with a job.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::camera::CameraMode;
use crate::domain::failure::{FailureCode, Retry};
use crate::domain::text;
use crate::domain::text::SENTENCE_CHARS;
use crate::render::game::setup::GameSetup;

/// The supported version of the contract: [`JobFile::contract`].
pub const CONTRACT: u32 = 1;
/// Name of the file in the work directory that requests cancellation.
pub const CANCEL_FILE: &str = "cancel";

/// Exit code: success, subject to a check of the output.
pub const EXIT_DONE: u8 = 0;
/// Exit code: bad job, do not retry.
pub const EXIT_BAD_JOB: u8 = 10;
/// Exit code: the demo does not fit this node's game version; retry elsewhere.
pub const EXIT_WRONG_BUILD: u8 = 11;
/// Exit code: transient failure.
pub const EXIT_TRANSIENT: u8 = 20;
/// Exit code: this node is not ready; not counted as an attempt.
pub const EXIT_NOT_READY: u8 = 21;
/// Exit code: cancelled on request.
pub const EXIT_CANCELLED: u8 = 130;

/// `job.json`. Fields that the built-in renderer does not use may be null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// [`CONTRACT`].
    pub contract: u32,
    /// Job ID, for logs.
    pub job_id: String,
    /// Attempt number, from 1.
    pub attempt: u32,
    /// The uncompressed demo on the node's disk.
    pub demo: JobDemo,
    /// The player to follow.
    pub player: JobPlayer,
    /// Round number, not counting warm-up and knife rounds.
    pub round: u32,
    /// First tick of the clip, in demo ticks.
    pub start_tick: Option<i32>,
    /// Last tick of the clip, in demo ticks.
    pub end_tick: Option<i32>,
    /// Frames per second: 30 or 60.
    pub fps: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Console override, `"0"` or `"1"`.
    #[serde(with = "console_flag")]
    pub spec_show_xray: bool,
    /// Console override, `"0"` or `"1"`.
    #[serde(with = "console_flag")]
    pub cl_draw_only_deathnotices: bool,
    /// What the built-in renderer shows of the map: `follow` or `map`. Ours; absent in jobs of older versions.
    #[serde(with = "camera_mode", default)]
    pub camera: CameraMode,
    /// The exact output path of the MP4. The poster, a JPEG, goes next to it with the extension `jpg`.
    pub output: PathBuf,
    /// A directory for this attempt only.
    pub workdir: PathBuf,
    /// Seconds after which the renderer is killed.
    pub deadline_s: u64,
    /// Length of the clip in milliseconds. Ours; null for the built-in renderer, which finds it out itself.
    #[serde(default)]
    pub length_ms: Option<u64>,
    /// The random token of this attempt, without which a line about what the picture shows does not count
    /// (`render/game/pov.rs`). Ours.
    #[serde(default)]
    pub pov_token: Option<String>,
    /// How to drive the game. Ours, only for the presets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub game: Option<GameSetup>,
}

/// The demo of a [`JobFile`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobDemo {
    /// Its path.
    pub path: PathBuf,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Build number of the game that recorded the demo.
    pub build: Option<u32>,
    /// The demo's last tick.
    pub last_tick: Option<i32>,
}

/// The player of a [`JobFile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPlayer {
    /// 64-bit Steam ID as a string: many JSON parsers lose its last digits as a number.
    #[serde(with = "decimal")]
    pub steam64: u64,
    /// Slot in the game, for `spec_player`.
    pub slot: Option<u32>,
}

/// One line of a renderer's standard output.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// `openjd_progress: 0-100`.
    Progress(f64),
    /// `openjd_status: text`; the built-in renderer prints a [`crate::domain::job::Stage`].
    Status(String),
    /// `openjd_fail: text`: one sentence for people.
    Fail(String),
    /// `dinkem_error: code=… retry=…`.
    Error {
        /// What went wrong.
        code: FailureCode,
        /// Whether and where to retry.
        retry: Retry,
    },
    /// Anything else, for the log.
    Log(String),
}

impl Line {
    /// Parses one line without its line feed. Malformed lines become [`Line::Log`].
    pub fn parse(line: &str) -> Self {
        let line = line.trim_end();
        Self::parse_known(line).unwrap_or_else(|| Self::Log(line.to_owned()))
    }

    fn parse_known(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(':')?;
        let rest = rest.trim();
        match word {
            "openjd_progress" => {
                let percent: f64 = rest.parse().ok()?;
                (0.0..=100.0).contains(&percent).then_some(Self::Progress(percent))
            }
            "openjd_status" => Some(Self::Status(rest.to_owned())),
            "openjd_fail" => Some(Self::Fail(rest.to_owned())),
            "dinkem_error" => {
                let value = |name: &str| rest.split_whitespace().find_map(|pair| pair.strip_prefix(name));
                let code = FailureCode::parse(value("code=")?)?;
                Some(Self::Error { code, retry: Retry::parse(value("retry=")?)? })
            }
            _ => None,
        }
    }
}

/// A renderer's message made safe to display: one line of limited length.
pub fn for_people(sentence: &str) -> String {
    text::one_line(sentence, SENTENCE_CHARS)
}

/// Formats the line so that [`Line::parse`] reads it back.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Progress(percent) => write!(f, "openjd_progress: {percent}"),
            Self::Status(text) => write!(f, "openjd_status: {text}"),
            Self::Fail(text) => write!(f, "openjd_fail: {text}"),
            Self::Error { code, retry } => write!(f, "dinkem_error: code={} retry={}", code.as_str(), retry.as_str()),
            Self::Log(text) => f.write_str(text),
        }
    }
}

/// A boolean as a console value.
mod console_flag {
    use super::*;

    pub fn serialize<S: Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if *flag { "1" } else { "0" })
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(serde::de::Error::custom("a console override must be \"0\" or \"1\"")),
        }
    }
}

/// A camera mode by its name.
mod camera_mode {
    use super::*;

    pub fn serialize<S: Serializer>(mode: &CameraMode, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(mode.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CameraMode, D::Error> {
        CameraMode::parse(&String::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("the camera must be \"follow\" or \"map\""))
    }
}

/// A number as a decimal string.
mod decimal {
    use super::*;

    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_lines_are_parsed() {
        let error = |code, retry| Line::Error { code, retry };
        let log = |text: &str| Line::Log(text.to_owned());
        for (text, line) in [
            ("openjd_progress: 0", Line::Progress(0.0)),
            ("openjd_progress: 42.5\r", Line::Progress(42.5)),
            ("openjd_progress:100", Line::Progress(100.0)),
            ("openjd_progress: 101", log("openjd_progress: 101")),
            ("openjd_progress: NaN", log("openjd_progress: NaN")),
            ("openjd_progress: soon", log("openjd_progress: soon")),
            ("openjd_status: parsing", Line::Status("parsing".to_owned())),
            ("openjd_fail: No such round: 99.", Line::Fail("No such round: 99.".to_owned())),
            ("dinkem_error: code=round_not_in_demo retry=never", error(FailureCode::RoundNotInDemo, Retry::Never)),
            ("dinkem_error: retry=elsewhere  code=node_failed", error(FailureCode::NodeFailed, Retry::Elsewhere)),
            ("dinkem_error: code=what retry=never", log("dinkem_error: code=what retry=never")),
            ("dinkem_error: code=node_failed", log("dinkem_error: code=node_failed")),
            (" openjd_progress: 3", log(" openjd_progress: 3")),
            ("frame 3 of 10", log("frame 3 of 10")),
            ("", log("")),
        ] {
            assert_eq!(Line::parse(text), line, "{text:?}");
        }
    }

    #[test]
    fn printed_line_parses_to_itself() {
        for line in [
            Line::Progress(7.25),
            Line::Status("rendering".to_owned()),
            Line::Fail("The disk is full.".to_owned()),
            Line::Error { code: FailureCode::RenderFailed, retry: Retry::Anywhere },
            Line::Log("anything".to_owned()),
        ] {
            assert_eq!(Line::parse(&line.to_string()), line);
        }
    }

    #[test]
    fn job_file_survives_a_json_round_trip() {
        let job = JobFile {
            contract: CONTRACT,
            job_id: "0190c7e6-0000-7000-8000-000000000000".to_owned(),
            attempt: 2,
            demo: JobDemo { path: "/w/a.dem".into(), sha256: Some("ab".to_owned()), build: None, last_tick: None },
            player: JobPlayer { steam64: 76_561_197_991_272_318, slot: None },
            round: 2,
            start_tick: None,
            end_tick: None,
            fps: 60,
            width: 2560,
            height: 1440,
            spec_show_xray: false,
            cl_draw_only_deathnotices: true,
            camera: CameraMode::Map,
            output: "/w/out.mp4".into(),
            workdir: "/w".into(),
            deadline_s: 900,
            length_ms: Some(61_500),
            pov_token: Some("00ff".to_owned()),
            game: None,
        };
        let json = serde_json::to_value(&job).unwrap();
        assert_eq!(json["player"]["steam64"], "76561197991272318");
        assert_eq!((&json["spec_show_xray"], &json["cl_draw_only_deathnotices"]), (&"0".into(), &"1".into()));
        assert!(json["start_tick"].is_null() && json["player"]["slot"].is_null());
        assert_eq!(serde_json::from_value::<JobFile>(json).unwrap(), job);
    }
}
