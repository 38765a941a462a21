//! The dashboard's listener, and the file that tells `admin dashboard` its address.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use crate::app::{App, operators};
use crate::appliance::server_url;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::operator::Operator;
use crate::http::{self, Hosts, Limits, Running, ServeOptions};
use crate::os::files;
use crate::os::url::host_of;

/// Where the dashboard listens if nothing else is said.
pub const DASHBOARD_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8444);

/// Threads that answer the dashboard's requests, none of which waits for anything but the store.
const DASHBOARD_THREADS: usize = 8;

/// File with the dashboard's URL, in the data directory, while the dashboard runs.
const URL_FILE: &str = "dashboard-url";

/// A running dashboard.
pub struct Dashboard {
    /// Its URL, without a path.
    pub url: String,
    running: Running,
    file: PathBuf,
}

/// Starts the dashboard beside the public listener, whose certificate it uses. `None`: the usual address is in use, by
/// another appliance on this machine for example; the server goes on without a dashboard. `reachable`: the public
/// listener's URL; `options`: its options.
pub fn start(
    app: &Arc<App>,
    listen: Option<SocketAddr>,
    public: &Running,
    reachable: &str,
    options: ServeOptions,
) -> Result<Option<Dashboard>> {
    let file = app.data_dir().join(URL_FILE);
    let forget = files::remove(&file);
    let Some(listen) = listen else { return forget.map(|()| None).map_err(not_recorded) };
    let hosts =
        if listen.ip().is_loopback() { Hosts::named(vec!["localhost".to_owned()]) } else { options.hosts.clone() };
    let scheme = server_url::scheme(options.https.is_some());
    let limits = Limits { threads: DASHBOARD_THREADS, ..options.limits.clone() };
    let options = ServeOptions { listen, hosts, limits, public_url: Some(reachable.to_owned()), ..options };
    let running = match http::serve_dashboard(Arc::clone(app), options, public) {
        Ok(running) => running,
        Err(error) if listen == DASHBOARD_LISTEN && error.code == ErrorCode::CannotListen => {
            log::warn!(
                "{error} The server runs without its dashboard. To choose another address, set --dashboard-listen."
            );
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let url = url(scheme, running.address(), reachable);
    if let Err(error) = files::write_durably(&file, url.as_bytes()) {
        // The server must start even with a full disk.
        log::warn!("{} `admin dashboard` does not know it.", not_recorded(error));
    }
    if !running.address().ip().is_loopback() {
        log::warn!("The dashboard listens on {}: other machines can reach it.", running.address());
    }
    Ok(Some(Dashboard { url, running, file }))
}

fn not_recorded(error: std::io::Error) -> Error {
    Error::internal("Could not record the dashboard's address in the data directory.", error)
}

/// On loopback by the name that the certificate has; elsewhere by the name of the public listener.
fn url(scheme: &str, listening: SocketAddr, reachable: &str) -> String {
    let port = listening.port();
    let is_usual = listening.ip() == Ipv4Addr::LOCALHOST || listening.ip() == std::net::Ipv6Addr::LOCALHOST;
    match host_of(reachable) {
        _ if is_usual => format!("{scheme}://localhost:{port}"),
        Some(host) if listening.ip().is_unspecified() => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{listening}"),
    }
}

impl Dashboard {
    /// A link that signs the operator in, once.
    pub fn link(&self, app: &App, operator: &Operator) -> Result<String> {
        link(app, operator, &self.url, false)
    }

    /// Stops listening. Returns how many requests were cut off.
    pub fn stop(self) -> usize {
        let _left = files::remove(&self.file);
        self.running.stop()
    }
}

/// A link to the dashboard at this URL that signs the operator in, once.
pub fn link(app: &App, operator: &Operator, url: &str, read_only: bool) -> Result<String> {
    let code = operators::make_code(app, operator, read_only)?;
    Ok(format!("{url}/operator/#code={}", code.reveal()))
}

/// The URL of the running dashboard of a data directory.
pub fn recorded(data_dir: &Path) -> Result<String> {
    let recorded = std::fs::read_to_string(data_dir.join(URL_FILE)).ok();
    recorded.filter(|url| Url::parse(url).is_ok()).ok_or_else(|| {
        let message = "The dashboard is not running. Start the server without `--dashboard-listen off`; if the dashboard's \
                       address was in use, the server's log says so.";
        Error::new(Kind::Unavailable, ErrorCode::DashboardOff, message)
    })
}
