//! The appliance's own CA and the server certificate it issues: created and stored in `tls/` of the data directory,
//! renewed, and repaired if a crash left them incomplete.
//!
//! Nodes and clients trust the CA, so it is replaced only when necessary: near its expiry, or for a public URL outside
//! its name constraints. The server certificate is reissued whenever that helps.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256 as Hasher};

use crate::app::App;
use crate::app::tls::names::{Names, Permitted};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::sha256::Sha256;
use crate::os::certificates::{self, Pair, Validity};
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
/// Written last: describes the other four files. They count only if it exists and matches them.
const MADE: &str = "made.json";

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
#[derive(Clone)]
pub struct Own {
    folder: PathBuf,
    made: Made,
    authority: Pair,
    server: Pair,
}

/// `made.json`: data that rcgen would otherwise have to read from the certificates, and hashes of the files it
/// describes.
#[derive(Clone, Deserialize, Serialize)]
struct Made {
    authority: MadeAuthority,
    server: MadeServer,
}

#[derive(Clone, Deserialize, Serialize)]
struct MadeAuthority {
    name: String,
    from: u64,
    until: u64,
    dns: Vec<String>,
    networks: Vec<ipnet::IpNet>,
    sha256: String,
}

#[derive(Clone, Deserialize, Serialize)]
struct MadeServer {
    from: u64,
    until: u64,
    dns: Vec<String>,
    addresses: Vec<std::net::IpAddr>,
    sha256: String,
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
    /// Names in the server certificate.
    pub names: Vec<String>,
    /// Start of the server certificate's validity, Unix time in milliseconds.
    pub server_valid_from_ms: i64,
    /// End of the server certificate's validity, Unix time in milliseconds.
    pub server_valid_until_ms: i64,
}

impl Own {
    /// Loads the CA and certificate of the data directory; creates or repairs them if needed. `public_host`: the host
    /// of `--public-url`. Because the operator set it explicitly, the CA is replaced if it cannot cover it.
    pub fn open(app: &App, names: &Names, public_host: Option<&str>) -> Result<(Self, Change)> {
        let folder = folder(app.data_dir());
        files::create_private_dir(&folder).map_err(|error| unwritable(&folder, &error))?;
        let now = now(app);
        let fault = match read(&folder)? {
            Some(mut own) => match own.authority_fault(now, public_host) {
                None => {
                    let change = match own.refresh(app, names) {
                        Ok(change) => change,
                        Err(error) => own.continue_unwritten(app, names, &error)?,
                    };
                    own.warn_about_uncovered_names(names);
                    return Ok((own, change));
                }
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

    /// Reissues the server certificate if it is about to expire, lacks an address or name of the machine, or its files
    /// are damaged.
    pub fn refresh(&mut self, app: &App, names: &Names) -> Result<Change> {
        let now = now(app);
        let (names, _) = names.split(&self.permitted());
        let made = &self.made.server;
        let is_for = Names { dns: made.dns.clone(), addresses: made.addresses.clone() };
        let timely = made.from <= now && now + CERTIFICATE_RENEW_DAYS * DAY < made.until;
        // A reissued certificate would not last longer.
        let is_last = made.from <= now && made.until == self.made.authority.until;
        let whole = made.sha256 == hash(&self.server);
        if whole && (timely || is_last) && names.within(&is_for) {
            return Ok(Change::None);
        }
        // If the files cannot be written, the next check tries again.
        let mut next = self.clone();
        next.issue(app, &names, now)?;
        next.write(SERVER, |own| &own.server)?;
        next.write_made()?;
        *self = next;
        Ok(Change::Server)
    }

    /// A failure to write a certificate must not keep the server from starting: it uses the existing one, or a new one
    /// in memory only. The next check tries to write again.
    fn continue_unwritten(&mut self, app: &App, names: &Names, error: &Error) -> Result<Change> {
        log::warn!("{error} The server starts anyway and retries later.");
        if self.made.server.sha256 != hash(&self.server) {
            let (names, _) = names.split(&self.permitted());
            self.issue(app, &names, now(app))?;
            self.made.server.until = now(app);
        }
        Ok(Change::None)
    }

    /// Period in which clients accept the server certificate: it and the CA must both be valid. Unix time in seconds.
    pub fn validity(&self) -> Validity {
        let Made { authority, server } = &self.made;
        Validity { from: authority.from.max(server.from), until: authority.until.min(server.until) }
    }

    /// The server's certificate and key.
    pub fn pair(&self) -> &Pair {
        &self.server
    }

    /// PEM of the CA certificate, for clients to trust.
    pub fn authority_pem(&self) -> String {
        String::from_utf8_lossy(&self.authority.certificate).into_owned()
    }

    /// SHA-256 of the CA certificate.
    pub fn fingerprint(&self) -> String {
        certificates::fingerprint(&self.authority.certificate).unwrap_or_default()
    }

    /// Whether a data directory has a CA, complete or not.
    pub fn is_there(data_dir: &Path) -> bool {
        AUTHORITY.iter().any(|name| folder(data_dir).join(name).exists())
    }

    /// Details of a data directory's CA; `None` if there is none or it is incomplete.
    pub fn show(data_dir: &Path) -> Result<Option<Shown>> {
        let folder = folder(data_dir);
        let Some(own) = read(&folder)? else { return Ok(None) };
        let made = &own.made;
        let addresses = made.server.addresses.iter().map(ToString::to_string);
        Ok(Some(Shown {
            path: folder.join(AUTHORITY[0]),
            authority_pem: own.authority_pem(),
            fingerprint: own.fingerprint(),
            valid_from_ms: milliseconds(made.authority.from),
            valid_until_ms: milliseconds(made.authority.until),
            names: made.server.dns.iter().cloned().chain(addresses).collect(),
            server_valid_from_ms: milliseconds(made.server.from),
            server_valid_until_ms: milliseconds(made.server.until),
        }))
    }

    fn make(app: &App, folder: PathBuf, names: &Names, now: u64) -> Result<Self> {
        let Permitted { dns, networks } = Permitted::of(names);
        let host = dns.first().map_or("appliance", String::as_str);
        // The names of two appliances' CAs, or of an appliance's old and new CA, must differ.
        let name = format!("dinkem-appliance {host:.30} {:08x}", app.random.bits()? as u32);
        let valid = validity(now, AUTHORITY_DAYS);
        let authority = certificates::authority(&name, &texts(&dns), &networks, valid, &*app.random)?;
        let sha256 = hash(&authority);
        let Validity { from, until } = valid;
        let made = Made {
            authority: MadeAuthority { name, from, until, dns, networks, sha256 },
            server: MadeServer { from, until, dns: Vec::new(), addresses: Vec::new(), sha256: String::new() },
        };
        let server = Pair { certificate: Vec::new(), key: Vec::new() };
        let mut own = Self { folder, made, authority, server };
        own.issue(app, names, now)?;
        own.write(AUTHORITY, |own| &own.authority)?;
        own.write(SERVER, |own| &own.server)?;
        own.write_made()?;
        Ok(own)
    }

    fn issue(&mut self, app: &App, names: &Names, now: u64) -> Result<()> {
        let MadeAuthority { name, until, .. } = &self.made.authority;
        let mut valid = validity(now, CERTIFICATE_DAYS);
        valid.until = valid.until.min(*until);
        if valid.until <= now {
            let message = "The appliance's CA has expired. Restart the server to create a new one.";
            return Err(Error::new(Kind::Internal, ErrorCode::NoCertificate, message));
        }
        let signer = (name.as_str(), self.authority.key.as_slice());
        self.server = certificates::server(&texts(&names.dns), &names.addresses, valid, signer, &*app.random)?;
        self.made.server = MadeServer {
            from: valid.from,
            until: valid.until,
            dns: names.dns.clone(),
            addresses: names.addresses.clone(),
            sha256: hash(&self.server),
        };
        Ok(())
    }

    fn permitted(&self) -> Permitted {
        Permitted { dns: self.made.authority.dns.clone(), networks: self.made.authority.networks.clone() }
    }

    /// Why the CA can no longer be used.
    fn authority_fault(&self, now: u64, public_host: Option<&str>) -> Option<String> {
        let made = &self.made.authority;
        let public = Names::of(None, &[], public_host);
        if made.from > now {
            return Some("the old one is not valid yet, so the clock was wrong when it was created".to_owned());
        }
        if now + (CERTIFICATE_DAYS + CERTIFICATE_RENEW_DAYS) * DAY >= made.until {
            return Some("the old one is about to expire".to_owned());
        }
        let (_, others) = public.split(&self.permitted());
        others.first().map(|host| format!("the old one cannot issue certificates for {host} in --public-url"))
    }

    fn warn_about_uncovered_names(&self, names: &Names) {
        let (_, others) = names.split(&self.permitted());
        if !others.is_empty() {
            log::warn!(
                "The server's certificate does not cover {}: its CA was created before this machine had that name \
                 or address, and is kept because nodes and clients trust it. Use another name of this machine, or set \
                 --public-url https://NAME, for which a new CA is created.",
                others.join(", ")
            );
        }
    }

    fn write(&self, names: [&str; 2], of: impl Fn(&Self) -> &Pair) -> Result<()> {
        let [certificate, key] = names;
        let pair = of(self);
        files::write_durably(&self.folder.join(key), &pair.key)
            .and_then(|()| files::write_durably(&self.folder.join(certificate), &pair.certificate))
            .map_err(|error| unwritable(&self.folder, &error))
    }

    fn write_made(&self) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.made)
            .map_err(|error| Error::internal("The record of the certificates could not be serialized.", error))?;
        files::write_durably(&self.folder.join(MADE), &text).map_err(|error| unwritable(&self.folder, &error))
    }
}

/// Reads the folder. Requires an intact record and CA; the server's files may be damaged. Only files that are missing
/// or modified count as damaged: failing to read the disk is an error.
fn read(folder: &Path) -> Result<Option<Own>> {
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
    let made: Option<Made> = serde_json::from_slice(&read(MADE)?).ok();
    let whole = made.filter(|made| made.authority.sha256 == hash(&authority));
    Ok(whole.map(|made| Own { folder: folder.to_owned(), made, authority, server }))
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("tls")
}

fn hash(pair: &Pair) -> String {
    Sha256::from(Hasher::new().chain_update(&pair.certificate).chain_update(&pair.key).finalize()).to_string()
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
    let message = format!("Could not write the certificates to {}.", folder.display());
    Error::new(Kind::Internal, ErrorCode::NoCertificate, message).because(error)
}
