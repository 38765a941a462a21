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
pub(super) struct GuardedResolver<R = DefaultResolver> {
    inner: R,
    addresses: Addresses,
    contacted: Arc<Contacted>,
}

impl GuardedResolver {
    pub(super) fn new(addresses: Addresses, contacted: Arc<Contacted>) -> Self {
        Self { inner: DefaultResolver::default(), addresses, contacted }
    }
}

impl<R: Resolver> Resolver for GuardedResolver<R> {
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Mutex;
    use std::time::Duration;

    use ureq::unversioned::transport::time::Duration as Timeout;

    use super::*;

    /// A name server that gives another answer each time, as one that rebinds a name does.
    #[derive(Debug)]
    struct Rebinding(Mutex<Vec<Vec<SocketAddr>>>);

    impl Resolver for Rebinding {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut found = self.empty();
            self.0.lock().unwrap().remove(0).into_iter().for_each(|address| found.push(address));
            Ok(found)
        }
    }

    #[test]
    fn every_answer_of_a_name_server_is_checked_and_forbidden_addresses_are_dropped() {
        let answers = [
            (&["93.184.215.14:443"][..], &["93.184.215.14:443"][..]),
            (&["127.0.0.1:443"], &[]),
            (&["10.0.0.7:443", "[::1]:443", "93.184.215.14:443"], &["93.184.215.14:443"]),
            (&["[::ffff:169.254.169.254]:443"], &[]),
            (&["[64:ff9b::a00:7]:443"], &[]),
        ];
        let parsed = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let inner = Rebinding(Mutex::new(answers.iter().map(|(answer, _)| parsed(answer)).collect()));
        let addresses = Addresses::Guarded { allow: Vec::new(), private: false };
        let resolver = GuardedResolver { inner, addresses, contacted: Arc::default() };
        let timeout = NextTimeout {
            after: Timeout::from(Duration::from_secs(1)),
            reason: ureq::Timeout::Resolve,
            per_read: None,
            per_write: None,
        };
        for (answer, permitted) in answers {
            let found = resolver.resolve(&Uri::from_static("https://hooks.example"), &Config::default(), timeout);
            let found: Vec<_> = found.map(|found| found.iter().copied().collect()).unwrap_or_default();
            assert_eq!(found, parsed(permitted), "{answer:?}");
        }
    }
}
