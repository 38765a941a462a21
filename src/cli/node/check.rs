//! `node check`: checks whether this node could render.

use std::sync::Arc;

use serde_json::json;

use crate::cli::node::renderer_args::RendererArgs;
use crate::cli::node::{Call, StateArgs, output};
use crate::config;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::FailureCode;
use crate::node::check;
use crate::os::clock::{Clock, SystemClock};
use crate::os::user;

/// Check everything that this node needs for rendering, including a short test clip of the built-in renderer
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance node check\n  dinkem-appliance node check --config node.toml")]
pub struct Args {
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    renderer: RendererArgs,
}

pub fn run(args: &Args, call: &Call) -> Result<()> {
    let renderers = args.renderer.renderers()?;
    let (state_dir, owned) = args.state.dirs(call)?;
    user::act_as_owner(&owned)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let checks = check::checks(&state_dir, &renderers, &config::program()?, &clock);
    let words = |outcome: &Result<String>| match outcome {
        Ok(found) => output::plain(found),
        Err(error) => output::plain(&error.to_string()),
    };
    if call.json {
        let checks: Vec<_> = checks
            .iter()
            .map(|check| json!({ "name": check.name, "ok": check.outcome.is_ok(), "message": words(&check.outcome) }))
            .collect();
        output::json(&json!({ "checks": checks }));
    } else {
        for check in &checks {
            let verdict = if check.outcome.is_ok() { "ok  " } else { "FAIL" };
            output::line(&format!("{verdict}  {:9}  {}", check.name, words(&check.outcome)));
        }
    }
    match checks.iter().filter(|check| check.outcome.is_err()).count() {
        0 => Ok(()),
        failed => Err(Error::new(
            Kind::Unavailable,
            ErrorCode::Failure(FailureCode::NodeNotReady),
            format!("This node is not ready: {failed} of {} checks failed.", checks.len()),
        )),
    }
}
