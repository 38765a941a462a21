//! The rule in Windows' firewall that lets clients reach this program, whatever port it listens on.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::domain::error::{Error, Result};

/// What the rule is called in the firewall's list.
const RULE: &str = "name=Dinkem Appliance";

/// Makes the rule; one that is there is made anew.
pub fn open(program: &Path) -> Result<()> {
    // It fails when there is no such rule.
    let _ = close();
    let program = format!("program={}", program.display());
    netsh(&["add", "rule", RULE, "dir=in", "action=allow", "protocol=TCP", &program])
}

/// Removes the rule.
pub fn close() -> Result<()> {
    netsh(&["delete", "rule", RULE])
}

fn netsh(words: &[&str]) -> Result<()> {
    let failed = |why: String| Error::internal("Windows' firewall could not be told.", why);
    let mut netsh = Command::new("netsh");
    netsh.args(["advfirewall", "firewall"]).args(words).stdin(Stdio::null()).stdout(Stdio::null());
    let status = netsh.status().map_err(|error| failed(format!("netsh: {error}")))?;
    if status.success() { Ok(()) } else { Err(failed(format!("netsh ended with {status}"))) }
}
