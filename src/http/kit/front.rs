//! Processing common to all requests: request ID, panics and internal errors turned into a plain 500, common headers,
//! and one log line.

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use rouille::{Request, Response};

use crate::app::{self, App};
use crate::domain::error::{Error, Kind, Result};
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::http::kit::hosts::host_of;
use crate::http::kit::measures::Measures;
use crate::http::kit::options::ServeOptions;
use crate::http::kit::parking::{self, Kept};
use crate::http::kit::permits::Shares;
use crate::http::kit::proxies::{Forwarded, Proxies};
use crate::http::kit::request_log::Line;
use crate::http::kit::routing::{Table, path_of};
use crate::http::kit::transport::{Parkings, Presence};
use crate::wire::base::Base;

/// The fraction of the upload slots that one caller may hold: an eighth. Slots for clients and for nodes are separate.
const UPLOAD_SHARE: usize = 8;

/// State shared by all requests.
pub struct Front {
    app: Arc<App>,
    table: &'static Table,
    options: ServeOptions,
    proxies: Proxies,
    address: OnceLock<SocketAddr>,
    uploads: Shares,
    presence: OnceLock<Presence>,
    parkings: OnceLock<Parkings>,
    measures: Arc<Measures>,
    /// Random per run, so that request IDs of different runs differ.
    run: u64,
    requests: AtomicU64,
    /// Whether the warning about an unknown host name has been logged in this run.
    warned: AtomicBool,
}

impl Front {
    pub fn new(app: Arc<App>, table: &'static Table, options: ServeOptions) -> Result<Self> {
        let run = app.random.bits()? as u64;
        Ok(Self {
            app,
            table,
            proxies: Proxies::new(options.trusted_proxies.clone()),
            address: OnceLock::new(),
            uploads: Shares::new(
                options.limits.transport.uploads / UPLOAD_SHARE,
                options.limits.transport.reserved_uploads / UPLOAD_SHARE,
            ),
            presence: OnceLock::new(),
            parkings: OnceLock::new(),
            options,
            measures: Arc::new(Measures::new(table.all().map(|(method, pattern, _)| (method, pattern)).collect())),
            run,
            requests: AtomicU64::new(0),
            warned: AtomicBool::new(false),
        })
    }

    /// Sets what is known only once the port is bound: the address, a fallback for URLs in responses, who is connected,
    /// and where requests can wait. Not the transport itself, which holds this.
    pub fn listens_on(&self, address: SocketAddr, presence: Presence, parkings: Parkings) {
        // Called only once, so the results do not matter.
        let _ = self.address.set(address);
        let _ = self.presence.set(presence);
        let _ = self.parkings.set(parkings);
    }

    /// Logs a request that the transport rejected itself, and returns the request's ID.
    pub fn refused(&self, status: u16, peer: SocketAddr) -> String {
        let id = self.next_id();
        log::info!("{id} answered {status} before any handler saw the request, to {}", peer.ip().to_canonical());
        id
    }

    fn next_id(&self) -> String {
        format!("{:016x}-{:x}", self.run, self.requests.fetch_add(1, Ordering::Relaxed))
    }

    pub fn answer(&self, request: &Request, stopping: bool) -> Response {
        let path = path_of(request.raw_url());
        let found = self.table.find(path);
        let client = self.proxies.client(request);
        let is_connected = || self.presence.get().is_none_or(|presence| presence.has(*request.remote_addr()));
        let parkings = self.parkings.get();
        let kept = parkings.and_then(|parkings| parking::resume(parkings, request));
        let (id, line, who, then, is_over) = match kept {
            Some(Kept { id, line, who, then, is_over }) => (id, line, who, Some(then), is_over),
            None => {
                let line = Line::begin(request, path, &found, client.address, &self.app.clock);
                (self.next_id(), line, OnceCell::new(), None, false)
            }
        };
        let call = Call {
            app: &self.app,
            request,
            parameters: &found.parameters,
            base: self.base(request),
            hosts: (&self.options.hosts, self.address.get().copied()),
            authority_pem: self.options.https.as_ref().and_then(|https| https.authority_pem.as_deref()),
            who,
            whose_uploads: OnceCell::new(),
            client,
            metrics_allow: &self.options.metrics_allow,
            metrics_token: self.options.metrics_token.as_ref(),
            embed_allow: &self.options.embed_allow,
            measures: &self.measures,
            uploads: &self.uploads,
            whole_body_bytes: self.options.limits.transport.small_body_bytes as u64,
            waiting_claims: self.options.limits.waiting_claims,
            waiting_requests: self.options.limits.waiting_requests,
            is_connected: &is_connected,
            parkings,
            is_over,
            asleep: RefCell::default(),
            json_body_bytes: self.options.limits.json_body_bytes,
        };
        let run = || match then {
            Some(then) => then(&call),
            None if stopping => Err(app::stopping()),
            None => self.table.answer(&found, &call),
        };
        // Unwind-safe: handlers share no state that a panic could leave inconsistent, as the store uses transactions.
        let outcome = catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|panic| Err(Error::internal("A handler panicked.", panic_message(panic.as_ref()))));
        if outcome.is_ok()
            && let Some(sleep) = call.asleep.take()
        {
            return parking::park(sleep, id, line, call.who);
        }
        let route = found.pattern.unwrap_or("(unknown)");
        let response = outcome.unwrap_or_else(|error| {
            if error.kind == Kind::Internal {
                log::error!("request {id} to {route} failed: {error}");
            }
            answer::error(&error, self.table.scheme, &id)
        });
        let response = line.on(response, &id, call.who, &self.measures);
        answer::finish(response, id)
    }

    /// Base of URLs in the response.
    fn base(&self, request: &Request) -> Base {
        if let Some(url) = &self.options.public_url {
            return Base::public(url);
        }
        let Forwarded { scheme, host } = self.proxies.forwarded(request);
        let own = if self.options.https.is_some() { "https" } else { "http" };
        let (scheme, listening) = (scheme.unwrap_or(own), self.address.get().copied());
        let called = match host {
            // Only set by a trusted proxy.
            Some(forwarded) => host_of(forwarded).map(|_| forwarded),
            None => request.header("Host").filter(|header| self.is_own_host(header, listening)),
        };
        match called {
            Some(host) => Base::at(scheme, host),
            None => Base::at(scheme, &self.options.hosts.canonical(listening)),
        }
    }

    /// Whether a Host header names this server. The first mismatch is logged, as the name may be missing from the
    /// settings.
    fn is_own_host(&self, header: &str, listening: Option<SocketAddr>) -> bool {
        let Some(host) = host_of(header) else { return false };
        let is_own = self.options.hosts.know(host, listening);
        if !is_own && !self.warned.swap(true, Ordering::Relaxed) {
            log::warn!(
                "A client called this server {host}, which is not one of its names: URLs in responses use {} instead. \
                 If clients should use another name, set --public-url.",
                self.options.hosts.canonical(listening)
            );
        }
        is_own
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_message_reaches_the_log() {
        let of = |panic: fn()| panic_message(catch_unwind(panic).unwrap_err().as_ref());
        assert_eq!(of(|| panic!("fixed")), "fixed");
        assert_eq!(of(|| panic!("formatted {}", 5)), "formatted 5");
        assert_eq!(of(|| std::panic::panic_any(5)), "no message");
    }
}
