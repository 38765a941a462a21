//! Error windows: HLAE reports errors in modal boxes, behind which the game waits for ever.

use std::path::Path;
use std::time::Duration;

use crate::os::process::{Child, Event, Surroundings};

/// Title of HLAE's error windows.
const ERROR_TITLE: &str = "Error - AfxHookSource2";
/// The program that lists windows' titles, by its name in the search path. Only Windows has it.
const LISTER: &str = "tasklist";
/// Seconds after which a list that does not end is given up.
const LIST_SECONDS: u64 = 30;

/// Looks for error windows from time to time, without waiting for the answer.
#[derive(Debug, Default)]
pub struct ErrorWindows {
    listing: Option<(Child, Duration)>,
    last: Option<Duration>,
}

impl ErrorWindows {
    /// Whether there is an error window, as far as is known. Starts a list every `interval`.
    pub fn any(&mut self, interval: Duration, dir: &Path, now: Duration) -> bool {
        if self.listing.is_none() && self.last.is_none_or(|last| now.saturating_sub(last) >= interval) {
            self.last = Some(now);
            let args = ["/V".into(), "/FO".into(), "CSV".into()];
            let child = Child::spawn_in(Surroundings::Desktop, Path::new(LISTER), &args, dir, &[]);
            self.listing = child.ok().map(|child| (child, now));
        }
        let Some((child, since)) = &mut self.listing else { return false };
        let mut is_over = now.saturating_sub(*since) > Duration::from_secs(LIST_SECONDS);
        while !is_over {
            match child.next(Duration::ZERO) {
                Ok(Event::Out(row)) if row.contains(ERROR_TITLE) => return true,
                Ok(Event::Out(_) | Event::Err(_)) => {}
                Ok(Event::Silence) => return false,
                Ok(Event::Ended(_)) | Err(_) => is_over = true,
            }
        }
        self.listing = None;
        false
    }
}
