//! Strictly parses the bodies that nodes send into domain types. Their shapes are in [`crate::wire::node`]. Unknown
//! members are ignored if the node is newer than this server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::error::{Error, Result};
use crate::domain::failure::{Failure, FailureCode, Retry, log_end};
use crate::domain::job::{self, RESOLUTIONS, Renderer, Stage};
use crate::domain::key::Secret;
use crate::domain::lease::Progress;
use crate::domain::node::NODE_SLOTS;
use crate::domain::offer::{GameState, Offer};
use crate::domain::sha256::Sha256;
use crate::domain::text::SENTENCE_CHARS;
use crate::domain::{node, text};
use crate::wire::fields::Fields;
use crate::wire::join_token::JoinTicket;
use crate::wire::upload_requests::{DirectUpload, read_upload};

/// Seconds a claim may wait.
pub const CLAIM_WAIT_SECONDS: u64 = 25;

/// A validated claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimOrder {
    /// Seconds to wait for a job.
    pub wait_seconds: u64,
    /// What the node can render.
    pub offer: Offer,
}

/// `POST /api/node/join`: the token's secret and the node's name. `join_token` may be the whole token or only the
/// secret in it.
pub fn read_join(body: &[u8], is_newer: bool) -> Result<(Secret, String)> {
    let fields = Fields::of_node(body, &["join_token", "name"], is_newer)?;
    let token = fields.require("join_token", fields.string("join_token")?)?;
    let name = fields.require("name", fields.string("name")?)?;
    node::check_name(&name)?;
    let secret = if uuid::Uuid::try_parse(&token).is_ok() { token } else { JoinTicket::decode(&token)?.secret };
    Ok((Secret::new(secret.to_ascii_lowercase()), name))
}

/// `POST /api/node/claims`.
pub fn read_claim(body: &[u8], is_newer: bool) -> Result<ClaimOrder> {
    let fields = Fields::of_node(body, &["wait_seconds", "renderers", "slots", "resolutions", "game"], is_newer)?;
    let within = |name: &str, low: i64, high: i64| {
        let number = fields.require(name, fields.integer(name)?)?;
        if (low..=high).contains(&number) {
            Ok(number)
        } else {
            Err(fields.wrong(name, &format!("must be an integer from {low} to {high}")))
        }
    };
    let wait_seconds = within("wait_seconds", 0, CLAIM_WAIT_SECONDS as i64)? as u64;
    let slots = within("slots", 1, i64::from(NODE_SLOTS))? as u32;
    let game = read_game(&fields, is_newer)?;
    // A node whose game is not ready or in use says so, and asks for nothing.
    let is_not_ready = game.is_some();
    let wrong = |what: &str| fields.wrong("renderers", what);
    let read = |word: &String| {
        Renderer::parse(word).ok_or_else(|| wrong(&format!("names {word:?}, but only \"builtin\" and \"game\" exist")))
    };
    let renderers: Vec<Renderer> =
        fields.require("renderers", fields.strings("renderers")?)?.iter().map(read).collect::<Result<_>>()?;
    if renderers.is_empty() && !is_not_ready {
        return Err(wrong("must name at least one of \"builtin\" and \"game\""));
    }
    let resolutions = match fields.integers("resolutions")? {
        None => RESOLUTIONS.to_vec(),
        Some(lines) => lines
            .iter()
            .map(|lines| job::check_resolution(*lines).ok())
            .collect::<Option<_>>()
            .ok_or_else(|| fields.wrong("resolutions", "must name 1080, 1440 or both"))?,
    };
    Ok(ClaimOrder { wait_seconds, offer: Offer { slots, renderers, resolutions, game } })
}

/// The game of a claim, with texts cut to what people read.
fn read_game(fields: &Fields<'_>, is_newer: bool) -> Result<Option<GameState>> {
    let known: &[&str] = &["build", "tools", "canary", "not_ready"];
    let Some(game) = fields.object_of_node("game", known, is_newer)? else { return Ok(None) };
    let build = build(&game, "build")?;
    let line = |name: &str| Ok::<_, Error>(game.string(name)?.map(|text| text::one_line(&text, SENTENCE_CHARS)));
    let not_ready = line("not_ready")?.filter(|sentence| !sentence.is_empty());
    let (tools, canary) = (line("tools")?.unwrap_or_default(), line("canary")?.unwrap_or_default());
    Ok(Some(GameState { build, tools, canary, not_ready }))
}

/// A build of the game.
fn build(fields: &Fields<'_>, name: &str) -> Result<Option<u32>> {
    let build = fields.integer(name)?.map(|build| u32::try_from(build).ok().filter(|&build| build > 0));
    build.map(|build| build.ok_or_else(|| fields.wrong(name, "must be a positive integer"))).transpose()
}

/// A heartbeat. Not printable: a frame is for the operator's eyes only.
pub struct Heartbeat {
    /// What the node works at.
    pub progress: Progress,
    /// What it sent as a live frame, not yet checked.
    pub frame: Option<Vec<u8>>,
}

/// `PUT /api/node/leases/{lease}`. A frame that cannot be read is left out: a lease must not end for it.
pub fn read_heartbeat(body: &[u8], is_newer: bool) -> Result<Heartbeat> {
    let fields = Fields::of_node(body, &["stage", "progress", "frame"], is_newer)?;
    let word = fields.require("stage", fields.string("stage")?)?;
    let stage = Stage::parse(&word)
        .ok_or_else(|| fields.wrong("stage", "must be \"fetching\", \"parsing\", \"rendering\" or \"uploading\""))?;
    let fraction = fields.require("progress", fields.number("progress")?)?;
    if !(0.0..=1.0).contains(&fraction) {
        return Err(fields.wrong("progress", "must be a number from 0 to 1"));
    }
    let frame = fields.string("frame").ok().flatten().and_then(|text| STANDARD.decode(text).ok());
    Ok(Heartbeat { progress: Progress { stage, fraction }, frame })
}

/// A finished attempt as its node reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompleteReport {
    /// SHA-256 of the video.
    pub video_sha256: Sha256,
    /// Whether the node has proven that the video shows the player's own view; only for the game.
    pub pov_verified: bool,
    /// The tail of the renderer's log, if the node sent one.
    pub log: Option<String>,
    /// The video's parts, if it was uploaded past the server.
    pub upload: Option<DirectUpload>,
}

impl From<Sha256> for CompleteReport {
    /// A video about which nothing more is said.
    fn from(video_sha256: Sha256) -> Self {
        Self { video_sha256, pov_verified: false, log: None, upload: None }
    }
}

/// `POST …/complete`.
pub fn read_complete(body: &[u8], is_newer: bool) -> Result<CompleteReport> {
    let fields = Fields::of_node(body, &["video_sha256", "pov_verified", "log", "upload"], is_newer)?;
    let text = fields.require("video_sha256", fields.string("video_sha256")?)?;
    let video_sha256 = Sha256::parse(&text);
    let video_sha256 =
        video_sha256.ok_or_else(|| fields.wrong("video_sha256", "must be 64 hexadecimal digits in lower case"))?;
    let pov_verified = fields.boolean("pov_verified")?.unwrap_or(false);
    let upload = read_upload(&fields, is_newer)?;
    Ok(CompleteReport { video_sha256, pov_verified, log: read_log(&fields)?, upload })
}

/// The end of a renderer's log.
fn read_log(fields: &Fields<'_>) -> Result<Option<String>> {
    Ok(fields.string("log")?.map(|log| log_end(&text::lines(&log)).to_owned()))
}

/// Stored for a failure whose message has no printable text.
const NO_REASON: &str = "The render node gave no reason.";

/// A failed attempt as its node reported it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailReport {
    /// What went wrong.
    pub failure: Failure,
    /// The tail of the renderer's log, if the node sent one.
    pub log: Option<String>,
    /// The build of the game that recorded the demo, if the node's game does not play it.
    pub demo_build: Option<u32>,
}

impl From<Failure> for FailReport {
    /// A failure without a log.
    fn from(failure: Failure) -> Self {
        Self { failure, log: None, demo_build: None }
    }
}

/// `POST …/fail`.
pub fn read_fail(body: &[u8], is_newer: bool) -> Result<FailReport> {
    let fields = Fields::of_node(body, &["code", "message", "retry", "log", "demo_build"], is_newer)?;
    let code = fields.require("code", fields.string("code")?)?;
    let code = FailureCode::parse(&code).ok_or_else(|| fields.wrong("code", "must be one of the failure codes"))?;
    let message = fields.require("message", fields.string("message")?)?;
    if message.is_empty() {
        return Err(fields.wrong("message", "must be a sentence that says what failed"));
    }
    let mut message = text::one_line(&message, SENTENCE_CHARS);
    if message.is_empty() {
        // A failed attempt counts even if its message is invalid.
        message = NO_REASON.to_owned();
    }
    let retry = fields.require("retry", fields.string("retry")?)?;
    let retry = Retry::parse(&retry)
        .ok_or_else(|| fields.wrong("retry", "must be \"elsewhere\", \"anywhere\" or \"never\""))?;
    let log = read_log(&fields)?;
    let demo_build = build(&fields, "demo_build")?;
    Ok(FailReport { failure: Failure { code, message, retry }, log, demo_build })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::frame::FRAME_BYTES;
    use crate::wire::JSON_BODY_BYTES;
    use crate::wire::node::HeartbeatRequest;

    const SECRET: &str = "3f8c1a2b-9d4e-4f6a-bc12-7e0a5d9c1234";

    #[test]
    fn failure_is_recorded_whatever_its_message_contains() {
        for message in ["\\u009c\\n", " \\t "] {
            let body = format!("{{\"code\":\"node_failed\",\"retry\":\"elsewhere\",\"message\":\"{message}\"}}");
            assert_eq!(read_fail(body.as_bytes(), false).unwrap().failure.message, NO_REASON, "{message}");
        }
    }

    #[track_caller]
    fn refused<T>(read: fn(&[u8], bool) -> Result<T>, cases: &[(&str, &str)]) {
        for (body, field) in cases {
            match read(body.as_bytes(), false) {
                Ok(_) => panic!("accepted: {body}"),
                Err(error) => assert_eq!(error.field.as_deref(), Some(*field), "{body}: {error}"),
            }
        }
    }

    #[test]
    fn join_accepts_the_whole_token_or_only_its_secret() {
        let ticket = JoinTicket { server: None, ca: None, secret: SECRET.into() }.encode().unwrap();
        for token in [SECRET, &SECRET.to_uppercase(), &ticket] {
            let (secret, name) =
                read_join(format!(r#"{{"join_token":"{token}","name":"n1"}}"#).as_bytes(), false).unwrap();
            assert_eq!((secret.reveal(), name.as_str()), (SECRET, "n1"));
        }
        refused(
            read_join,
            &[
                (r#"{"name":"n"}"#, "join_token"),
                (r#"{"join_token":"x","name":"n"}"#, "join_token"),
                (r#"{"join_token":5,"name":"n"}"#, "join_token"),
                (r#"{"join_token":"x","name":""}"#, "name"),
                (r#"{"join_token":"x","name":"a\u0007"}"#, "name"),
                (r#"{"join_token":"x","name":"n","x":1}"#, "x"),
            ],
        );
    }

    #[test]
    fn a_claim_is_checked_field_by_field() {
        let good = read_claim(br#"{"wait_seconds":25,"renderers":["builtin","game"],"slots":1}"#, false).unwrap();
        let offer = Offer { slots: 1, renderers: vec![Renderer::Builtin, Renderer::Game], ..Offer::none() };
        assert_eq!(good, ClaimOrder { wait_seconds: 25, offer: offer.clone() });
        let body = br#"{"wait_seconds":0,"renderers":[],"slots":1,"resolutions":[1080],
            "game":{"build":14152,"tools":"HLAE 2.191.0","canary":"","not_ready":"No\nSteam."}}"#;
        let game = GameState {
            build: Some(14_152),
            tools: "HLAE 2.191.0".into(),
            canary: String::new(),
            not_ready: Some("No Steam.".into()),
        };
        let offer = Offer { renderers: vec![], resolutions: vec![1080], game: Some(game), ..offer };
        assert_eq!(read_claim(body, false).unwrap(), ClaimOrder { wait_seconds: 0, offer });
        refused(
            read_claim,
            &[
                (r#"{"renderers":["builtin"],"slots":1}"#, "wait_seconds"),
                (r#"{"wait_seconds":26,"renderers":["builtin"],"slots":1}"#, "wait_seconds"),
                (r#"{"wait_seconds":-1,"renderers":["builtin"],"slots":1}"#, "wait_seconds"),
                (r#"{"wait_seconds":1.0,"renderers":["builtin"],"slots":1}"#, "wait_seconds"),
                (r#"{"wait_seconds":0,"renderers":[],"slots":1}"#, "renderers"),
                (r#"{"wait_seconds":0,"renderers":["vr"],"slots":1}"#, "renderers"),
                (r#"{"wait_seconds":0,"renderers":"builtin","slots":1}"#, "renderers"),
                (r#"{"wait_seconds":0,"renderers":["builtin"],"slots":0}"#, "slots"),
                (r#"{"wait_seconds":0,"renderers":["builtin"],"slots":65}"#, "slots"),
                (r#"{"wait_seconds":0,"renderers":["builtin"],"slots":1,"gpu":true}"#, "gpu"),
                (r#"{"wait_seconds":0,"renderers":["builtin"],"slots":1,"resolutions":[720]}"#, "resolutions"),
                (r#"{"wait_seconds":0,"renderers":["game"],"slots":1,"game":{"build":0}}"#, "game.build"),
                (r#"{"wait_seconds":0,"renderers":["game"],"slots":1,"game":{"gpu":1}}"#, "game.gpu"),
            ],
        );
    }

    #[test]
    fn a_heartbeat_names_a_stage_and_a_fraction() {
        for (text, fraction) in [("0", 0.0), ("1", 1.0), ("0.25", 0.25), ("5e-1", 0.5)] {
            let body = format!(r#"{{"stage":"parsing","progress":{text}}}"#);
            let heartbeat = read_heartbeat(body.as_bytes(), false).unwrap();
            assert_eq!(heartbeat.progress, Progress { stage: Stage::Parsing, fraction });
            assert_eq!(heartbeat.frame, None);
        }
        refused(
            read_heartbeat,
            &[
                (r#"{"stage":"done","progress":0}"#, "stage"),
                (r#"{"stage":"parsing","progress":1.01}"#, "progress"),
                (r#"{"stage":"parsing","progress":-0.1}"#, "progress"),
                (r#"{"stage":"parsing","progress":"0.5"}"#, "progress"),
                (r#"{"stage":"parsing","progress":null}"#, "progress"),
                (r#"{"stage":"parsing"}"#, "progress"),
            ],
        );
    }

    #[test]
    fn a_frame_is_read_with_a_heartbeat_and_left_out_if_it_is_invalid() {
        for (text, frame) in [
            (r#""/9g=""#, Some(vec![0xff, 0xd8])),
            (r#""""#, Some(vec![])),
            (r#""/9g""#, None),
            (r#""_9g=""#, None),
            (r#""\ud800""#, None),
            ("null", None),
            ("[255,216]", None),
        ] {
            let body = format!(r#"{{"stage":"parsing","progress":0,"frame":{text}}}"#);
            assert_eq!(read_heartbeat(body.as_bytes(), false).unwrap().frame, frame, "{text}");
        }
    }

    #[test]
    fn the_largest_frame_fits_into_a_heartbeat() {
        let frame = Some(STANDARD.encode([0xff; FRAME_BYTES]));
        let heartbeat = HeartbeatRequest { stage: "rendering".into(), progress: 0.123_456_789_012_345, frame };
        assert!((serde_json::to_vec(&heartbeat).unwrap().len() as u64) < JSON_BODY_BYTES);
    }

    #[test]
    fn completion_and_failure_are_checked_field_by_field() {
        let body = format!(r#"{{"video_sha256":"{}"}}"#, "0f".repeat(32));
        assert_eq!(read_complete(body.as_bytes(), false).unwrap(), Sha256([15; 32]).into());
        let body = body.replace('}', r#","pov_verified":true,"log":"a"}"#);
        let log = Some("a".to_owned());
        let report = CompleteReport { video_sha256: Sha256([15; 32]), pov_verified: true, log, upload: None };
        assert_eq!(read_complete(body.as_bytes(), false).unwrap(), report);
        refused(read_complete, &[("{}", "video_sha256"), (r#"{"video_sha256":"0f"}"#, "video_sha256")]);

        let failure = read_fail(br#"{"code":"render_failed","message":"m","retry":"elsewhere"}"#, false).unwrap();
        let (log, demo_build) = (None, None);
        assert_eq!(failure, FailReport { failure: Failure::here(FailureCode::RenderFailed, "m"), log, demo_build });
        let body = br#"{"code":"render_failed","message":"m","retry":"never","log":"a\nb","demo_build":14152}"#;
        let report = read_fail(body, false).unwrap();
        assert_eq!((report.log.as_deref(), report.demo_build), (Some("a\nb"), Some(14_152)));
        refused(
            read_fail,
            &[
                (r#"{"code":"odd","message":"m","retry":"never"}"#, "code"),
                (r#"{"code":"render_failed","retry":"never"}"#, "message"),
                (r#"{"code":"render_failed","message":"","retry":"never"}"#, "message"),
                (r#"{"code":"render_failed","message":"m","retry":"later"}"#, "retry"),
                (r#"{"code":"render_failed","message":"m","retry":"never","log":5}"#, "log"),
            ],
        );
    }
}
