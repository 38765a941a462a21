//! Accessibility checks of pages with axe-core.

use serde_json::Value;

use super::chromium::{Browser, Tab};
use super::tools::{is_gate, skip};

/// Rules of WCAG 2.2, levels A and AA.
const RULES: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']";

/// axe-core's source, if the environment names its file; the gate must.
pub fn source(test: &str) -> Option<String> {
    let file = std::env::var_os("AXE_CORE");
    assert!(file.is_some() || !is_gate(), "the gate installs axe-core and sets AXE_CORE");
    if file.is_none() {
        skip(&format!("{test}: AXE_CORE does not name axe-core's axe.min.js"));
    }
    Some(std::fs::read_to_string(file?).unwrap())
}

/// The violations on a page, each as its rule and the elements; `[]` if there are none.
#[track_caller]
pub fn violations(browser: &mut Browser, tab: &Tab, source: &str) -> Value {
    browser.evaluate(tab, &format!("{source}; 0"));
    let mut found = browser.evaluate(
        tab,
        &format!(
            "axe.run(document, {{runOnly: {RULES}}}).then(({{passes, violations}}) => [passes.length, \
             violations.map(({{id, nodes}}) => [id, nodes.map(({{target}}) => target.join())])])"
        ),
    );
    assert!(found[0].as_u64().unwrap() > 10, "rules were checked: {found}");
    found[1].take()
}
