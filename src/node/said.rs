//! What a renderer has printed, and the failure that it means ([`crate::render::command`]).

use crate::domain::failure::{Failure, FailureCode, Retry};
use crate::domain::job::Stage;
use crate::domain::text;
use crate::render::command::{Line, Verdict, for_people};
use crate::render::game::pov::PovReport;

/// Bytes kept of a renderer's log.
const RENDER_LOG_BYTES: usize = 256 * 1024;

/// What the renderer has printed so far.
#[derive(Default)]
pub struct Said {
    /// The last status that was not a stage of a job.
    pub status: Option<String>,
    /// What the picture shows.
    pub pov: PovReport,
    pub stage: Option<Stage>,
    pub percent: f64,
    sentence: Option<String>,
    error: Option<(FailureCode, Retry)>,
    /// It reported a failed allocation on standard error.
    pub no_memory: bool,
    pub log: String,
}

impl Said {
    /// Handles one line of output; true if it means progress.
    pub fn hear(&mut self, line: &str) -> bool {
        match Line::parse(line) {
            Line::Progress(percent) if percent > self.percent => {
                self.percent = percent;
                return true;
            }
            Line::Progress(_) => {}
            Line::Status(word) => {
                // The phases of a game are all part of the same stage.
                let is_phase = ["seeking", "recording", "encoding"].contains(&word.as_str());
                let stage = if is_phase { Some(Stage::Rendering) } else { Stage::parse(&word) };
                let stage = stage.filter(|stage| [Stage::Parsing, Stage::Rendering].contains(stage));
                self.status = Some(word);
                if stage.is_some() && stage != self.stage {
                    self.stage = stage;
                    return true;
                }
            }
            Line::Fail(sentence) => self.sentence = Some(for_people(&sentence)).filter(|text| !text.is_empty()),
            Line::Error { code, retry } => self.error = Some((code, retry)),
            Line::Log(text) => self.note(&text),
        }
        false
    }

    pub fn note(&mut self, line: &str) {
        if self.log.len() + line.len() < RENDER_LOG_BYTES {
            self.log.push_str(&line.replace(text::is_unclean, " "));
            self.log.push('\n');
        }
    }

    /// The failure for an unsuccessful exit. The renderer's own code and retry hint apply only within what the exit code
    /// allows: only exit 10 fails a job for good. A demo that exhausted this machine may succeed on a larger one.
    pub fn failure(&self, verdict: Verdict) -> Failure {
        // A renderer may not report codes that are about the node.
        let of_nodes =
            [FailureCode::NodeFailed, FailureCode::NodeLost, FailureCode::NodeNotReady, FailureCode::WrongGameBuild];
        let said_code = self.error.map(|(code, _)| code).filter(|code| !of_nodes.contains(code));
        let (code, retry, words) = match verdict {
            Verdict::BadJob => {
                (said_code.unwrap_or(FailureCode::RenderFailed), Retry::Never, "The renderer cannot do this job.")
            }
            Verdict::WrongBuild => (
                said_code.unwrap_or(FailureCode::DemoUnsupported),
                Retry::Elsewhere,
                "The game version on the render node cannot play this demo.",
            ),
            Verdict::NotReady => {
                (FailureCode::NodeNotReady, Retry::Elsewhere, "The render node was not ready to render.")
            }
            Verdict::Transient => {
                let retry = self.error.map(|(_, retry)| retry).filter(|&retry| retry != Retry::Never);
                let code = said_code.unwrap_or(FailureCode::RenderFailed);
                (code, retry.unwrap_or(Retry::Anywhere), "The renderer failed on the render node.")
            }
            Verdict::Exhausted(what) => (FailureCode::DemoTooLarge, Retry::Elsewhere, what.sentence()),
            Verdict::Done | Verdict::Cancelled | Verdict::Killed | Verdict::Crashed => {
                (FailureCode::RenderFailed, Retry::Elsewhere, "The renderer crashed on the render node.")
            }
        };
        let message = self.sentence.clone().unwrap_or_else(|| words.to_owned());
        Failure { code, message, retry }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_map_to_failures_as_in_the_contract() {
        let silent = Said::default();
        let cases = [
            (Some(10), "render_failed", "never"),
            (Some(11), "demo_unsupported", "elsewhere"),
            (Some(20), "render_failed", "anywhere"),
            (Some(21), "node_not_ready", "elsewhere"),
            (Some(130), "render_failed", "elsewhere"),
            (Some(1), "render_failed", "elsewhere"),
            (Some(101), "render_failed", "elsewhere"),
            (None, "render_failed", "elsewhere"),
        ];
        for (exit, code, retry) in cases {
            let failure = silent.failure(Verdict::of(exit, None, false));
            assert_eq!((failure.code.as_str(), failure.retry.as_str()), (code, retry), "{exit:?}");
            assert!(failure.message.ends_with('.'), "{exit:?}");
        }
    }

    #[test]
    fn exhausted_resources_fail_as_demo_too_large_and_retry_elsewhere() {
        for signal in [6, 24, 25] {
            let failure = Said::default().failure(Verdict::of(None, Some(signal), true));
            assert_eq!((failure.code.as_str(), failure.retry.as_str()), ("demo_too_large", "elsewhere"), "{signal}");
        }
    }

    #[test]
    fn exit_code_limits_what_the_reported_error_can_claim() {
        let mut said = Said::default();
        assert!(!said.hear("openjd_fail: The demo has no round 99."));
        assert!(!said.hear("dinkem_error: code=round_not_in_demo retry=never"));
        let cases = [
            (Some(10), "round_not_in_demo", "never"),
            (Some(20), "round_not_in_demo", "anywhere"),
            (Some(21), "node_not_ready", "elsewhere"),
            (None, "render_failed", "elsewhere"),
        ];
        for (exit, code, retry) in cases {
            let failure = said.failure(Verdict::of(exit, None, false));
            assert_eq!((failure.code.as_str(), failure.retry.as_str()), (code, retry), "{exit:?}");
            assert_eq!(failure.message, "The demo has no round 99.");
        }
    }

    #[test]
    fn only_increasing_percentages_and_new_stages_count_as_progress() {
        let mut said = Said::default();
        let lines = [
            ("openjd_status: parsing", true),
            ("openjd_status: parsing", false),
            ("openjd_progress: 5", true),
            ("openjd_progress: 5", false),
            ("openjd_progress: 3", false),
            ("openjd_status: uploading", false),
            ("openjd_status: rendering", true),
            ("openjd_progress: NaN", false),
            ("frame 3 of 9", false),
            ("openjd_progress: 100", true),
        ];
        for (line, progress) in lines {
            assert_eq!(said.hear(line), progress, "{line}");
        }
        assert_eq!(said.log, "openjd_progress: NaN\nframe 3 of 9\n");
    }

    #[test]
    fn log_and_failure_message_are_truncated() {
        let mut said = Said::default();
        for _ in 0..10_000 {
            said.note(&"x".repeat(1_000));
        }
        assert!(said.log.len() <= RENDER_LOG_BYTES);
        said.hear(&format!("openjd_fail: a\tb{}", "é".repeat(4_000)));
        let sentence = said.failure(Verdict::Transient).message;
        assert!(sentence.starts_with("a b") && sentence.chars().count() == 300);
    }
}
