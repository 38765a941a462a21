//! Data directories as a studio has them after weeks, made by `tests/seed`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::process::BINARY;

/// Fills a data directory; `arguments` as in `tests/seed/main.rs`. Returns what it printed: keys, and ids of jobs.
#[track_caller]
pub fn fill(data_dir: &Path, arguments: &[&str]) -> Value {
    let name = format!("seed{}", std::env::consts::EXE_SUFFIX);
    let program = Path::new(BINARY).with_file_name("examples").join(name);
    assert!(program.is_file(), "{} is missing: cargo build --example seed", program.display());
    let output = Command::new(program).arg(data_dir).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
