//! `node install`: makes this machine a node, as the package's service.

use serde_json::json;

use super::{Call, JoinArgs, StateArgs, identity, output};
use crate::domain::error::Result;
use crate::os::{systemd, user};

/// The services of the package.
const SERVER: &str = "dinkem-appliance.service";
const NODE: &str = "dinkem-appliance-node.service";

/// Makes this machine a node: joins, turns the node's service on and the server's off
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: with the token that `admin nodes token` printed on the server; `-` reads it from standard input, so that no list
of processes shows it:
  sudo dinkem-appliance node install TOKEN")]
pub struct Args {
    /// The join token; `-` reads it from standard input
    token: String,
    #[command(flatten)]
    join: JoinArgs,
    #[command(flatten)]
    state: StateArgs,
}

pub fn run(args: &Args, call: &Call) -> Result<()> {
    systemd::require_unit(NODE)?;
    user::require_root("a service can be turned on only by root: type the same behind `sudo`")?;
    let (state_dir, owned) = args.state.dirs(call)?;
    user::act_as_owner(&owned)?;
    let state = identity(Some(&args.token), &args.join, &state_dir)?;
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
