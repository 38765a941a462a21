//! Progress: a bar on a terminal, otherwise plain lines on standard error.

use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output::COLUMNS;
use crate::cli::{output, width};

/// Plain lines per job: one for each tenth.
const TENTHS: f64 = 10.0;
/// Width of the bar's line: 28 columns for the stage, 30 for the bar and its frame, 6 for the percentage, 8 for the
/// time, and the separators.
const TEMPLATE: &str = "{msg:28!} [{bar:28}] {percent:>3} %  {elapsed:8!}";
/// The same for one of several jobs: 24 columns for the job, 24 for the stage, 20 for the bar and its frame, 6 for the
/// percentage, and the separators.
const ROW_TEMPLATE: &str = "{prefix:24!} {msg:24!} [{bar:18}] {percent:>3} %";

/// Shows the current stage and progress; clears the bar when dropped.
pub struct Progress {
    bar: Option<ProgressBar>,
    stage: String,
    said: f64,
}

impl Progress {
    /// Writes to standard error in the form that suits it.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(1_000), ProgressDrawTarget::stderr());
            // The template is a constant, so parsing cannot fail.
            let style = ProgressStyle::with_template(TEMPLATE);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar
        });
        Self { bar, stage: String::new(), said: 0.0 }
    }

    /// Shows nothing.
    pub fn hidden() -> Self {
        Self { bar: Some(ProgressBar::hidden()), stage: String::new(), said: 0.0 }
    }

    /// Sets the stage and the progress of the whole, 0 to 1.
    pub fn show(&mut self, stage: &str, fraction: f64) {
        let fraction = fraction.clamp(0.0, 1.0);
        if let Some(bar) = &self.bar {
            bar.set_message(output::plain(stage));
            bar.set_position((fraction * 1_000.0) as u64);
            return;
        }
        if let Some(line) = self.next_line(stage, fraction) {
            output::say(&line);
        }
    }

    /// Prints a line for each new stage and each tenth.
    fn next_line(&mut self, stage: &str, fraction: f64) -> Option<String> {
        let changed = self.stage != stage;
        let tenth = (fraction * TENTHS + 1e-9).floor();
        if !changed && tenth <= self.said {
            return None;
        }
        stage.clone_into(&mut self.stage);
        self.said = tenth;
        Some(width::fit(&format!("{:>3.0} %  {}", fraction * 100.0, output::plain(stage)), COLUMNS))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Progress of several jobs at once: a bar for each on a terminal, otherwise a plain line whenever one changes its state.
pub struct Board {
    rows: Vec<(String, Option<ProgressBar>)>,
    bars: MultiProgress,
}

impl Board {
    /// A row for each label.
    pub fn new(labels: impl Iterator<Item = String>) -> Self {
        let bars = MultiProgress::new();
        let is_shown = std::io::stderr().is_terminal();
        let bar = |label: &str| {
            let bar = bars.add(ProgressBar::new(1_000));
            // The template is a constant, so parsing cannot fail.
            let style = ProgressStyle::with_template(ROW_TEMPLATE);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar.set_prefix(output::plain(label));
            bar
        };
        let rows = labels.map(|label| {
            let bar = is_shown.then(|| bar(&label));
            (label, bar)
        });
        Self { rows: rows.collect(), bars: bars.clone() }
    }

    /// Sets a row's stage and its progress, 0 to 1. Only on a terminal.
    pub fn show(&self, row: usize, stage: &str, fraction: f64) {
        if let Some((_, Some(bar))) = self.rows.get(row) {
            bar.set_message(output::plain(stage));
            bar.set_position((fraction.clamp(0.0, 1.0) * 1_000.0) as u64);
        }
    }

    /// Sets a row's new state.
    pub fn set_state(&self, row: usize, state: &str) {
        match self.rows.get(row) {
            Some((_, Some(bar))) => bar.set_message(output::plain(state)),
            Some((label, None)) => output::say(&format!("{}: {}", output::plain(label), output::plain(state))),
            None => {}
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // Fails only if the terminal is gone.
        let _ = self.bars.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_line_fits_80_columns() {
        let mut progress = Progress { bar: None, stage: String::new(), said: 0.0 };
        for stage in [
            "queued: every node is busy, and the account has 12 jobs before this one in the queue of its class",
            &"日本".repeat(40),
        ] {
            let line = progress.next_line(stage, 1.0 / 3.0).unwrap();
            assert_eq!((width::columns(&line) <= COLUMNS, line.starts_with(" 33 %  ")), (true, true), "{line}");
            assert!(width::columns(&line) >= COLUMNS - 1, "no more is truncated than necessary: {line}");
        }
        for template in [TEMPLATE, ROW_TEMPLATE] {
            // The widths in the template, plus its literal characters.
            let last = |part: &str| part.split('}').next_back().unwrap().chars().count();
            let fixed: usize = template.split('{').map(last).sum();
            let fields: usize = template
                .split('{')
                .filter_map(|part| part.split_once('}')?.0.split_once(':'))
                .map(|(_, columns)| columns.trim_matches(['!', '>']).parse::<usize>().unwrap())
                .sum();
            assert!(fixed + fields <= COLUMNS, "{fixed} + {fields}");
        }
    }

    #[test]
    fn plain_lines_are_printed_for_each_stage_and_each_tenth() {
        let mut progress = Progress { bar: None, stage: String::new(), said: 0.0 };
        let steps = [
            ("queued", 0.0, Some("  0 %  queued")),
            ("queued", 0.0, None),
            ("rendering", 0.02, Some("  2 %  rendering")),
            ("rendering", 0.09, None),
            ("rendering", 0.1, Some(" 10 %  rendering")),
            ("rendering", 0.35, Some(" 35 %  rendering")),
            ("rendering", 0.39, None),
            ("done", 1.0, Some("100 %  done")),
            ("done", 1.0, None),
        ];
        for (stage, fraction, line) in steps {
            assert_eq!(progress.next_line(stage, fraction).as_deref(), line, "{stage} {fraction}");
        }
    }
}
