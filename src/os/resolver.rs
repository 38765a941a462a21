//! Where the HTTP client resolves names: addresses that are not permitted are left out, and it is noted of what sort the
//! others are. The connector sees no others, so this holds for every address, on every redirect.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::address::{Addresses, is_public};

/// To which sorts of addresses names have led.
#[derive(Debug, Default)]
pub(super) struct Met {
    public: AtomicBool,
    others: AtomicBool,
}

impl Met {
    /// Whether there were some, all of them public.
    pub(super) fn only_public(&self) -> bool {
        self.public.load(Ordering::Relaxed) && !self.others.load(Ordering::Relaxed)
    }
}

/// Resolves names to the addresses that are permitted.
#[derive(Debug)]
pub(super) struct GuardedResolver {
    inner: DefaultResolver,
    addresses: Addresses,
    met: Arc<Met>,
}

impl GuardedResolver {
    pub(super) fn new(addresses: Addresses, met: Arc<Met>) -> Self {
        Self { inner: DefaultResolver::default(), addresses, met }
    }
}

impl Resolver for GuardedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut permitted = self.empty();
        for address in &self.inner.resolve(uri, config, timeout)? {
            let met = if is_public(address.ip()) { &self.met.public } else { &self.met.others };
            met.store(true, Ordering::Relaxed);
            if self.addresses.permit(address.ip()) {
                permitted.push(*address);
            }
        }
        if permitted.is_empty() { Err(ureq::Error::Other(Box::new(Refused))) } else { Ok(permitted) }
    }
}

/// Every address behind a name is refused.
#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is refused")
    }
}

impl StdError for Refused {}
