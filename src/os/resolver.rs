//! DNS resolver of the HTTP client. It drops addresses that the policy does not permit and records what kind the
//! others were. The connector sees only its results, so this covers every address of every redirect.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::address::{Addresses, is_public};

/// Which kinds of addresses were resolved so far.
#[derive(Debug, Default)]
pub(super) struct Contacted {
    public: AtomicBool,
    others: AtomicBool,
}

impl Contacted {
    /// Whether there were any addresses, all of them public.
    pub(super) fn only_public(&self) -> bool {
        self.public.load(Ordering::Relaxed) && !self.others.load(Ordering::Relaxed)
    }
}

/// Resolves names to permitted addresses only.
#[derive(Debug)]
pub(super) struct GuardedResolver {
    inner: DefaultResolver,
    addresses: Addresses,
    contacted: Arc<Contacted>,
}

impl GuardedResolver {
    pub(super) fn new(addresses: Addresses, contacted: Arc<Contacted>) -> Self {
        Self { inner: DefaultResolver::default(), addresses, contacted }
    }
}

impl Resolver for GuardedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut permitted = self.empty();
        for address in &self.inner.resolve(uri, config, timeout)? {
            let contacted = if is_public(address.ip()) { &self.contacted.public } else { &self.contacted.others };
            contacted.store(true, Ordering::Relaxed);
            if self.addresses.permit(address.ip()) {
                permitted.push(*address);
            }
        }
        if permitted.is_empty() { Err(ureq::Error::Other(Box::new(Refused))) } else { Ok(permitted) }
    }
}

/// The policy refuses every address of the name.
#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is refused")
    }
}

impl StdError for Refused {}
