//! Checks every minute, and whenever the clock jumps, that the certificate in use is valid, and logs problems. A
//! machine that starts with a wrong clock issues certificates that clients reject once the clock is right.

use std::time::Duration;

use crate::app::App;
use crate::app::tls::Certificates;
use crate::os::certificates::Validity;
use crate::wire::time::rfc3339;

/// Time between two checks that the certificate in use is valid. Clock jumps trigger additional checks.
const EVERY: Duration = Duration::from_secs(60);
/// Time between two warnings that the certificate in use is not valid.
const AGAIN: Duration = Duration::from_secs(3_600);
/// Milliseconds of difference between the wall clock and the monotonic clock that count as a jump.
const JUMP_MS: i64 = 60_000;

/// State of the last check.
#[derive(Default)]
pub struct Watch {
    /// The wall clock, Unix time in milliseconds, and the monotonic one at the same moment.
    clocks: Option<(i64, Duration)>,
    /// When validity was last checked.
    looked: Option<Duration>,
    /// The last problem reported, and when.
    said: Option<(&'static str, Duration)>,
}

impl Watch {
    /// Runs one check and returns the log lines to write. Call it every few seconds.
    pub fn look(&mut self, app: &App, certificates: &Certificates) -> Vec<String> {
        let (wall, now) = (app.clock.now_ms(), app.clock.monotonic());
        let jumped_ms = self.jumped_ms(wall, now);
        let mut words = Vec::new();
        if let Some(by) = jumped_ms {
            let direction = if by > 0 { "forward" } else { "back" };
            let seconds = by.abs() / 1_000;
            words.push(format!("The system clock jumped {direction} by {seconds} s and is now at {}.", rfc3339(wall)));
        }
        let is_due = self.looked.is_none_or(|at| now.saturating_sub(at) >= EVERY);
        if jumped_ms.is_none() && !is_due {
            return words;
        }
        self.looked = Some(now);
        let fault = certificates.validity().and_then(|valid| fault(valid, wall));
        match (&fault, self.said) {
            (None, Some(_)) => words.push("The server's certificate is valid again.".to_owned()),
            (Some((what, _)), Some((said, at))) if *what == said && now.saturating_sub(at) < AGAIN => return words,
            _ => {}
        }
        self.said = fault.as_ref().map(|(what, _)| (*what, now));
        words.extend(fault.map(|(_, sentence)| {
            let fix = match certificates {
                Certificates::Own(_) => "Check the system clock; if it is right, restart the server.",
                Certificates::Files(_) => "Check the system clock; if it is right, replace --tls-cert and --tls-key.",
            };
            format!("{sentence} {fix}")
        }));
        words
    }

    /// How far the wall clock has jumped relative to the monotonic clock since the last check.
    fn jumped_ms(&mut self, wall: i64, now: Duration) -> Option<i64> {
        let (wall_before, before) = self.clocks.replace((wall, now))?;
        let passed = i64::try_from(now.saturating_sub(before).as_millis()).unwrap_or(i64::MAX);
        let by = (wall - wall_before).saturating_sub(passed);
        (by.abs() >= JUMP_MS).then_some(by)
    }
}

/// What is wrong with a certificate at a given time: a code and a message.
fn fault(valid: Validity, now_ms: i64) -> Option<(&'static str, String)> {
    let ms = |seconds: u64| i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
    if now_ms < ms(valid.from) {
        let from = rfc3339(ms(valid.from));
        return Some(("early", format!("Clients refuse the server's certificate: it is not valid before {from}.")));
    }
    (now_ms > ms(valid.until)).then(|| {
        let until = rfc3339(ms(valid.until));
        ("late", format!("Clients refuse the server's certificate: it expired at {until}."))
    })
}
