//! The appliance's own CA and the server certificate it issues: created and stored in `tls/` of the data directory,
//! renewed, and repaired if a crash left them incomplete.
//!
//! Nodes and clients trust the CA, so it is replaced only when necessary: near its expiry, or for a public URL outside
//! its name constraints. The server certificate is reissued whenever that helps.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::app::App;
use crate::app::tls::names::{Names, Permitted};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::certificates::{self, Facts, Pair, Validity};
use crate::os::files;

/// Validity of the appliance's own CA in days.
const AUTHORITY_DAYS: u64 = 3_650;
/// Validity of a server certificate in days: browsers reject longer ones.
const CERTIFICATE_DAYS: u64 = 397;
/// Days before its expiry that a server certificate is renewed.
const CERTIFICATE_RENEW_DAYS: u64 = 60;
/// Seconds that a certificate is backdated, for clients whose clocks are slow.
const CERTIFICATE_BACKDATE_SECONDS: u64 = 3_600;

const DAY: u64 = 24 * 3_600;
const AUTHORITY: [&str; 2] = ["authority.pem", "authority.key"];
const SERVER: [&str; 2] = ["server.pem", "server.key"];

/// What was reissued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// The server certificate. Clients are not affected.
    Server,
    /// The CA too: clients that trust the old one need the new one.
    Authority,
}

/// The CA and the server certificate in use.
pub struct Own {
    folder: PathBuf,
    authority: Known,
    server: Known,
    /// Whether the folder holds this server certificate; if not, the next check writes it.
    is_stored: bool,
}

/// A pair that is whole, and what its certificate says.
#[derive(Clone)]
struct Known {
    pair: Pair,
    facts: Facts,
}

/// Details shown to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Path of the CA certificate.
    pub path: PathBuf,
    /// The CA certificate in PEM.
    pub authority_pem: String,
    /// SHA-256 of the CA certificate, `AB:CD:…`.
    pub fingerprint: String,
    /// Start of its validity, Unix time in milliseconds.
    pub valid_from_ms: i64,
    /// End of its validity, Unix time in milliseconds.
    pub valid_until_ms: i64,
    /// The server certificate; `None` if its files are damaged.
    pub server: Option<ShownServer>,
}

/// Details of the server certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownServer {
    /// Names and addresses in it.
    pub names: Vec<String>,
    /// Start of its validity, Unix time in milliseconds.
    pub valid_from_ms: i64,
    /// End of its validity, Unix time in milliseconds.
    pub valid_until_ms: i64,
}

impl Own {
    /// Loads the CA and certificate of the data directory; creates or repairs them if needed. `public_host`: the host
    /// of `--public-url`. Because the operator set it explicitly, the CA is replaced if it cannot cover it.
    pub fn open(app: &App, names: &Names, public_host: Option<&str>) -> Result<(Self, Change)> {
        let folder = folder(app.data_dir());
        files::create_private_dir(&folder).map_err(|error| unwritable(&folder, &error))?;
        let now = now(app);
        let fault = match read(&folder)? {
            Some((authority, server)) => match authority_fault(&authority, now, public_host) {
                None => return Self::open_existing(app, folder, authority, server, names),
                fault => fault,
            },
            None => Self::is_there(app.data_dir()).then(|| "the files of the old CA were damaged".to_owned()),
        };
        if let Some(why) = fault {
            log::warn!(
                "Creating a new certificate authority (CA) for this appliance: {why}. Nodes must join again with a new \
                 token, and clients need the new CA certificate (`admin tls export`)."
            );
        }
        Ok((Self::make(app, folder, names, now)?, Change::Authority))
    }

    /// Keeps an intact CA. `server`: `None` if its files are damaged. A failure to write a certificate must not keep the
    /// server from starting: it uses the existing one, or a new one in memory only. The next check tries to write again.
    fn open_existing(
        app: &App,
        folder: PathBuf,
        authority: Known,
        server: Option<Known>,
        names: &Names,
    ) -> Result<(Self, Change)> {
        let is_stored = server.is_some();
        let server = match server {
            Some(server) => server,
            None => issue(app, &authority, &names.split(&permitted(&authority)).0, now(app))?,
        };
        let mut own = Self { folder, authority, server, is_stored };
        let change = own.refresh(app, names).unwrap_or_else(|error| {
            log::warn!("{error} The server starts anyway and retries later.");
            Change::None
        });
        own.warn_about_uncovered_names(names);
        Ok((own, change))
    }

    /// Reissues the server certificate if it is about to expire or lacks an address or name of the machine, and writes
    /// it if its files were damaged.
    pub fn refresh(&mut self, app: &App, names: &Names) -> Result<Change> {
        let now = now(app);
        let (names, _) = names.split(&permitted(&self.authority));
        let is_good = self.is_good(&names, now);
        if is_good && self.is_stored {
            return Ok(Change::None);
        }
        let server = if is_good { self.server.clone() } else { issue(app, &self.authority, &names, now)? };
        // If the files cannot be written, the next check tries again.
        write(&self.folder, SERVER, &server.pair)?;
        self.server = server;
        self.is_stored = true;
        Ok(Change::Server)
    }

    /// Whether the server certificate is for all these names and does not end soon.
    fn is_good(&self, names: &Names, now: u64) -> bool {
        let Facts { valid, dns, addresses, .. } = &self.server.facts;
        let is_for = Names { dns: dns.clone(), addresses: addresses.clone() };
        let timely = now + CERTIFICATE_RENEW_DAYS * DAY < valid.until;
        // A reissued certificate would not last longer.
        let is_last = valid.until == self.authority.facts.valid.until;
        valid.from <= now && (timely || is_last) && names.within(&is_for)
    }

    /// Period in which clients accept the server certificate: it and the CA must both be valid. Unix time in seconds.
    pub fn validity(&self) -> Validity {
        let (authority, server) = (self.authority.facts.valid, self.server.facts.valid);
        Validity { from: authority.from.max(server.from), until: authority.until.min(server.until) }
    }

    /// The server's certificate and key.
    pub fn pair(&self) -> &Pair {
        &self.server.pair
    }

    /// PEM of the CA certificate, for clients to trust.
    pub fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// SHA-256 of the CA certificate.
    pub fn fingerprint(&self) -> String {
        self.authority.fingerprint()
    }

    /// Whether a data directory has a CA, complete or not.
    pub fn is_there(data_dir: &Path) -> bool {
        AUTHORITY.iter().any(|name| folder(data_dir).join(name).exists())
    }

    /// Details of a data directory's CA; `None` if there is none or it is incomplete.
    pub fn show(data_dir: &Path) -> Result<Option<Shown>> {
        let folder = folder(data_dir);
        let Some((authority, server)) = read(&folder)? else { return Ok(None) };
        Ok(Some(Shown {
            path: folder.join(AUTHORITY[0]),
            authority_pem: authority.pem(),
            fingerprint: authority.fingerprint(),
            valid_from_ms: milliseconds(authority.facts.valid.from),
            valid_until_ms: milliseconds(authority.facts.valid.until),
            server: server.map(|server| ShownServer::of(&server.facts)),
        }))
    }

    fn make(app: &App, folder: PathBuf, names: &Names, now: u64) -> Result<Self> {
        let Permitted { dns, networks } = Permitted::of(names);
        let host = dns.first().map_or("appliance", String::as_str);
        // The names of two appliances' CAs, or of an appliance's old and new CA, must differ.
        let name = format!("dinkem-appliance {host:.30} {:08x}", app.random.bits()? as u32);
        let valid = validity(now, AUTHORITY_DAYS);
        let pair = certificates::authority(&name, &texts(&dns), &networks, valid, &*app.random)?;
        let signer = pair.certificate.clone();
        let authority = Known::made(pair, &signer)?;
        let server = issue(app, &authority, names, now)?;
        // A crash in between leaves a key that does not belong to its certificate, or a server certificate that the CA
        // has not signed: the next start replaces it.
        write(&folder, AUTHORITY, &authority.pair)?;
        write(&folder, SERVER, &server.pair)?;
        Ok(Self { folder, authority, server, is_stored: true })
    }

    fn warn_about_uncovered_names(&self, names: &Names) {
        let (_, others) = names.split(&permitted(&self.authority));
        if !others.is_empty() {
            log::warn!(
                "The server's certificate does not cover {}: its CA was created before this machine had that name \
                 or address, and is kept because nodes and clients trust it. Use another name of this machine, or set \
                 --public-url https://NAME, for which a new CA is created.",
                others.join(", ")
            );
        }
    }
}

impl Known {
    /// `None` if the pair is damaged or not by this CA (PEM).
    fn read(pair: Pair, authority: &[u8]) -> Option<Self> {
        Facts::read_whole(&pair, authority).map(|facts| Self { pair, facts })
    }

    /// A newly created pair.
    fn made(pair: Pair, authority: &[u8]) -> Result<Self> {
        Self::read(pair, authority).ok_or_else(|| {
            let message = "A newly created certificate could not be read back and is not used. Please report this.";
            Error::new(Kind::Internal, ErrorCode::NoCertificate, message)
        })
    }

    fn pem(&self) -> String {
        String::from_utf8_lossy(&self.pair.certificate).into_owned()
    }

    fn fingerprint(&self) -> String {
        certificates::fingerprint(&self.pair.certificate).unwrap_or_default()
    }
}

impl ShownServer {
    fn of(facts: &Facts) -> Self {
        let addresses = facts.addresses.iter().map(ToString::to_string);
        Self {
            names: facts.dns.iter().cloned().chain(addresses).collect(),
            valid_from_ms: milliseconds(facts.valid.from),
            valid_until_ms: milliseconds(facts.valid.until),
        }
    }
}

/// Issues a server certificate that ends no later than its CA.
fn issue(app: &App, authority: &Known, names: &Names, now: u64) -> Result<Known> {
    let Known { pair, facts } = authority;
    let mut valid = validity(now, CERTIFICATE_DAYS);
    valid.until = valid.until.min(facts.valid.until);
    if valid.until <= now {
        let message = "The appliance's CA has expired. Restart the server to create a new one.";
        return Err(Error::new(Kind::Internal, ErrorCode::NoCertificate, message));
    }
    let signer = (facts.name.as_str(), pair.key.as_slice());
    let server = certificates::server(&texts(&names.dns), &names.addresses, valid, signer, &*app.random)?;
    Known::made(server, &pair.certificate)
}

fn permitted(authority: &Known) -> Permitted {
    let Facts { permitted_dns, permitted_networks, .. } = &authority.facts;
    Permitted { dns: permitted_dns.clone(), networks: permitted_networks.clone() }
}

/// Why the CA can no longer be used.
fn authority_fault(authority: &Known, now: u64, public_host: Option<&str>) -> Option<String> {
    let valid = authority.facts.valid;
    if valid.from > now {
        return Some("the old one is not valid yet, so the clock was wrong when it was created".to_owned());
    }
    if now + (CERTIFICATE_DAYS + CERTIFICATE_RENEW_DAYS) * DAY >= valid.until {
        return Some("the old one is about to expire".to_owned());
    }
    let (_, others) = Names::of(None, &[], public_host).split(&permitted(authority));
    others.first().map(|host| format!("the old one cannot issue certificates for {host} in --public-url"))
}

/// Writes the key first: until its certificate follows, the two do not fit, which the next start notices.
fn write(folder: &Path, [certificate, key]: [&str; 2], pair: &Pair) -> Result<()> {
    files::write_durably(&folder.join(key), &pair.key)
        .and_then(|()| files::write_durably(&folder.join(certificate), &pair.certificate))
        .map_err(|error| unwritable(folder, &error))
}

/// Reads the CA and the server certificate; either is `None` if files are missing, damaged or do not fit together.
/// Failing to read the disk is an error.
fn read(folder: &Path) -> Result<Option<(Known, Option<Known>)>> {
    let read = |name: &str| match fs::read(folder.join(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        content => content.map_err(|error| {
            let message = format!("{} cannot be read.", folder.join(name).display());
            Error::new(Kind::Internal, ErrorCode::NoCertificate, message).because(error)
        }),
    };
    let pair =
        |[certificate, key]: [&str; 2]| Ok::<_, Error>(Pair { certificate: read(certificate)?, key: read(key)? });
    let (authority, server) = (pair(AUTHORITY)?, pair(SERVER)?);
    let signer = authority.certificate.clone();
    // Without name constraints it is none of the appliance's: it could not be told what to sign.
    let authority = Known::read(authority, &signer).filter(|authority| !authority.facts.permitted_dns.is_empty());
    Ok(authority.map(|authority| (authority, Known::read(server, &signer))))
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("tls")
}

fn validity(now: u64, days: u64) -> Validity {
    Validity { from: now.saturating_sub(CERTIFICATE_BACKDATE_SECONDS), until: now + days * DAY }
}

fn now(app: &App) -> u64 {
    app.clock.now_ms().max(0).cast_unsigned() / 1_000
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn unwritable(folder: &Path, error: &std::io::Error) -> Error {
    let message = format!("The certificates could not be written into {}.", folder.display());
    Error::new(Kind::Internal, ErrorCode::NoCertificate, message).because(error)
}
