//! The lines that a preset prints under the command contract. Each is flushed, because the node's watchdog depends on
//! it. A failed write means that the parent is gone.

use std::io::Write;
use std::time::Duration;

use super::ending::{Fault, Step, Stop};
use super::pov::POV_TAG;
use crate::domain::text;
use crate::render::command::contract::Line;

/// Bytes of other programs' log lines that are passed on.
const LOG_BYTES: usize = 128 * 1024;
/// Bytes of one line that is passed on.
const LINE_BYTES: usize = 1_024;

/// Prints to standard output.
pub struct Report<'a> {
    out: &'a mut dyn Write,
    /// What every line of this attempt's script contains.
    proof: String,
    percent: Option<u32>,
    logged: usize,
    spoke: Duration,
}

impl<'a> Report<'a> {
    /// Prints to `out`. `token`: the attempt's.
    pub fn new(out: &'a mut dyn Write, token: &str, now: Duration) -> Self {
        Self { out, proof: format!("{POV_TAG} {token} "), percent: None, logged: 0, spoke: now }
    }

    /// A status line.
    pub fn status(&mut self, word: &str, now: Duration) -> Step<()> {
        self.print(&Line::Status(word.to_owned()), now)
    }

    /// Repeats the status if nothing was printed for this long.
    pub fn keep_alive(&mut self, word: &str, silence: Duration, now: Duration) -> Step<()> {
        if now.saturating_sub(self.spoke) < silence { Ok(()) } else { self.status(word, now) }
    }

    /// Progress in percent, printed only when it grows.
    pub fn progress(&mut self, percent: u32, now: Duration) -> Step<()> {
        if self.percent.is_some_and(|before| before >= percent) {
            return Ok(());
        }
        self.percent = Some(percent);
        self.print(&Line::Progress(f64::from(percent.min(100))), now)
    }

    /// Passes on a line of another program: lines of the script always, others up to a limit and never so that they
    /// could be taken for the contract's.
    pub fn pass_on(&mut self, line: &str, now: Duration) -> Step<()> {
        let is_proof = line.contains(&self.proof);
        if !is_proof && self.logged > LOG_BYTES {
            return Ok(());
        }
        let line = text::lines(line).replace('\n', " ");
        let end = (0..=line.len().min(LINE_BYTES)).rev().find(|at| line.is_char_boundary(*at));
        let line = &line[..end.unwrap_or_default()];
        if !is_proof {
            self.logged += line.len();
        }
        let is_plain = matches!(Line::parse(line), Line::Log(_));
        let line = if is_plain { line.to_owned() } else { format!("| {line}") };
        self.print(&Line::Log(line), now)
    }

    /// The end of a failed run.
    pub fn fail(&mut self, fault: &Fault, now: Duration) {
        let sentence = text::lines(&fault.sentence).replace('\n', " ");
        // The parent may be gone; the exit code says the same.
        let _ = self
            .print(&Line::Fail(sentence), now)
            .and_then(|()| self.print(&Line::Error { code: fault.code, retry: fault.retry }, now));
    }

    fn print(&mut self, line: &Line, now: Duration) -> Step<()> {
        self.spoke = now;
        writeln!(self.out, "{line}").and_then(|()| self.out.flush()).map_err(|_| Stop::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn printed(what: impl FnOnce(&mut Report<'_>)) -> Vec<String> {
        let mut out = Vec::new();
        what(&mut Report::new(&mut out, "f00d", NOW));
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn another_programs_line_cannot_pass_for_the_contracts() {
        let lines = printed(|report| {
            for line in ["openjd_progress: 100", "11/29 DINKEM_POV f00d loaded", "Loading\u{1b}[31m map", "a\nb"] {
                report.pass_on(line, NOW).unwrap();
            }
        });
        assert_eq!(lines[0], "| openjd_progress: 100");
        assert_eq!(lines[1], "11/29 DINKEM_POV f00d loaded");
        assert_eq!(lines[3], "a b");
        assert!(lines.iter().skip(1).all(|line| matches!(Line::parse(line), Line::Log(_))));
    }

    #[test]
    fn log_is_bounded_but_the_proof_always_passes() {
        let lines = printed(|report| {
            for _ in 0..1_000 {
                report.pass_on(&"x".repeat(2_000), NOW).unwrap();
                report.pass_on(&format!("a player: DINKEM_POV beef {}", "x".repeat(900)), NOW).unwrap();
            }
            report.pass_on("DINKEM_POV f00d record-end", NOW).unwrap();
        });
        assert!(lines.iter().map(String::len).sum::<usize>() < LOG_BYTES + 2 * LINE_BYTES);
        assert_eq!(lines.last().map(String::as_str), Some("DINKEM_POV f00d record-end"));
    }

    #[test]
    fn something_is_printed_at_least_as_often_as_promised() {
        let silence = Duration::from_secs(5);
        let lines = printed(|report| {
            for second in 1..=20 {
                report.keep_alive("seeking", silence, Duration::from_secs(second)).unwrap();
            }
        });
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn closed_output_cancels() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(Report::new(&mut Closed, "f00d", NOW).status("seeking", NOW), Err(Stop::Cancelled));
    }
}
