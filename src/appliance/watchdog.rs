//! Feeds the service manager's watchdog while the background passes run, the store accepts a write and a read, and the
//! event loop runs a task. High load and a full disk are not checked: restarting the server would not help.

use crate::app::App;
use crate::http::EventLoop;
use crate::os::systemd;
use crate::scheduler::{First, Pass};

/// How many times it is fed within the service manager's timeout.
const SIGNS: u32 = 4;

/// The pass that feeds it; `None` without a watchdog.
pub fn pass(event_loop: EventLoop) -> Option<Pass> {
    let every = systemd::watchdog()? / SIGNS;
    let run = move |app: &App| {
        app.touch_store();
        if event_loop.is_responsive(every) {
            systemd::alive();
        } else {
            log::error!("the server's event loop is stuck: the service manager gets no keep-alive");
        }
        Ok(0)
    };
    Some(Pass::new("the watchdog", every, First::AfterItsPeriod, run))
}
