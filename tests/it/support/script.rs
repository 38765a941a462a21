//! Shell scripts that stand in for this program's children.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a script that can be executed.
pub fn write(path: &Path, text: &str) {
    // Another process writes it: were it open for writing in this one, a child that some other test starts right
    // now would hold it open too, and it could not be executed.
    let write = format!("cat > '{0}' && chmod +x '{0}'", path.display());
    let mut writer = Command::new("/bin/sh").args(["-c", &write]).stdin(Stdio::piped()).spawn().unwrap();
    writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
}
