//! External programs such as ffprobe, Chromium and curl. Tests are skipped with a message when one is missing; in the
//! gate all must be installed.

use std::io::Write;
use std::process::{Command, Stdio};

/// Whether everything must be installed, so that no test may be skipped: in the gate (`.ci/run`).
pub fn is_gate() -> bool {
    std::env::var_os("DINKEM_GATE").is_some()
}

/// Whether `program` can be run. If not, prints that `test` is skipped; panics in the gate.
pub fn have(program: &str, test: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        assert!(!is_gate(), "the gate installs {program}");
        skip(&format!("{test}: {program} is not installed"));
    }
    found
}

/// Prints that a test is skipped, past the test runner's capture.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// A real demo next to the project, if present.
pub fn shared_demo(name: &str, test: &str) -> Option<std::path::PathBuf> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/demos").join(name);
    if path.exists() {
        return Some(path);
    }
    skip(&format!("{test}: no ../shared/demos/{name}"));
    None
}

/// ffprobe's JSON for a file.
pub fn ffprobe(file: &std::path::Path) -> serde_json::Value {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_streams", "-show_format", "-count_frames"])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
