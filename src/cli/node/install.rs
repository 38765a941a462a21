//! `node install`: turns this machine into a node that runs as the package's service.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::node::{Call, JoinArgs, StateArgs, identity, output, token, wrong_usage};
use crate::domain::error::Result;
use crate::os::{systemd, user};

/// systemd units of the package.
const SERVER: &str = "dinkem-appliance.service";
const NODE: &str = "dinkem-appliance-node.service";

/// Makes this machine a node: joins, turns the node's service on and the server's off
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: with the token that `admin nodes token` printed on the server (paste it when asked):
  sudo dinkem-appliance node install -")]
pub struct Args {
    /// Where the join token comes from: `-` for standard input. The token itself works too, but is visible to other users then
    #[arg(value_name = "SOURCE", required_unless_present = "join_file")]
    token: Option<String>,
    /// Join with the token in this file
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    join_file: Option<PathBuf>,
    #[command(flatten)]
    join: JoinArgs,
    #[command(flatten)]
    state: StateArgs,
}

pub fn run(args: &Args, call: &Call) -> Result<()> {
    systemd::require_unit(NODE)?;
    user::require_root("a service can be turned on only by root: type the same behind `sudo`")?;
    let (state_dir, owned) = args.state.dirs(call)?;
    // Read as the calling user, who owns the file.
    let token = match (&args.token, &args.join_file) {
        (Some(text), _) => token::given(text, true)?,
        (None, Some(file)) => token::in_file(file)?,
        (None, None) => return Err(wrong_usage("Say where the join token comes from: - or --join-file FILE.")),
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
        output::line(&format!("This machine is the node {name} of {} now. Its service: {NODE}", state.server));
    }
    Ok(())
}
