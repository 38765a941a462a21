//! The Windows Firewall rule that lets clients reach this program on any port.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::domain::error::{Error, Result};

/// Name of the rule as Windows Firewall lists it.
const RULE: &str = "name=Dinkem Appliance";

/// Adds the rule, replacing an existing one.
pub fn open(program: &Path) -> Result<()> {
    // Fails if there is no such rule.
    let _ = close();
    let program = format!("program={}", program.display());
    netsh(&["add", "rule", RULE, "dir=in", "action=allow", "protocol=TCP", &program])
}

/// Removes the rule.
pub fn close() -> Result<()> {
    netsh(&["delete", "rule", RULE])
}

fn netsh(words: &[&str]) -> Result<()> {
    let failed = |why: String| Error::internal("Could not change Windows Firewall.", why);
    let mut netsh = Command::new("netsh");
    netsh.args(["advfirewall", "firewall"]).args(words).stdin(Stdio::null()).stdout(Stdio::null());
    let status = netsh.status().map_err(|error| failed(format!("netsh: {error}")))?;
    if status.success() { Ok(()) } else { Err(failed(format!("netsh exited with {status}"))) }
}
