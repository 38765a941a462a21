//! systemd integration: status notifications (`sd_notify`) and unit control. Notifications are a no-op if systemd did
//! not start the program.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;

/// Reports that startup is complete.
pub fn ready() {
    notify("READY=1");
}

/// Reports that shutdown has begun.
pub fn stopping() {
    notify("STOPPING=1");
}

/// Pings the watchdog: see [`watchdog`].
pub fn alive() {
    notify("WATCHDOG=1");
}

/// The watchdog interval after which systemd restarts this program; `None` if there is no watchdog.
pub fn watchdog() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    return sd_notify::watchdog_enabled();
    #[cfg(not(target_os = "linux"))]
    None
}

fn notify(news: &str) {
    #[cfg(target_os = "linux")]
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Custom(news)]) {
        log::warn!("Could not notify systemd ({news}): {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = news;
}

/// Fails if systemd is not running or does not know this unit.
pub fn require_unit(unit: &str) -> Result<()> {
    let missing = |why: &str| {
        let message = format!("{why}. This requires Linux with systemd and the dinkem-appliance package.");
        Error::new(Kind::Unavailable, ErrorCode::NoService, message)
    };
    #[cfg(target_os = "linux")]
    let is_booted = sd_notify::booted().unwrap_or(false);
    #[cfg(not(target_os = "linux"))]
    let is_booted = false;
    if !is_booted {
        return Err(missing("systemd is not running"));
    }
    control(&["cat", unit]).map_err(|error| missing(&format!("There is no unit {unit}")).because(error))
}

/// Runs `systemctl`.
pub fn control(words: &[&str]) -> Result<()> {
    let failed = |why: &dyn std::fmt::Display| Error::internal(format!("`systemctl {}` failed.", words.join(" ")), why);
    let output = Command::new("systemctl").args(words).stdin(Stdio::null()).output().map_err(|error| failed(&error))?;
    if output.status.success() { Ok(()) } else { Err(failed(&String::from_utf8_lossy(&output.stderr).trim())) }
}
