//! The thread that looks after requests that wait: it wakes as many claims as there are jobs, and those whose time is
//! up or whose job or node another process has changed.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::app::{App, jobs, leases};
use crate::domain::error::{Error, Result};
use crate::os::doorbell::Doorbell;

/// Time between two looks for what rings no bell.
const LOOK: Duration = Duration::from_secs(1);

/// Starts the thread. It ends when the app shuts down.
pub fn start(app: &Arc<App>) -> Result<JoinHandle<()>> {
    let (news, app) = (Arc::clone(&app.news), Arc::downgrade(app));
    std::thread::Builder::new()
        .name("waiting".into())
        .spawn(move || attend(&news, &app))
        .map_err(|error| Error::internal("The server could not be started.", error))
}

fn attend(news: &Doorbell, app: &Weak<App>) {
    let (mut changes, mut has_rung) = (0, false);
    loop {
        // Read before looking, so that no ring is missed in between.
        let seen = news.rings();
        let Some(app) = app.upgrade().filter(|app| !app.stopping()) else { return };
        let before = std::mem::replace(&mut changes, app.changes_by_others());
        leases::look(&app);
        if changes != before || !has_rung {
            if let Err(error) = leases::sweep(&app, changes != before) {
                log::error!("could not look after waiting claims: {error}");
            }
            jobs::sweep(&app, changes != before);
        }
        drop(app);
        has_rung = news.wait_past(seen, LOOK);
    }
}
