//! `serve`: the server.

use std::io::IsTerminal;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, ValueEnum};
use ipnet::IpNet;
use url::Url;

use crate::app::nodes;
use crate::app::tls::Source;
use crate::appliance::server_url::browser_warning;
use crate::appliance::{Appliance, Options};
use crate::cli::admin::shard_map;
use crate::cli::leader_lock::{self, LockPlace};
use crate::cli::serve_limits::{FLAG_SECONDS_MOST, LimitArgs};
use crate::cli::serve_quotas::QuotaArgs;
use crate::cli::storage_args::StorageArgs;
use crate::cli::{Call, clip_args, hints, metrics_token, output, stop_on_signals, wrong_usage};
use crate::config;
use crate::domain::camera::CameraMode;
use crate::domain::error::{Error, Result};
use crate::domain::job::{JobSpec, Renderer};
use crate::domain::lease::LEASE_SECONDS;
use crate::domain::node::NODE_SLOTS;
use crate::domain::operator::OPERATOR_CODE_SECONDS;
use crate::domain::schedule::policy::ReservedBeyondDinks;
use crate::domain::shard::Shard;
use crate::domain::wording::counted;
use crate::os::stop::StopFlag;
use crate::os::url::host_of;
use crate::os::{files, systemd, user};

/// Run the server: accepts jobs over HTTP, hands them out to render nodes, stores and serves the clips
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: a server on this LAN with one render node inside:
  dinkem-appliance serve --data-dir /srv/dinkem --local-nodes 1")]
pub struct Args {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:8443", value_parser = address)]
    listen: SocketAddr,
    /// Write the bound address as host:port to this file once the server is ready [default: no file]
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// Your own certificate chain in PEM, reloaded when it changes [default: a certificate from the appliance's own
    /// CA, see `admin tls`]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of --tls-cert in PEM [default: the appliance's own]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Serve plain HTTP instead of HTTPS; `loopback` refuses to listen on other addresses [default: HTTPS]
    #[arg(long, value_name = "WHERE")]
    plain_http: Option<PlainHttp>,
    /// Base of URLs in responses and join tokens; its host is added to the certificate [default: the request's Host,
    /// if it is one of this machine's or the certificate's names; for nodes, the listening address]
    #[arg(long, value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,
    /// Seconds without a heartbeat after which a job is given to another node
    #[arg(long, value_name = "N", default_value_t = LEASE_SECONDS, value_parser = clap::value_parser!(u64).range(1..=FLAG_SECONDS_MOST))]
    lease_seconds: u64,
    /// Number of render nodes in this process
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(NODE_SLOTS)))]
    local_nodes: u32,
    /// Network that demos may be fetched from and webhooks may be sent to although it is blocked by default; may be
    /// repeated [default: none]
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    fetch_allow: Vec<IpNet>,
    /// Network of reverse proxies whose X-Forwarded-For, -Proto and -Host are trusted; may be repeated [default: none]
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<IpNet>,
    /// Network that may read GET /metrics, in addition to this machine; may be repeated [default: none]
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    metrics_allow: Vec<IpNet>,
    /// File with a token of 16 to 256 visible characters: whoever sends it as `Authorization: Bearer` may read GET /metrics,
    /// from any address, and nothing else [default: none]
    #[arg(long, value_name = "FILE")]
    metrics_token_file: Option<PathBuf>,
    /// Site that may embed the player page in a frame, such as https://www.studio.example or https://*.studio.example;
    /// may be repeated [default: any site]
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    embed_allow: Vec<String>,
    /// What the built-in renderer shows: `follow`, close shots of the player, or `map`, the whole map all the time
    #[arg(long, value_name = "MODE", default_value = CameraMode::default().as_str(), value_parser = clip_args::camera)]
    camera: CameraMode,
    /// Renderer of jobs that do not ask for one: `builtin`, the tactical replay, or `game`
    #[arg(long, value_name = "RENDERER", default_value = JobSpec::DEFAULT_RENDERER.as_str(), value_parser = clip_args::renderer)]
    default_renderer: Renderer,
    /// When reserved jobs beyond their account's dinks are rendered: `first`, before metered jobs, or `idle`, only on
    /// nodes for which there is no metered job
    #[arg(long, value_name = "ORDER", default_value = ReservedBeyondDinks::default().as_str(), value_parser = reserved_beyond_dinks)]
    reserved_beyond_dinks: ReservedBeyondDinks,
    /// Address and port of the operator's dashboard, or `off`; see `admin dashboard`
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8444", value_parser = dashboard_listen)]
    dashboard_listen: DashboardListen,
    /// Name of this appliance among several behind one load balancer, for --shard-map [default: none]
    #[arg(long, value_name = "NAME", value_parser = shard_map::shard)]
    shard: Option<Shard>,
    /// Keep the map that leads this appliance's keys to it in this file, for HAProxy; see `admin shard-map` [default: no
    /// file]
    #[arg(long, value_name = "FILE")]
    shard_map: Option<PathBuf>,
    /// Socket of the Litestream that replicates the store to a standby: metrics and doctor say how far it is behind
    /// [default: none]
    #[arg(long, value_name = "FILE")]
    replica_socket: Option<PathBuf>,
    /// Write only while this server holds the lock in this object; its store is that of --storage-endpoint. For a primary
    /// and its standby, so that both never write [default: none]
    #[arg(long, value_name = "S3-URL", value_parser = leader_lock::place)]
    leader_lock: Option<LockPlace>,
    /// Pass clips in a bucket on to clients, who need not reach the bucket then [default: clients are sent there]
    #[arg(long, value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = ArgAction::Set)]
    clips_proxy: bool,
    #[command(flatten)]
    storage: StorageArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    quotas: QuotaArgs,
}

fn reserved_beyond_dinks(text: &str) -> Result<ReservedBeyondDinks, String> {
    ReservedBeyondDinks::parse(text).ok_or_else(|| "it must be first or idle".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PlainHttp {
    /// Allow connections from this machine only
    Loopback,
    /// Allow connections from any machine
    Anywhere,
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    let stop = stop_on_signals()?;
    run_until(&stop, args, call, systemd::ready)
}

/// Serves until the flag is set. Calls `ready` once requests are answered.
pub fn run_until(stop: &StopFlag, args: Args, call: &Call, ready: impl FnOnce()) -> Result<()> {
    let (certificate, shard) = (certificate(&args)?, shard(&args)?);
    let limits = args.limits.limits()?;
    let storage = args.storage.storage(args.clips_proxy)?;
    let metrics_token = args.metrics_token_file.as_deref().map(metrics_token::read).transpose()?;
    let data_dir = call.data_dir()?;
    user::require_owner(&data_dir, "dinkem-appliance")?;
    let leader = match &args.leader_lock {
        Some(place) => match leader_lock::lead(place, &args.storage, stop)? {
            Some(leader) => Some(leader),
            None => return Ok(()),
        },
        None => None,
    };
    let appliance = Appliance::start(Options {
        data_dir: &data_dir,
        listen: args.listen,
        public_url: args.public_url,
        certificate,
        lease_seconds: args.lease_seconds,
        local_nodes: args.local_nodes,
        fetch_allow: args.fetch_allow,
        trusted_proxies: args.trusted_proxy,
        metrics_allow: args.metrics_allow,
        metrics_token,
        embed_allow: args.embed_allow,
        dashboard_listen: args.dashboard_listen.0,
        limits,
        quotas: args.quotas.quotas(),
        camera: args.camera,
        default_renderer: args.default_renderer,
        reserved_beyond_dinks: args.reserved_beyond_dinks,
        leader: leader.as_ref().map(|leader| Arc::clone(&leader.lock)),
        replica_socket: args.replica_socket,
        shard_map: shard,
        storage,
    })?;
    let address = appliance.address();
    if let Some(file) = &args.port_file {
        files::write_durably(file, format!("{address}\n").as_bytes())
            .map_err(|error| Error::internal(format!("Could not write --port-file {}.", file.display()), error))?;
    }
    say_listening(&appliance, args.plain_http.is_some(), call);
    say_dashboard(&appliance, call)?;
    let nodes = nodes::list(&appliance.app)?;
    if nodes.is_empty() {
        output::say(&format!(
            "No render node has joined yet, so jobs will wait. To add one, run `{}` and start a node with the token, or \
             restart the server with --local-nodes 1.",
            hints::admin(call, &["nodes", "token"])
        ));
    } else if args.local_nodes == 0 && !nodes.iter().any(|node| node.state.is_live()) {
        output::say(&format!(
            "No render node is up, so jobs will wait. Start one of them (see `{}`), or restart the server with \
             --local-nodes 1.",
            hints::admin(call, &["nodes", "list"])
        ));
    }
    ready();
    while !stop.wait(Duration::from_secs(3_600)) {}
    systemd::stopping();
    output::say("Shutting down; finishing in-flight requests. Press Ctrl-C again to exit immediately.");
    let cut = appliance.stop();
    // The last write is done: another server may lead.
    drop(leader);
    match cut {
        0 => output::say_last("Stopped."),
        cut => {
            let were = if cut == 1 { "was" } else { "were" };
            output::say_last(&format!(
                "Stopped. {} {were} not finished within --stop-seconds and {were} cut off; clients see a broken connection.",
                counted(cut, "request")
            ));
        }
    }
    Ok(())
}

/// The source of the certificate; `None` for plain HTTP, which must be requested explicitly.
/// Where the dashboard listens, if anywhere.
#[derive(Clone, Copy, Debug)]
struct DashboardListen(Option<SocketAddr>);

fn dashboard_listen(text: &str) -> Result<DashboardListen, String> {
    if text == "off" { Ok(DashboardListen(None)) } else { address(text).map(|at| DashboardListen(Some(at))) }
}

/// Checked here, because each may come from a flag, the environment or the file.
fn shard(args: &Args) -> Result<Option<(Shard, PathBuf)>> {
    match (&args.shard, &args.shard_map) {
        (Some(shard), Some(file)) => Ok(Some((shard.clone(), file.clone()))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(wrong_usage("--shard requires the file of its map: add --shard-map FILE.")),
        (None, Some(_)) => Err(wrong_usage("--shard-map requires the appliance's name: add --shard NAME.")),
    }
}

fn certificate(args: &Args) -> Result<Option<Source>> {
    match (&args.tls_cert, &args.tls_key, args.plain_http) {
        (None, None, None) => Ok(Some(Source::Own)),
        (Some(certificate), Some(key), None) => {
            Ok(Some(Source::Files { certificate: certificate.clone(), key: key.clone() }))
        }
        (Some(_), None, _) => Err(wrong_usage("--tls-cert requires its private key: add --tls-key FILE.")),
        (None, Some(_), _) => Err(wrong_usage("--tls-key requires its certificate: add --tls-cert FILE.")),
        (Some(_), Some(_), Some(_)) => {
            Err(wrong_usage("--plain-http uses no certificate: leave out either it, or --tls-cert and --tls-key."))
        }
        (None, None, Some(PlainHttp::Loopback)) if !args.listen.ip().is_loopback() => Err(wrong_usage(format!(
            "--plain-http loopback refuses {}: listen on a loopback address (--listen 127.0.0.1:8443), or use --plain-http anywhere.",
            args.listen
        ))),
        (None, None, Some(PlainHttp::Loopback)) if args.dashboard_listen.0.is_some_and(|at| !at.ip().is_loopback()) => {
            Err(wrong_usage(
                "--plain-http loopback refuses a dashboard for other machines: leave out --dashboard-listen, or use \
                 --plain-http anywhere.",
            ))
        }
        (None, None, Some(_)) => Ok(None),
    }
}

fn say_listening(appliance: &Appliance, is_plain: bool, call: &Call) {
    let (address, url) = (appliance.address(), &appliance.reachable.url);
    let how = if is_plain { " over plain HTTP" } else { "" };
    output::say(&format!("Listening on {address}: {url}{how}. Press Ctrl-C to stop."));
    if let Some(authority) = &appliance.authority {
        let message = format!(
            "CA certificate for clients: {url}/ca.pem (`admin tls export`, SHA-256 {}).",
            authority.fingerprint
        );
        output::say(&hints::complete(&message, call));
        output::say(&browser_warning(&format!("{url}/ca.pem")));
    }
}

/// Parses `--listen`: an address or host name, and a port.
/// On a terminal, the link that signs in; elsewhere its code would end up in a log.
fn say_dashboard(appliance: &Appliance, call: &Call) -> Result<()> {
    let Some(dashboard) = &appliance.dashboard else { return Ok(()) };
    if std::io::stderr().is_terminal() {
        let link = dashboard.link(&appliance.app, &config::operator())?;
        output::say(&format!("Dashboard: {link} (works once, for {} minutes)", OPERATOR_CODE_SECONDS / 60));
    } else {
        let link = hints::admin(call, &["dashboard"]);
        output::say(&format!("Dashboard: {}; `{link}` prints a link that signs in.", dashboard.url));
    }
    Ok(())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let wanted = "it must look like 0.0.0.0:8443 or [::]:8443";
    text.to_socket_addrs().map_err(|_| wanted)?.next().ok_or_else(|| wanted.to_owned())
}

/// Parses `--public-url`.
fn public_url(text: &str) -> Result<String, String> {
    let good = Url::parse(text).is_ok_and(|url| {
        let is_http = text.starts_with("http://") || text.starts_with("https://");
        let is_bare = url.query().is_none() && url.fragment().is_none();
        is_http && is_bare && url.username().is_empty() && url.password().is_none() && !text.contains(' ')
    });
    if !good {
        return Err("it must be an http or https URL".to_owned());
    }
    if host_of(text).is_some_and(|host| !is_certifiable(&host)) {
        return Err("its host must be a name that a certificate can cover: no dot at the end, no *".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Whether a certificate can cover a URL's host: an address, or a name whose labels neither begin nor end with a hyphen.
fn is_certifiable(host: &str) -> bool {
    let is_label =
        |label: &str| !(label.is_empty() || label.starts_with('-') || label.ends_with('-') || label.contains('*'));
    host.starts_with('[') || host.split('.').all(is_label)
}

/// Parses `--embed-allow`: scheme, host name and port, as they appear in `frame-ancestors`.
fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| {
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        is_bare && matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    });
    let is_name = |host: &str| {
        let labels = host.strip_prefix("*.").unwrap_or(host);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        labels.split('.').all(|label| !label.is_empty() && label.bytes().all(is_plain))
    };
    url.filter(|url| url.host_str().is_some_and(is_name))
        .map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| "it must look like https://www.studio.example or https://*.studio.example:8443".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_scheme_host_and_port_only() {
        let cases = [
            ("https://www.studio.example", Some("https://www.studio.example")),
            ("HTTPS://WWW.Studio.example:443/", Some("https://www.studio.example")),
            ("http://10.0.0.5:8080", Some("http://10.0.0.5:8080")),
            ("https://*.studio.example", Some("https://*.studio.example")),
            ("https://*.", None),
            ("https://a..b", None),
            ("https://\u{fc}ber.example", Some("https://xn--ber-goa.example")),
            ("https://*", None),
            ("https://a.*.example", None),
            ("https://a;script-src", None),
            ("https://[::1]:8443", None),
            ("https://studio.example/page", None),
            ("https://studio.example/?x", None),
            ("https://user@studio.example", None),
            ("ftp://studio.example", None),
            ("studio.example", None),
            ("*", None),
            ("'self'", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(origin(text).ok().as_deref(), expected, "{text}");
        }
    }
}
