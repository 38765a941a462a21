//! The server's certificate: the appliance's own ([`own`]) or a studio's ([`files`]), as the server is to show it now.

mod files;
pub mod names;
mod own;
mod watch;

use std::path::{Path, PathBuf};

use crate::app::App;
use crate::domain::error::Result;
use crate::os::certificates::{self, Pair, Validity};

use crate::app::tls::files::Files;
use crate::app::tls::names::Names;
pub use crate::app::tls::own::{Change, Own, Shown};
pub use crate::app::tls::watch::Watch;

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The appliance's own authority.
    Own,
    /// A studio's files, PEM: the chain and its key.
    Files {
        /// The server's certificate, then those that lead to its root.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

/// The certificate in use, and where its successors come from.
pub enum Certificates {
    /// The appliance's own.
    Own(Box<Own>),
    /// A studio's.
    Files(Box<Files>),
}

impl Certificates {
    /// Opens them, and makes what there is not. `public_host`: see [`Own::open`].
    pub fn open(app: &App, source: &Source, names: &Names, public_host: Option<&str>) -> Result<Self> {
        match source {
            Source::Own => Ok(Self::Own(Box::new(Own::open(app, names, public_host)?.0))),
            Source::Files { certificate, key } => Ok(Self::Files(Box::new(Files::open(certificate, key)?))),
        }
    }

    /// What the server shows.
    pub fn pair(&self) -> &Pair {
        match self {
            Self::Own(own) => own.pair(),
            Self::Files(files) => files.pair(),
        }
    }

    /// Looks whether another one must be shown from now on. Idempotent; `names`: by what clients call this machine now.
    pub fn refresh(&mut self, app: &App, names: &Names) -> Result<Option<&Pair>> {
        match self {
            Self::Own(own) => Ok(if own.refresh(app, names)? == Change::None { None } else { Some(own.pair()) }),
            Self::Files(files) => files.refresh(),
        }
    }

    /// From when until when clients accept it, in seconds of Unix time; `None` where it cannot be read.
    pub fn validity(&self) -> Option<Validity> {
        match self {
            Self::Own(own) => Some(own.validity()),
            Self::Files(files) => {
                let pem = &files.pair().certificate;
                Some(Validity { from: certificates::valid_from(pem)?, until: certificates::valid_until(pem)? })
            }
        }
    }

    /// PEM of the authority that clients must be given; `None` where their systems know the studio's.
    pub fn authority_pem(&self) -> Option<String> {
        match self {
            Self::Own(own) => Some(own.authority_pem()),
            Self::Files(_) => None,
        }
    }

    /// A name that the certificate is for and by which a network finds the server: only a studio's certificate says.
    pub fn host(&self) -> Option<String> {
        self.names().into_iter().find(|name| !name.starts_with('*'))
    }

    /// The names that a studio's certificate is for, in lower case. Of the appliance's own certificate none: its names are
    /// the machine's.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Own(_) => Vec::new(),
            Self::Files(files) => {
                let names = certificates::dns_names(&files.pair().certificate).unwrap_or_default();
                names.into_iter().map(|name| name.to_ascii_lowercase()).collect()
            }
        }
    }
}

/// Makes the appliance's own authority where the data directory has none at all.
pub fn make_if_none(app: &App, names: &Names) -> Result<()> {
    if is_there(app.data_dir()) { Ok(()) } else { Own::open(app, names, None).map(drop) }
}

/// Whether a data directory has an authority of the appliance's own, whole or not.
pub fn is_there(data_dir: &Path) -> bool {
    Own::is_there(data_dir)
}

/// What a data directory holds of the appliance's own authority.
pub fn shown(data_dir: &Path) -> Result<Option<Shown>> {
    Own::show(data_dir)
}
