//! `serve`: the server.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use ipnet::IpNet;

use super::appliance::{Appliance, Options};
use super::serve_limits::LimitArgs;
use super::{Call, output, server_url, stop_on_signals, wrong_usage};
use crate::domain::error::{Error, Result};
use crate::domain::limits;
use crate::os::files;

/// The server: takes jobs over HTTP, hands them to render nodes, keeps and serves the clips
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: a server on this LAN with one render node inside:
  dinkem-appliance serve --data-dir /srv/dinkem --plain-http anywhere --local-nodes 1")]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8443", value_parser = address)]
    listen: SocketAddr,
    /// Write the bound address as host:port into this file once it answers
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// Serve plain HTTP, which is all that this version speaks; `loopback` refuses to listen elsewhere
    #[arg(long, value_name = "WHERE")]
    plain_http: Option<PlainHttp>,
    /// What URLs in answers and join tokens begin with [default: the request's Host; for nodes the listening address]
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
    /// Seconds a node may be silent before its job is given to another
    #[arg(long, value_name = "N", default_value_t = limits::LEASE_SECONDS, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    lease_seconds: u64,
    /// Render nodes inside this process
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(limits::NODE_SLOTS)))]
    local_nodes: u32,
    /// A network that demos may be fetched from although its addresses are otherwise refused; may be given again
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    fetch_allow: Vec<IpNet>,
    /// A network of reverse proxies whose X-Forwarded-For, -Proto and -Host are believed; may be given again
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<IpNet>,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PlainHttp {
    /// Only this machine may connect
    Loopback,
    /// Any machine may connect
    Anywhere,
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    if args.plain_http == Some(PlainHttp::Loopback) && !args.listen.ip().is_loopback() {
        return Err(wrong_usage(format!(
            "--plain-http loopback refuses {}: listen on a loopback address (--listen 127.0.0.1:8443), or say --plain-http anywhere.",
            args.listen
        )));
    }
    let limits = args.limits.limits()?;
    let stop = stop_on_signals()?;
    let appliance = Appliance::start(Options {
        data_dir: &call.data_dir()?,
        listen: args.listen,
        public_url: args.public_url.clone(),
        lease_seconds: args.lease_seconds,
        local_nodes: args.local_nodes,
        fetch_allow: args.fetch_allow,
        trusted_proxies: args.trusted_proxy,
        limits,
    })?;
    let address = appliance.address();
    if let Some(file) = &args.port_file {
        files::write_durably(file, format!("{address}\n").as_bytes())
            .map_err(|error| Error::internal(format!("Could not write --port-file {}.", file.display()), error))?;
    }
    let url = server_url::reachable(args.public_url.as_deref(), address);
    output::say(&format!("Listening on {address}: {url} over plain HTTP. Ctrl-C stops."));
    while !stop.wait(Duration::from_secs(3_600)) {}
    output::say("Stopping.");
    appliance.stop();
    Ok(())
}

/// Reads `--listen`: an address or a name, and a port.
fn address(text: &str) -> Result<SocketAddr, String> {
    let wanted = "it must look like 0.0.0.0:8443 or [::]:8443";
    text.to_socket_addrs().map_err(|_| wanted)?.next().ok_or_else(|| wanted.to_owned())
}

/// Reads `--public-url`.
fn public_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let good = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', ' ']));
    if good { Ok(text.trim_end_matches('/').to_owned()) } else { Err("it must be an http or https URL".to_owned()) }
}
