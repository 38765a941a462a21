//! `sample`: the product's own demo, so that nothing else is needed to try it.

use std::path::PathBuf;

use serde_json::json;

use super::submit::check_target;
use super::{Call, output};
use crate::domain::error::{Error, Result};
use crate::render::forge;

/// Writes the product's own sample demo, to try things with; says its player and round
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance sample -o sample.dem")]
pub struct Args {
    /// Where the demo goes
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    check_target(&args.output)?;
    let path = args.output.display();
    std::fs::write(&args.output, forge::sample())
        .map_err(|error| Error::internal(format!("Could not write {path}: choose another place with -o."), error))?;
    if call.json {
        output::json(&json!({
            "demo": args.output,
            "steam64_id": forge::SAMPLE_PLAYER.to_string(),
            "round": forge::SAMPLE_ROUND,
        }));
    } else {
        output::line(&format!("demo:   {path}"));
        output::line(&format!("player: {}", forge::SAMPLE_PLAYER));
        output::line(&format!("round:  {}", forge::SAMPLE_ROUND));
    }
    Ok(())
}
