//! systemd: told by its notification protocol how a program that it has started is doing, and asked to start others.
//! Where it has not started the program nobody hears anything, and the program runs the same.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::domain::error::{Error, Kind, Result};

/// Says that what was started answers.
pub fn ready() {
    tell("READY=1");
}

/// Says that the end has begun.
pub fn stopping() {
    tell("STOPPING=1");
}

/// Feeds the watchdog: see [`watchdog`].
pub fn alive() {
    tell("WATCHDOG=1");
}

/// How long the service manager waits for a sign of life before it ends this program and starts it anew; `None` where
/// it doesn't.
pub fn watchdog() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    return sd_notify::watchdog_enabled();
    #[cfg(not(target_os = "linux"))]
    None
}

fn tell(news: &str) {
    #[cfg(target_os = "linux")]
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Custom(news)]) {
        log::warn!("The service manager could not be told {news}: {error}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = news;
}

/// Refuses where systemd does not run, or does not know this unit.
pub fn require_unit(unit: &str) -> Result<()> {
    let missing = |why: &str| {
        let message =
            format!("{why}: this works on Linux with systemd, where the package of dinkem-appliance is installed.");
        Error::new(Kind::Unavailable, "no_service", message)
    };
    #[cfg(target_os = "linux")]
    let is_booted = sd_notify::booted().unwrap_or(false);
    #[cfg(not(target_os = "linux"))]
    let is_booted = false;
    if !is_booted {
        return Err(missing("systemd does not run here"));
    }
    control(&["cat", unit]).map_err(|error| missing(&format!("There is no {unit}")).because(error))
}

/// `systemctl` with these words.
pub fn control(words: &[&str]) -> Result<()> {
    let failed =
        |why: &dyn std::fmt::Display| Error::internal(format!("`systemctl {}` has failed.", words.join(" ")), why);
    let output = Command::new("systemctl").args(words).stdin(Stdio::null()).output().map_err(|error| failed(&error))?;
    if output.status.success() { Ok(()) } else { Err(failed(&String::from_utf8_lossy(&output.stderr).trim())) }
}
