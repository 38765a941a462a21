//! Prometheus text exposition format 0.0.4: simple enough to need no library.

use std::fmt::Write as _;

pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A metrics page, built one metric family at a time.
#[derive(Default)]
pub struct Page(String);

impl Page {
    /// Starts a metric family; its samples must follow.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Adds a sample to the current family.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let begin = if at == 0 { '{' } else { ',' };
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{begin}{label}=\"{text}\"");
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    pub fn text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_follow_the_exposition_format() {
        let mut page = Page::default();
        page.family("jobs", "gauge", "How many.");
        page.sample("jobs", &[], 5.0);
        page.sample("jobs", &[("class", "a\"b\\c\nd"), ("le", "0.5")], 0.25);
        let expected =
            "# HELP jobs How many.\n# TYPE jobs gauge\njobs 5\njobs{class=\"a\\\"b\\\\c\\nd\",le=\"0.5\"} 0.25\n";
        assert_eq!(page.text(), expected);
    }
}
