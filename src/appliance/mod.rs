//! A whole appliance in this process: store, HTTP, background passes and embedded render nodes.

pub mod dashboard;
pub mod https;
pub mod server_url;
mod shard_map;
mod watchdog;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use ipnet::IpNet;

use crate::app::clips::bucket::Storage;
use crate::app::tls::Source;
use crate::app::upkeep::findings::Subject;
use crate::app::upkeep::leader::LeaderLock;
use crate::app::{App, Settings, nodes};
use crate::appliance::dashboard::Dashboard;
use crate::appliance::https::{Authority, Keeper};
use crate::appliance::server_url::ServerUrl;
use crate::config;
use crate::domain::camera::CameraMode;
use crate::domain::error::{Error, Result};
use crate::domain::job::Renderer;
use crate::domain::key::KeyHash;
use crate::domain::operator::Operator;
use crate::domain::quota::Quotas;
use crate::domain::schedule::policy::ReservedBeyondDinks;
use crate::domain::shard::Shard;
use crate::http::{self, Hosts, Limits, Running, ServeOptions};
use crate::node::NODE_CACHE_BYTES;
use crate::node::agent::{self, AgentConfig};
use crate::node::join::{self, NodeState};
use crate::node::patience::Patience;
use crate::node::renderers::Renderers;
use crate::os::clock::{Clock, SystemClock};
use crate::os::random::SystemRandom;
use crate::os::stop::StopFlag;
use crate::os::url::host_of;
use crate::scheduler::{self, Scheduler};
use crate::wire::base::Base;

/// What to start.
pub struct Options<'a> {
    /// The data directory.
    pub data_dir: &'a Path,
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The URL for clients and nodes, if the operator set one.
    pub public_url: Option<String>,
    /// The source of the HTTPS certificate; `None`: plain HTTP.
    pub certificate: Option<Source>,
    /// Seconds until a lease without a heartbeat expires.
    pub lease_seconds: u64,
    /// Number of render nodes in this process.
    pub local_nodes: u32,
    /// Networks from which demos may be fetched although they are blocked by default.
    pub fetch_allow: Vec<IpNet>,
    /// Reverse proxies whose forwarded client addresses are trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks that may read the metrics, besides loopback.
    pub metrics_allow: Vec<IpNet>,
    /// The hash of the token with which anyone may read the metrics, if there is one.
    pub metrics_token: Option<KeyHash>,
    /// Origins that may frame the player page; empty for any.
    pub embed_allow: Vec<String>,
    /// Where the dashboard listens; `None`: there is none.
    pub dashboard_listen: Option<SocketAddr>,
    /// The server's limits.
    pub limits: Limits,
    /// The limits of each account.
    pub quotas: Quotas,
    /// What the built-in renderer shows of the map.
    pub camera: CameraMode,
    /// The renderer of jobs that do not ask for one.
    pub default_renderer: Renderer,
    /// When reserved jobs beyond their account's dinks are started.
    pub reserved_beyond_dinks: ReservedBeyondDinks,
    /// What says whether this server leads; `None`: there is only one.
    pub leader: Option<Arc<LeaderLock>>,
    /// The socket of the Litestream that replicates the store, if one does.
    pub replica_socket: Option<PathBuf>,
    /// This appliance's name among several, and the file that tells the load balancer its keys.
    pub shard_map: Option<(Shard, PathBuf)>,
    /// The bucket for clips; `None`: they lie in the data directory.
    pub storage: Option<Storage>,
}

/// A running appliance.
pub struct Appliance {
    /// What the use cases need.
    pub app: Arc<App>,
    /// The CA that clients must trust, if it is the appliance's own.
    pub authority: Option<Authority>,
    /// The server's URL for other machines.
    pub reachable: ServerUrl,
    /// The server's URL for this process.
    pub local: ServerUrl,
    /// The dashboard, if it runs.
    pub dashboard: Option<Dashboard>,
    http: Running,
    scheduler: Scheduler,
    nodes: LocalNodes,
}

impl Appliance {
    /// Starts everything. The server accepts requests when this returns.
    pub fn start(options: Options<'_>) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let settings = Settings {
            lease_ms: options.lease_seconds * 1_000,
            fetch_allow: options.fetch_allow,
            quotas: options.quotas,
            camera: options.camera,
            default_renderer: options.default_renderer,
            reserved_beyond_dinks: options.reserved_beyond_dinks,
            replica_socket: options.replica_socket,
            storage: options.storage,
        };
        let app = App::serve(options.data_dir, settings, Arc::clone(&clock), Arc::new(SystemRandom))?;
        if let Some(leader) = options.leader {
            app.follow(leader);
        }
        let shard_map = options.shard_map.map(|(shard, file)| shard_map::keep(&app, shard, file)).transpose()?;
        let public_url = options.public_url.as_deref();
        let open = |source| Keeper::open(&app, source, options.listen.ip(), public_url);
        let keeper = options.certificate.as_ref().map(open).transpose()?;
        let hosts = Hosts::of_machine();
        hosts.set_certificate_names(keeper.as_ref().map(Keeper::names).unwrap_or_default());
        let serving = ServeOptions {
            hosts: hosts.clone(),
            listen: options.listen,
            public_url: options.public_url.clone(),
            https: keeper.as_ref().map(Keeper::https),
            trusted_proxies: options.trusted_proxies,
            metrics_allow: options.metrics_allow,
            metrics_token: options.metrics_token,
            embed_allow: options.embed_allow,
            limits: options.limits,
        };
        let http = http::serve(Arc::clone(&app), serving.clone())?;
        let (reachable, local) = urls(keeper.as_ref(), public_url, http.address());
        let dashboard = dashboard::start(&app, options.dashboard_listen, &http, &reachable.url, serving)?;
        let authority = keeper.as_ref().and_then(Keeper::authority);
        let certificate = keeper.zip(http.certificate()).map(|(keeper, served)| keeper.pass(served, hosts));
        let address = server_url::record_or_retry(options.data_dir, &reachable, &local.url);
        let passes = certificate.into_iter().chain(watchdog::pass(http.event_loop())).chain(address).chain(shard_map);
        let passes = passes.collect();
        let base = Base::public(&reachable.url);
        let mut scheduler = scheduler::start(Arc::clone(&app), config::program()?, base, passes)?;
        scheduler.examine(subject(options.certificate.as_ref(), &reachable))?;
        let mut appliance =
            Self { app, authority, reachable, local, dashboard, http, scheduler, nodes: LocalNodes::default() };
        for number in 1..=options.local_nodes {
            appliance.start_node(number, options.data_dir, &clock)?;
        }
        Ok(appliance)
    }

    /// The address it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Waits for in-flight requests, stops the embedded nodes and flushes the rest. Returns how many were aborted.
    pub fn stop(self) -> usize {
        // Nodes first, so that the end of their waiting claims is no error to them.
        self.nodes.stop.stop();
        self.app.stop();
        self.nodes.join();
        let cut = self.http.stop() + self.dashboard.map_or(0, Dashboard::stop);
        self.app.hang_up();
        self.scheduler.stop();
        if let Err(error) = self.app.note_rows() {
            log::warn!("could not record the store's progress: {error}");
        }
        cut
    }

    /// An embedded node works like any other: it speaks HTTP, keeps its state in a directory and renders in child
    /// processes. Only its join token never leaves the process.
    fn start_node(&mut self, number: u32, data_dir: &Path, clock: &Arc<dyn Clock>) -> Result<()> {
        let ServerUrl { url: server, ca } = self.local.clone();
        let state_dir = data_dir.join("local-nodes").join(number.to_string());
        let NodeState { node_key, name, .. } = match join::read_state(&state_dir)? {
            Some(known) => known,
            None => join::join(
                &server,
                ca.clone(),
                &nodes::token(&self.app, &Operator::named("server"))?,
                &format!("local-{number}"),
                &state_dir,
            )?,
        };
        let config = AgentConfig {
            server,
            ca_pem: ca,
            node_key,
            state_dir,
            name,
            slots: 1,
            renderers: Renderers::builtin(),
            extra_fetch_allow: Vec::new(),
            max_jobs: None,
            idle_exit: None,
            program: config::program()?,
            cache_bytes: NODE_CACHE_BYTES,
            room: Arc::clone(&self.app.room),
            patience: Patience::default(),
            clock: Arc::clone(clock),
        };
        self.nodes.start(config)
    }
}

/// What doctor cannot see in the data directory.
fn subject(source: Option<&Source>, reachable: &ServerUrl) -> Subject {
    let certificate = match source {
        Some(Source::Files { certificate, .. }) => Some(certificate.clone()),
        Some(Source::Own) | None => None,
    };
    // A server with a URL but no CA does not use the appliance's own certificate.
    let host = reachable.ca.as_ref().and_then(|_| host_of(&reachable.url));
    Subject { host, certificate }
}

/// The server's URLs for others and for this process: loopback, unless the certificate covers only its name.
fn urls(keeper: Option<&Keeper>, public_url: Option<&str>, listening: SocketAddr) -> (ServerUrl, ServerUrl) {
    let scheme = server_url::scheme(keeper.is_some());
    let name = keeper.and_then(Keeper::host);
    let ca = keeper.and_then(Keeper::authority).map(|authority| authority.pem);
    let url = server_url::reachable(public_url, scheme, name.as_deref(), listening);
    let reachable = ServerUrl { url, ca };
    let is_studios = keeper.is_some() && reachable.ca.is_none();
    let url = if is_studios { reachable.url.clone() } else { server_url::local(scheme, listening) };
    let local = ServerUrl { url, ca: reachable.ca.clone() };
    (reachable, local)
}

/// The nodes inside this process.
#[derive(Default)]
struct LocalNodes {
    stop: Arc<StopFlag>,
    threads: Vec<JoinHandle<()>>,
}

impl LocalNodes {
    fn start(&mut self, config: AgentConfig) -> Result<()> {
        let stop = Arc::clone(&self.stop);
        let name = config.name.clone();
        let thread = std::thread::Builder::new().name(format!("node {name}")).spawn(move || {
            if let Err(error) = agent::run(config, &stop) {
                log::error!("node {name} has ended: {error}");
            }
        });
        self.threads.push(thread.map_err(|error| Error::internal("Could not start a node's thread.", error))?);
        Ok(())
    }

    fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                log::error!("a node's thread has panicked");
            }
        }
    }
}
