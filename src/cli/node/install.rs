//! `node install`: makes this machine a node. On Linux it runs as the package's service; on Windows as a task at log-on,
//! because a node that drives the game needs a desktop.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::node::renderer_args::RendererArgs;
use crate::cli::node::{Call, JoinArgs, StateArgs, identity, output, token, wrong_usage};
use crate::domain::error::Result;
use crate::os::user;

/// Make this machine a node: join, then start the node now and whenever the machine or the user's session starts
#[derive(Debug, clap::Args)]
#[command(mut_args(|arg| if arg.get_id().as_str().starts_with("renderer") { arg.hide(true) } else { arg }))]
#[command(after_help = "\
On Linux this enables the node's service and disables the server's. The service cannot drive the
game; for that, enable the unit of the user who is logged in to Steam:
  systemctl --user enable --now dinkem-appliance-game-node
On Windows it creates a task that runs the node when this user logs on. Run it in a command prompt
that was started as administrator by that user. The server's service stays as it is.

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
    /// Only to see what the config file says: flags would not last.
    #[command(flatten)]
    renderer: RendererArgs,
}

pub fn run(args: &Args, call: &Call) -> Result<()> {
    starter::check(&args.renderer.renderers()?)?;
    let (state_dir, owned) = args.state.dirs(call)?;
    // Read as the calling user, who owns the file.
    let token = match (&args.token, &args.join_file) {
        (Some(text), _) => token::given(text, true)?,
        (None, Some(file)) => token::in_file(file)?,
        (None, None) => return Err(wrong_usage("Name the source of the join token: - or --join-file FILE.")),
    };
    user::act_as_owner(&owned)?;
    let state = identity(Some(&token), &args.join, &state_dir)?;
    starter::enable(&state_dir)?;
    if call.json {
        output::json(&json!({ "node": { "id": state.node_id, "name": state.name }, "server": state.server }));
    } else {
        let name = output::plain(&state.name);
        output::line(&format!("This machine is now the node {name} of {}. {}", state.server, starter::HOW));
    }
    Ok(())
}

/// The package's service.
#[cfg(not(windows))]
mod starter {
    use std::path::Path;

    use crate::domain::error::{Error, Kind, Result};
    use crate::domain::error_code::ErrorCode;
    use crate::node::renderers::Renderers;
    use crate::os::{systemd, user};

    /// systemd units of the package.
    const SERVER: &str = "dinkem-appliance.service";
    const NODE: &str = "dinkem-appliance-node.service";
    /// What runs the node.
    pub const HOW: &str = "Its service is dinkem-appliance-node.service.";

    pub fn check(renderers: &Renderers) -> Result<()> {
        if renderers.game.is_some() {
            let message = "A node that drives the game cannot be a service of the system, which has no desktop. As the user who is logged in to Steam, join with `dinkem-appliance node --join - --idle-exit 0`, then run `systemctl --user enable --now dinkem-appliance-game-node`.";
            return Err(Error::new(Kind::Unavailable, ErrorCode::NoService, message));
        }
        systemd::require_unit(NODE)?;
        user::require_root("only root can enable a service: run the same command with `sudo`")
    }

    pub fn enable(_: &Path) -> Result<()> {
        user::as_caller(|| {
            systemd::control(&["disable", "--now", SERVER])?;
            systemd::control(&["enable", NODE])?;
            systemd::control(&["restart", NODE])
        })?
    }
}

/// A task of the user who runs this command.
#[cfg(windows)]
mod starter {
    use std::path::Path;

    use crate::config;
    use crate::domain::error::{Error, Kind, Result};
    use crate::domain::error_code::ErrorCode;
    use crate::node::renderers::Renderers;
    use crate::os::logon_task::LogonTask;

    /// What runs the node.
    pub const HOW: &str = "The task \"Dinkem Appliance Node\" runs it in your session, now and at every log-on. The service DinkemAppliance, the server, is separate: stop and disable it in services.msc if this machine only renders.";

    pub fn check(_: &Renderers) -> Result<()> {
        account().map(drop)
    }

    pub fn enable(state_dir: &Path) -> Result<()> {
        let program = config::program()?;
        let mut args = Vec::new();
        if let Some(file) = config::file_to_write(true).filter(|file| file.is_file()) {
            args.extend(["--config".to_owned(), file.display().to_string()]);
        }
        args.extend(["node".to_owned(), "--state-dir".to_owned(), state_dir.display().to_string()]);
        let task = LogonTask {
            name: "Dinkem Appliance Node",
            description: "Render node of a Dinkem Appliance, in the session of the user who is logged on",
            account: &account()?,
            program: &program.display().to_string(),
            args: &args,
        };
        task.install(state_dir).map_err(|error| {
            let message = "Windows did not create the task. Run the same command in a command prompt that you started as administrator.";
            Error::new(Kind::Unavailable, ErrorCode::NoService, message).because(error)
        })
    }

    fn account() -> Result<String> {
        let message = "The account of this user is not known: USERDOMAIN and USERNAME are not set. Run this command in the user's own session.";
        config::windows_account().ok_or_else(|| Error::new(Kind::Unavailable, ErrorCode::NoService, message))
    }
}
