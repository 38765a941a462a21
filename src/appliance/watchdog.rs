//! The service manager's watchdog, fed by a sign of life: the background passes go round, the store takes a write and a
//! read, the event loop takes a task. Load and a full disk are no reason to end a server, so neither is asked about.

use crate::app::App;
use crate::http::EventLoop;
use crate::os::systemd;
use crate::scheduler::{First, Pass};

/// How often a sign is given in the time that the service manager waits for one.
const SIGNS: u32 = 4;

/// The pass that feeds it; `None` where nobody watches.
pub fn pass(event_loop: EventLoop) -> Option<Pass> {
    let every = systemd::watchdog()? / SIGNS;
    let run = move |app: &App| {
        app.touch_store();
        if event_loop.turns(every) {
            systemd::alive();
        } else {
            log::error!("the server's event loop stands still: the service manager gets no sign of life");
        }
        Ok(0)
    };
    Some(Pass::new("the watchdog", every, First::AfterItsPeriod, run))
}
