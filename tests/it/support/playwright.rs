//! Scripts that drive the dashboard in Chromium: `tests/dashboard/*.py`, with Playwright for Python.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::tools::{have, is_gate, skip};
use super::wait::until_within;

/// How long a script may take before it counts as hung.
const SCRIPT: Duration = Duration::from_secs(600);

/// Whether Chromium, axe-core and Playwright are installed. If not, prints that `test` is skipped; panics in the gate.
pub fn is_installed(test: &str) -> bool {
    if !have("python3", test) || !have("chromium", test) || super::axe::source(test).is_none() {
        return false;
    }
    let mut import = Command::new("python3");
    let found = import.args(["-c", "import playwright.sync_api"]).stderr(Stdio::null()).status().unwrap().success();
    if !found {
        assert!(!is_gate(), "the gate installs Playwright for Python");
        skip(&format!("{test}: Python has no playwright"));
    }
    found
}

/// Runs `tests/dashboard/{name}.py`; panics with its output if it fails.
#[track_caller]
pub fn run(name: &str, arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dashboard").join(format!("{name}.py"));
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    let file = File::create(&output).unwrap();
    let start = Instant::now();
    let mut child = Command::new("python3")
        // No __pycache__ in the sources.
        .arg("-B")
        .arg(script)
        .args(arguments)
        .env("PYTHONUNBUFFERED", "1")
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        // So that a hung script can be killed with its browser.
        .process_group(0)
        .spawn()
        .unwrap();
    let status = until_within(SCRIPT, || child.try_wait().unwrap());
    if status.is_none() {
        let group = format!("-{}", child.id());
        Command::new("kill").args(["-KILL", "--", &group]).status().unwrap();
        child.wait().unwrap();
    }
    let printed = std::fs::read_to_string(&output).unwrap_or_default();
    let seconds = start.elapsed().as_secs();
    match status {
        Some(status) if status.success() => {}
        Some(status) => panic!("{name}.py ended with {status} after {seconds} s:\n{printed}"),
        None => panic!("{name}.py did not end within {seconds} s:\n{printed}"),
    }
}
