//! `node install`: makes this machine a node that runs as the package's service.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::node::{Call, JoinArgs, StateArgs, identity, output, token, wrong_usage};
use crate::domain::error::Result;
use crate::os::{systemd, user};

/// systemd units of the package.
const SERVER: &str = "dinkem-appliance.service";
const NODE: &str = "dinkem-appliance-node.service";

/// Make this machine a node: join, enable the node's service and disable the server's
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: with the token that `admin nodes token` printed on the server (paste it when asked):
  sudo dinkem-appliance node install -")]
pub struct Args {
    /// Source of the join token: `-` for standard input. The token itself also works, but is then visible to other users
    #[arg(value_name = "SOURCE", required_unless_present = "join_file")]
    token: Option<String>,
    /// File that contains the join token
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    join_file: Option<PathBuf>,
    #[command(flatten)]
    join: JoinArgs,
    #[command(flatten)]
    state: StateArgs,
}

pub fn run(args: &Args, call: &Call) -> Result<()> {
    systemd::require_unit(NODE)?;
    user::require_root("only root can enable a service: run the same command with `sudo`")?;
    let (state_dir, owned) = args.state.dirs(call)?;
    // Read as the calling user, who owns the file.
    let token = match (&args.token, &args.join_file) {
        (Some(text), _) => token::given(text, true)?,
        (None, Some(file)) => token::in_file(file)?,
        (None, None) => return Err(wrong_usage("Name the source of the join token: - or --join-file FILE.")),
    };
    user::act_as_owner(&owned)?;
    let state = identity(Some(&token), &args.join, &state_dir)?;
    user::as_caller(|| {
        systemd::control(&["disable", "--now", SERVER])?;
        systemd::control(&["enable", NODE])?;
        systemd::control(&["restart", NODE])
    })??;
    if call.json {
        output::json(&json!({ "node": { "id": state.node_id, "name": state.name }, "server": state.server }));
    } else {
        let name = output::plain(&state.name);
        output::line(&format!("This machine is now the node {name} of {}. Its service is {NODE}.", state.server));
    }
    Ok(())
}
