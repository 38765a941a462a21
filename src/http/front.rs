//! What happens to every request and every answer: a request id, panics and failures turned into one sober 500, the
//! headers that all answers have, one line for the log. Paths never reach the log: a clip's address is a secret.

use std::any::Any;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use rouille::{Request, Response};

use super::answer;
use super::call::Call;
use super::permits::Permits;
use super::routes;
use super::urls::Base;
use crate::app::App;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::limits;

/// What all requests share.
pub struct Front {
    app: Arc<App>,
    public_url: Option<String>,
    address: OnceLock<SocketAddr>,
    claims: Permits,
    uploads: Permits,
    /// Drawn at the start, so that request ids of two runs differ.
    run: u64,
    requests: AtomicU64,
}

impl Front {
    /// The front of one server.
    pub fn new(app: Arc<App>, public_url: Option<String>) -> Result<Self> {
        let run = app.random.bits()? as u64;
        Ok(Self {
            app,
            public_url,
            address: OnceLock::new(),
            claims: Permits::new(limits::WAITING_CLAIMS),
            uploads: Permits::new(limits::UPLOADS),
            run,
            requests: AtomicU64::new(0),
        })
    }

    /// Tells the address, once the port is bound: the last resort for URLs in answers.
    pub fn listens_on(&self, address: SocketAddr) {
        // Called once; a second address would be of no use.
        let _ = self.address.set(address);
    }

    /// Answers one request.
    pub fn answer(&self, request: &Request, stopping: bool) -> Response {
        let id = format!("{:016x}-{:x}", self.run, self.requests.fetch_add(1, Ordering::Relaxed));
        let started = self.app.clock.monotonic();
        let path = request.raw_url().split('?').next().unwrap_or_default();
        let found = routes::find(path);
        let call = Call {
            app: &self.app,
            request,
            parameters: &found.parameters,
            base: Base::of(self.public_url.as_deref(), request.header("Host"), self.address.get().copied()),
            claims: &self.claims,
            uploads: &self.uploads,
        };
        let outcome = if stopping {
            Err(Error::new(Kind::Unavailable, "stopping", "The server is stopping; try again shortly."))
        } else {
            // Handlers share nothing that a panic could leave half done: the store has its own transactions.
            catch_unwind(AssertUnwindSafe(|| routes::answer(&found, &call)))
                .unwrap_or_else(|panic| Err(Error::internal("A handler panicked.", words_of(panic.as_ref()))))
        };
        let route = found.pattern.unwrap_or("(unknown)");
        let response = outcome.unwrap_or_else(|error| {
            if error.kind == Kind::Internal {
                log::error!("request {id} to {route} failed: {error}");
            }
            answer::error(&error, &id)
        });
        let took = self.app.clock.monotonic().saturating_sub(started);
        log::debug!("request {id} to {route}: {} in {} ms", response.status_code, took.as_millis());
        answer::finish(response, id)
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_panic_reach_the_log() {
        let of = |panic: fn()| words_of(catch_unwind(panic).unwrap_err().as_ref());
        assert_eq!(of(|| panic!("fixed")), "fixed");
        assert_eq!(of(|| panic!("formatted {}", 5)), "formatted 5");
        assert_eq!(of(|| std::panic::panic_any(5)), "no words");
    }
}
