//! The threads that call webhooks: one looks for due deliveries, a bounded number of others sends them.

use std::thread;
use std::time::Duration;

use crate::app::App;
use crate::app::webhooks::deliver;
use crate::app::webhooks::turns::{self, Turn, WORKERS};
use crate::os::stop::StopFlag;
use crate::wire::base::Base;

/// How often due deliveries are looked for: retries come due without news, and `admin` adds events from another process.
const LOOK: Duration = Duration::from_secs(1);
/// Pause of a worker whose turn failed because of the store.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Sends due deliveries until the server stops. `base`: of URLs in the events.
pub fn run(app: &App, base: &Base, stop: &StopFlag) {
    // One place per worker, and a webhook gets a turn only while a worker is free: sending never blocks.
    let (give, take) = crossbeam_channel::bounded::<Turn<'_>>(WORKERS);
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            let take = take.clone();
            scope.spawn(move || take.iter().for_each(|turn| deliver_one(&turn, base, stop)));
        }
        while !(stop.stopped() || app.stopping()) {
            let seen = app.outbox.news.rings();
            match turns::begin(app) {
                // A worker that is gone cannot take its turn; the others still do.
                Ok(turns) => turns.into_iter().for_each(|turn| drop(give.send(turn))),
                Err(error) => log::error!("could not look for due webhook deliveries: {error}"),
            }
            app.outbox.news.wait_past(seen, LOOK);
        }
        drop(give);
    });
}

fn deliver_one(turn: &Turn<'_>, base: &Base, stop: &StopFlag) {
    if let Err(error) = deliver::deliver(turn, base) {
        log::error!("could not deliver an event to a webhook: {error}");
        stop.wait(STORE_PAUSE);
    }
}
