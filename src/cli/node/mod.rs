//! `node`: the render-node agent on a separate machine.

mod check;
mod init;
mod install;
mod renderer_args;
mod renderer_table;
mod token;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use ipnet::IpNet;

use crate::cli::node::renderer_args::RendererArgs;
use crate::cli::{Call, output, stop_on_bursts, wrong_usage};
use crate::config;
use crate::domain::error::Result;
use crate::domain::key::Secret;
use crate::domain::node::{NODE_SLOTS, check_name};
use crate::node::NODE_CACHE_BYTES;
use crate::node::agent::{self, AgentConfig};
use crate::node::check::not_joined;
use crate::node::join::{self, NodeState};
use crate::node::patience::Patience;
use crate::os::clock::SystemClock;
use crate::os::room::Room;
use crate::os::user;
use crate::wire::join_token::JoinTicket;

/// Bytes that must stay free on the disk of a render node on another machine: 256 MiB.
const NODE_RESERVE_BYTES: u64 = 256 << 20;
/// Signals this close together are one request to stop. Slurm sends two to a job step that it preempts.
const SIGNAL_BURST: Duration = Duration::from_secs(2);

/// Run the render-node agent: join an appliance once with a token, then render its jobs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "\
Example: join with the token that `admin nodes token` printed on the server (paste it when asked), later without it:
  dinkem-appliance node --join -
  dinkem-appliance node
The token can also come from a file (--join-file FILE) or from the environment (DINKEM_JOIN). As an argument it would be
visible to every user of the machine.",
    args_conflicts_with_subcommands = true
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    work: WorkArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Init(init::Args),
    Install(install::Args),
}

/// Where the node keeps its state.
#[derive(Debug, clap::Args)]
struct StateArgs {
    /// Directory for the node's key, cache and work files [default: `node` in the data directory]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl StateArgs {
    /// The state directory, and the directory whose owner the node must run as.
    fn dirs(&self, call: &Call) -> Result<(PathBuf, PathBuf)> {
        Ok(match &self.state_dir {
            Some(dir) => (dir.clone(), dir.clone()),
            None => {
                let data_dir = call.data_dir()?;
                (data_dir.join("node"), data_dir)
            }
        })
    }
}

/// How to join.
#[derive(Debug, clap::Args)]
struct JoinArgs {
    /// The server's URL [default: the one in the token]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Name of the node [default: this machine's name]
    #[arg(long, value_name = "NAME", value_parser = node_name)]
    name: Option<String>,
}

/// Options of a running node.
#[derive(Debug, clap::Args)]
struct WorkArgs {
    /// Join with the token from standard input: `-`. The token itself also works, but is then visible to other users
    #[arg(long, value_name = "SOURCE")]
    join: Option<String>,
    /// Read the join token from this file
    #[arg(long, value_name = "FILE", conflicts_with = "join")]
    join_file: Option<PathBuf>,
    #[command(flatten)]
    how: JoinArgs,
    #[command(flatten)]
    state: StateArgs,
    /// Number of concurrent jobs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(NODE_SLOTS)))]
    slots: u32,
    /// Network from which demos may be fetched although it is blocked by default; may be repeated [default:
    /// none]
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    fetch_allow: Vec<IpNet>,
    /// Exit after this many jobs [default: never]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_jobs: Option<u64>,
    /// Exit after this many seconds without a job [default: never]
    #[arg(long, value_name = "SECONDS")]
    idle_exit: Option<u64>,
    #[command(flatten)]
    renderer: RendererArgs,
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    match &args.command {
        Some(Command::Check(args)) => check::run(args, call),
        Some(Command::Init(args)) => init::run(args, call),
        Some(Command::Install(args)) => install::run(args, call),
        None => work(args.work, call),
    }
}

fn work(args: WorkArgs, call: &Call) -> Result<()> {
    let stop = stop_on_bursts(SIGNAL_BURST)?;
    let renderers = args.renderer.renderers()?;
    let (state_dir, owned) = args.state.dirs(call)?;
    user::require_owner(&owned, "dinkem-appliance-node")?;
    let token = match (&args.join, &args.join_file) {
        (Some(given), _) => Some(token::given(given, config::is_on_command_line("join"))?),
        (None, Some(file)) => Some(token::in_file(file)?),
        (None, None) => None,
    };
    let state = identity(token.as_ref(), &args.how, &state_dir)?;
    log::debug!("node {} works for {} with {} slots", state.name, state.server, args.slots);
    let room = Room::of(&state_dir, NODE_RESERVE_BYTES);
    let config = AgentConfig {
        server: args.how.server.unwrap_or(state.server),
        ca_pem: state.ca_pem,
        node_key: state.node_key,
        state_dir,
        name: state.name,
        slots: args.slots,
        renderers,
        extra_fetch_allow: args.fetch_allow,
        max_jobs: args.max_jobs,
        idle_exit: args.idle_exit.map(Duration::from_secs),
        program: config::program()?,
        cache_bytes: NODE_CACHE_BYTES,
        room,
        patience: Patience::default(),
        clock: Arc::new(SystemClock::new()),
    };
    agent::run(config, &stop)
}

/// The stored identity, or a new one from the token. A token for the same server is ignored, so that a unit file or
/// container can pass `--join` on every start. A token with a different CA is used: the old server is gone.
fn identity(token: Option<&Secret>, how: &JoinArgs, state_dir: &Path) -> Result<NodeState> {
    let known = join::read_state(state_dir)?;
    let Some(token) = token else {
        return known.ok_or_else(|| wrong_usage(not_joined(state_dir).message));
    };
    let ticket = JoinTicket::decode(token.reveal())?;
    let server = how
        .server
        .clone()
        .or(ticket.server)
        .ok_or_else(|| wrong_usage("The token does not contain the server's URL. Name it with --server URL."))?;
    let server = server.trim_end_matches('/');
    if let Some(known) = known.filter(|known| known.server == server && known.ca_pem == ticket.ca) {
        output::say(&format!(
            "This node has already joined {server} as {}; the token is not used.",
            output::plain(&known.name)
        ));
        return Ok(known);
    }
    let name = how.name.clone().or_else(config::host_name).unwrap_or_else(|| "node".to_owned());
    let state = join::join(server, ticket.ca, &Secret::new(ticket.secret), &name, state_dir)?;
    output::say(&format!("Joined {server} as {}.", output::plain(&state.name)));
    Ok(state)
}

fn node_name(text: &str) -> Result<String> {
    check_name(text).map(|()| text.to_owned())
}
