//! The server's certificate: issued by the appliance's own CA ([`own`]) or supplied by the studio ([`files`]).

mod files;
pub mod names;
mod own;
mod watch;

use std::path::{Path, PathBuf};

use crate::app::App;
use crate::domain::error::Result;
use crate::os::certificates::{Facts, Pair, Validity};

use crate::app::tls::files::Files;
use crate::app::tls::names::{Names, is_dns_name};
pub use crate::app::tls::own::{Change, Own, Shown, ShownServer};
pub use crate::app::tls::watch::Watch;

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The appliance's own CA.
    Own,
    /// A studio's PEM files.
    Files {
        /// The server's certificate, followed by its intermediates.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

/// The certificate in use, and its source.
pub enum Certificates {
    /// The appliance's own.
    Own(Box<Own>),
    /// A studio's.
    Files(Box<Files>),
}

impl Certificates {
    /// Loads the certificate, or creates it if needed. `public_host`: see [`Own::open`].
    pub fn open(app: &App, source: &Source, names: &Names, public_host: Option<&str>) -> Result<Self> {
        match source {
            Source::Own => Ok(Self::Own(Box::new(Own::open(app, names, public_host)?.0))),
            Source::Files { certificate, key } => Ok(Self::Files(Box::new(Files::open(certificate, key)?))),
        }
    }

    /// The certificate and key that the server uses.
    pub fn pair(&self) -> &Pair {
        match self {
            Self::Own(own) => own.pair(),
            Self::Files(files) => files.pair(),
        }
    }

    /// Checks whether the server must switch to another certificate. Idempotent. `names`: the current names of this
    /// machine.
    pub fn refresh(&mut self, app: &App, names: &Names) -> Result<Option<&Pair>> {
        match self {
            Self::Own(own) => Ok(if own.refresh(app, names)? == Change::None { None } else { Some(own.pair()) }),
            Self::Files(files) => files.refresh(),
        }
    }

    /// Period in which clients accept the certificate, in seconds of Unix time; `None` if it cannot be read.
    pub fn validity(&self) -> Option<Validity> {
        match self {
            Self::Own(own) => Some(own.validity()),
            Self::Files(files) => Facts::read(&files.pair().certificate).map(|facts| facts.valid),
        }
    }

    /// PEM of the CA certificate that clients need; `None` for a studio's certificate, whose CA clients already trust.
    pub fn authority_pem(&self) -> Option<String> {
        match self {
            Self::Own(own) => Some(own.authority_pem()),
            Self::Files(_) => None,
        }
    }

    /// A host name from the certificate by which clients can reach the server. Only available for a studio's
    /// certificate.
    pub fn host(&self) -> Option<String> {
        self.names().into_iter().find(|name| !name.starts_with('*'))
    }

    /// The names in a studio's certificate, in lower case. Empty for the appliance's own certificate, which has the
    /// machine's names.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Own(_) => Vec::new(),
            Self::Files(files) => {
                let facts = Facts::read(&files.pair().certificate);
                let names = facts.into_iter().flat_map(|facts| facts.dns);
                let can_be_used = |name: &String| is_dns_name(name.strip_prefix("*.").unwrap_or(name));
                names.filter(can_be_used).map(|name| name.to_ascii_lowercase()).collect()
            }
        }
    }
}

/// Creates the appliance's own CA if the data directory has none.
pub fn make_if_none(app: &App, names: &Names) -> Result<()> {
    if is_there(app.data_dir()) { Ok(()) } else { Own::open(app, names, None).map(drop) }
}

/// Whether a data directory has a CA of the appliance, complete or not.
pub fn is_there(data_dir: &Path) -> bool {
    Own::is_there(data_dir)
}

/// Details of the CA in a data directory.
pub fn shown(data_dir: &Path) -> Result<Option<Shown>> {
    Own::show(data_dir)
}
