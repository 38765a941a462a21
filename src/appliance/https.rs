//! HTTPS of one appliance: its certificate, the names it must cover, and the background pass that renews it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::tls::names::Names;
use crate::app::tls::{Certificates, Source, Watch};
use crate::config;
use crate::domain::error::{Error, Result};
use crate::http::{Hosts, Https, ServedCertificate};
use crate::os::host;
use crate::os::url::host_of;
use crate::scheduler::{First, Pass};

/// Seconds between two checks whether the certificate must be renewed or its file has changed.
const CERTIFICATE_LOOK_SECONDS: u64 = 5;

/// Manages a server's certificate.
pub struct Keeper {
    certificates: Certificates,
    listen: IpAddr,
    public_host: Option<String>,
}

impl Keeper {
    /// Loads the certificate, creating what is missing. `listen`: the address the server listens on.
    pub fn open(app: &Arc<App>, source: &Source, listen: IpAddr, public_url: Option<&str>) -> Result<Self> {
        let public_host = public_url.and_then(host_of);
        let certificates =
            Certificates::open(app, source, &names(Some(listen), public_host.as_deref()), public_host.as_deref())?;
        if matches!(source, Source::Files { .. }) && public_host.is_none() && certificates.host().is_none() {
            log::warn!("--tls-cert contains no host name that nodes could connect to. Set --public-url https://NAME.");
        }
        Ok(Self { certificates, listen, public_host })
    }

    /// The TLS configuration to start with.
    pub fn https(&self) -> Https {
        Https { pair: self.certificates.pair().clone(), authority_pem: self.certificates.authority_pem() }
    }

    /// The CA in use, if it is the appliance's own: PEM and fingerprint.
    pub fn authority(&self) -> Option<Authority> {
        match &self.certificates {
            Certificates::Own(own) => Some(Authority { pem: own.authority_pem(), fingerprint: own.fingerprint() }),
            Certificates::Files(_) => None,
        }
    }

    /// The name by which others reach the server, if the certificate has one.
    pub fn host(&self) -> Option<String> {
        self.certificates.host()
    }

    /// The names in an operator-provided certificate, see [`Certificates::names`].
    pub fn names(&self) -> Vec<String> {
        self.certificates.names()
    }

    /// The pass that renews the certificate or reloads an operator-provided one, and updates the running server.
    pub fn pass(self, served: ServedCertificate, hosts: Hosts) -> Pass {
        let Self { mut certificates, listen, public_host } = self;
        let mut watch = Watch::default();
        let mut look = move |app: &App| -> Result<usize> {
            let renewed = match certificates.refresh(app, &names(Some(listen), public_host.as_deref())) {
                Ok(Some(pair)) => served.replace(pair).map(|()| {
                    hosts.set_certificate_names(certificates.names());
                    1
                }),
                outcome => outcome.map(|_| 0),
            };
            // Also for a certificate that could not be renewed.
            watch.look(app, &certificates).iter().for_each(|words| log::warn!("{words}"));
            renewed
        };
        let run = move |app: &App| {
            look(app).map_err(|error| {
                let message = format!("{} The previous certificate stays in use until then.", error.message);
                Error { message, ..error }
            })
        };
        let every = Duration::from_secs(CERTIFICATE_LOOK_SECONDS);
        Pass::new("the server's certificate", every, First::AfterItsPeriod, run)
    }
}

/// The appliance's own CA.
pub struct Authority {
    /// Its certificate.
    pub pem: String,
    /// SHA-256 of it.
    pub fingerprint: String,
}

/// The names clients use for this machine: its own names and addresses, the listen address, the public URL's host.
pub fn names(listen: Option<IpAddr>, public_host: Option<&str>) -> Names {
    let mut addresses = host::addresses();
    addresses.extend(listen);
    Names::of(config::host_name().as_deref(), &addresses, public_host)
}
