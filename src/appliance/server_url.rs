//! The URL of this appliance's server and the CA to trust for it: written to the data directory by `serve`, read for
//! join tokens and by `submit`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::app::App;
use crate::app::tls::names::Names;
use crate::config;
use crate::domain::error::{Error, Result};
use crate::os::url::host_of;
use crate::os::{files, host};
use crate::scheduler::{First, Pass};

/// Seconds until a write that failed at startup is retried.
const START_RETRY_SECONDS: u64 = 10;

/// File with the server's URL, in the data directory.
const URL_FILE: &str = "server-url";
/// File with the URL for this machine, next to it.
const LOCAL_URL_FILE: &str = "server-local-url";
/// File with the CA to trust. Missing with plain HTTP and with publicly trusted certificates.
const CA_FILE: &str = "server-ca.pem";

/// What clients and nodes need to reach a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// Its URL.
    pub url: String,
    /// PEM of its CA; `None`: the system's trust store is used.
    pub ca: Option<String>,
}

/// The scheme prefix of a URL.
pub fn scheme(is_https: bool) -> &'static str {
    if is_https { "https" } else { "http" }
}

/// The URL that other machines use: the operator's, else the name in an operator-provided certificate, else the listen
/// address. A server that listens on all interfaces is named by its outbound address, because its host name may not
/// resolve on other machines.
pub fn reachable(public_url: Option<&str>, scheme: &str, name: Option<&str>, listening: SocketAddr) -> String {
    match (public_url, name) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, Some(name)) => absolute(scheme, name, listening.port()),
        (None, None) if listening.ip().is_unspecified() => at(scheme, host::lan_address(), listening.port()),
        (None, None) => at(scheme, listening.ip(), listening.port()),
    }
}

/// The URL that this machine uses, whatever the server listens on.
pub fn local(scheme: &str, listening: SocketAddr) -> String {
    let ip = match listening.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    at(scheme, ip, listening.port())
}

fn at(scheme: &str, ip: IpAddr, port: u16) -> String {
    match ip {
        IpAddr::V4(ip) => absolute(scheme, &ip.to_string(), port),
        IpAddr::V6(ip) => absolute(scheme, &format!("[{ip}]"), port),
    }
}

/// A URL without the scheme's default port.
fn absolute(scheme: &str, host: &str, port: u16) -> String {
    if port == default_port(scheme) { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{port}") }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

/// Path of the CA file for clients on this machine.
pub fn ca_file(data_dir: &Path) -> PathBuf {
    data_dir.join(CA_FILE)
}

/// Why a browser does not trust a certificate of the appliance's own CA at first, and what to do. `ca`: path or URL of
/// the CA certificate.
pub fn browser_warning(ca: &str) -> String {
    format!(
        "Browsers warn about this address because they do not trust the appliance's own CA. Import {ca} into the \
         browser, or proceed past the warning."
    )
}

/// Stores the URL for `admin nodes token` and `submit`, and the local one for `admin healthcheck`. Unchanged files are
/// not rewritten.
pub fn record(data_dir: &Path, server: &ServerUrl, local_url: &str) -> Result<()> {
    let ca = ca_file(data_dir);
    let noted = match &server.ca {
        Some(pem) => note(&ca, pem),
        None => files::remove(&ca),
    };
    noted
        .and_then(|()| note(&data_dir.join(LOCAL_URL_FILE), local_url))
        .and_then(|()| note(&data_dir.join(URL_FILE), &server.url))
        .map_err(|error| Error::internal("Could not record the server's URL in the data directory.", error))
}

fn note(path: &Path, text: &str) -> io::Result<()> {
    let is_there = std::fs::read_to_string(path).is_ok_and(|there| there == text);
    if is_there { Ok(()) } else { files::write_durably(path, text.as_bytes()) }
}

/// Calls [`record`]; if that fails, a pass retries it, because the server must start even with a full disk.
pub fn record_or_retry(data_dir: &Path, server: &ServerUrl, local_url: &str) -> Option<Pass> {
    let error = record(data_dir, server, local_url).err()?;
    log::warn!("{error} The server starts anyway and retries later.");
    let (data_dir, server, local_url) = (data_dir.to_owned(), server.clone(), local_url.to_owned());
    let mut is_noted = false;
    let retry = move |_: &App| {
        if is_noted {
            return Ok(0);
        }
        record(&data_dir, &server, &local_url)?;
        is_noted = true;
        Ok(1)
    };
    let every = Duration::from_secs(START_RETRY_SECONDS);
    Some(Pass::new("the server's address", every, First::AfterItsPeriod, retry))
}

/// The local URL that the last server on this data directory recorded.
pub fn recorded_local(data_dir: &Path) -> Option<ServerUrl> {
    let known = recorded(data_dir)?;
    let text = std::fs::read_to_string(data_dir.join(LOCAL_URL_FILE)).ok();
    let url = text.map(|text| text.trim().to_owned()).filter(|url| !url.is_empty());
    Some(ServerUrl { url: url.unwrap_or_else(|| known.url.clone()), ..known })
}

/// The URL and CA that the last server on this data directory recorded.
pub fn recorded(data_dir: &Path) -> Option<ServerUrl> {
    let text = std::fs::read_to_string(data_dir.join(URL_FILE)).ok()?;
    let url = text.trim();
    let ca = std::fs::read_to_string(ca_file(data_dir)).ok();
    (!url.is_empty()).then(|| ServerUrl { url: url.to_owned(), ca })
}

/// The CA for a URL's server, if that is this machine's own and serves from this data directory.
pub fn authority_here(data_dir: &Path, url: &str) -> Option<String> {
    let own = recorded(data_dir)?;
    let own_host = host_of(&own.url);
    let names = Names::of(config::host_name().as_deref(), &host::addresses(), own_host.as_deref());
    let asked = Names::of(None, &[], host_of(url).as_deref());
    (port_of(url) == port_of(&own.url) && asked.within(&names)).then_some(own.ca).flatten()
}

fn port_of(url: &str) -> Option<u16> {
    Url::parse(url).ok()?.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::{App, Settings};
    use crate::os::clock::FakeClock;
    use crate::os::random::FakeRandom;

    #[test]
    fn reachable_url_works_from_other_machines() {
        let address = |text: &str| text.parse().unwrap();
        let reach = |public_url, name, listening| reachable(public_url, "https", name, address(listening));
        assert_eq!(reach(Some("https://clips.lan/"), Some("a.lan"), "0.0.0.0:1"), "https://clips.lan");
        assert_eq!(reach(None, Some("a.lan"), "0.0.0.0:8443"), "https://a.lan:8443");
        assert_eq!(reach(None, None, "10.1.2.3:8443"), "https://10.1.2.3:8443");
        assert_eq!(reach(None, None, "[::1]:8443"), "https://[::1]:8443");
        assert!(!reach(None, None, "0.0.0.0:8443").contains("0.0.0.0"));
        assert_eq!(local("http", address("0.0.0.0:8443")), "http://127.0.0.1:8443");
        assert_eq!(local("https", address("[::]:8443")), "https://[::1]:8443");
        assert_eq!(local("https", address("10.1.2.3:8443")), "https://10.1.2.3:8443");
        assert_eq!(reach(None, None, "10.1.2.3:443"), "https://10.1.2.3");
        assert_eq!(reach(None, Some("a.lan"), "[::]:443"), "https://a.lan");
        assert_eq!(local("https", address("[::]:443")), "https://[::1]");
        assert_eq!(local("http", address("[::]:443")), "http://[::1]:443");
    }

    #[test]
    fn recorded_url_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(recorded(dir.path()), None);
        for ca in [Some("PEM".to_owned()), None] {
            let server = ServerUrl { url: "https://clips.lan".into(), ca };
            record(dir.path(), &server, "https://127.0.0.1:8443").unwrap();
            let local = ServerUrl { url: "https://127.0.0.1:8443".into(), ca: server.ca.clone() };
            assert_eq!(recorded_local(dir.path()), Some(local));
            assert_eq!(recorded(dir.path()), Some(server));
        }
    }

    #[test]
    fn failed_recording_is_retried() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::default();
        let (clock, random) = (Arc::new(FakeClock::at(0)), Arc::new(FakeRandom::default()));
        let app = App::serve(&dir.path().join("data"), settings, clock, random).unwrap();
        let server = ServerUrl { url: "https://clips.lan".into(), ca: None };
        let in_the_way = dir.path().join("server-url.new");
        std::fs::create_dir_all(in_the_way.join("x")).unwrap();
        let mut pass = record_or_retry(dir.path(), &server, "https://127.0.0.1").unwrap();
        assert!(pass.run(&app).is_err());
        assert_eq!(recorded(dir.path()), None);
        std::fs::remove_dir_all(&in_the_way).unwrap();
        assert_eq!((pass.run(&app).unwrap(), pass.run(&app).unwrap()), (1, 0));
        assert_eq!(recorded(dir.path()), Some(server.clone()));
        assert!(record_or_retry(dir.path(), &server, "https://127.0.0.1").is_none());
    }

    #[test]
    fn host_and_port_of_a_url_are_found() {
        for (url, host, port) in [
            ("https://clips.lan", Some("clips.lan"), Some(443)),
            ("http://clips.lan/x:1", Some("clips.lan"), Some(80)),
            ("https://clips.lan:8443/a", Some("clips.lan"), Some(8443)),
            ("https://[fd00::1]:8443", Some("[fd00::1]"), Some(8443)),
            ("https://user:word@clips.lan/x", Some("clips.lan"), Some(443)),
            ("https://clips.lan:x", None, None),
            ("clips.lan", None, None),
        ] {
            assert_eq!((host_of(url).as_deref(), port_of(url)), (host, port), "{url}");
        }
    }

    #[test]
    fn only_the_ca_of_this_machines_own_server_is_found() {
        let dir = tempfile::tempdir().unwrap();
        record(dir.path(), &ServerUrl { url: "https://clips.lan:8443".into(), ca: Some("PEM".into()) }, "").unwrap();
        for (url, known) in [
            ("https://clips.lan:8443", true),
            ("https://localhost:8443/", true),
            ("https://127.0.0.1:8443", true),
            ("https://[::1]:8443", true),
            ("https://localhost:8444", false),
            ("https://localhost", false),
            ("https://192.0.2.1:8443", false),
            ("https://other.lan:8443", false),
            ("nonsense", false),
        ] {
            assert_eq!(authority_here(dir.path(), url).is_some(), known, "{url}");
        }
        assert_eq!(authority_here(&dir.path().join("elsewhere"), "https://localhost:8443"), None);
    }
}
