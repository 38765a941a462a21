//! Request handling shared by both peers: the store calls of the appliance's own handlers, without request ids, log,
//! route table or headers. For benchmarks only, so every error is a 500.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use dinkem_appliance::app::accounts::{self, auth};
use dinkem_appliance::app::{App, Settings, jobs};
use dinkem_appliance::domain::error::{Error, Result};
use dinkem_appliance::domain::lease::LEASE_SECONDS;
use dinkem_appliance::http::{Base, job_view};
use dinkem_appliance::os::clock::SystemClock;
use dinkem_appliance::os::random::SystemRandom;
use dinkem_appliance::wire::account::AccountView;
use dinkem_appliance::wire::submit::read_submit;

/// A response: status and JSON.
pub type Answer = (u16, String);

/// The appliance on the data directory given as the first argument, which holds an account. With the argument `each`,
/// every submission is its own commit; otherwise the writer thread batches them, as in the appliance.
pub fn app() -> Arc<App> {
    let folder = std::env::args().nth(1).expect("a data directory");
    let folder = Path::new(&folder);
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(SystemRandom));
    let app = if is_asked_for("each") {
        App::beside(folder, clock, random)
    } else {
        let lease_ms = LEASE_SECONDS * 1_000;
        App::serve(folder, Settings { lease_ms, ..Settings::default() }, clock, random)
    };
    app.expect("the data directory can be opened")
}

/// Whether this argument follows the data directory.
pub fn is_asked_for(word: &str) -> bool {
    std::env::args().skip(2).any(|argument| argument == word)
}

/// Reports the listening address to the bench.
pub fn listens_on(address: SocketAddr) {
    println!("{address}");
    std::io::stdout().flush().expect("the bench listens");
}

/// `GET /api/account`.
pub fn account(app: &App, authorization: &[&str]) -> Answer {
    let answer = || {
        let caller = auth::authenticate(app, authorization)?;
        let summary = accounts::summary(app, &caller)?;
        json(&AccountView {
            name: summary.account.name,
            key_class: caller.class.as_str().into(),
            status: summary.account.status.as_str().into(),
            dinks: summary.account.dinks,
            dinks_in_use: summary.dinks_in_use,
            queued: summary.queued,
            rendering: summary.rendering,
        })
    };
    finish(200, answer())
}

/// `POST /api/clips`.
pub fn submit(app: &App, authorization: &[&str], body: &[u8]) -> Answer {
    let answer = || {
        let caller = auth::authenticate(app, authorization)?;
        let job = jobs::submit(app, &caller, read_submit(body, app.settings.default_renderer)?)?;
        json(&job_view(&job, &Base::public("http://localhost"))?)
    };
    finish(202, answer())
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal("Could not serialize a response.", error))
}

fn finish(status: u16, answer: Result<String>) -> Answer {
    match answer {
        Ok(text) => (status, text),
        Err(error) => (500, error.to_string()),
    }
}
