//! Shell scripts in place of this program's child processes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes an executable script.
pub fn write(path: &Path, text: &str) {
    // Another process writes the file. If this one did, a child that another test is just spawning could inherit the
    // open file, and executing it would fail with "text file busy".
    let write = format!("cat > '{0}' && chmod +x '{0}'", path.display());
    let mut writer = Command::new("/bin/sh").args(["-c", &write]).stdin(Stdio::piped()).spawn().unwrap();
    writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
}
