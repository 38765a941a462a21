//! `sample`: writes the built-in sample demo, so that no other file is needed for a trial.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::{Call, output, target};
use crate::domain::error::Result;
use crate::render::forge;

/// Write the built-in sample demo, for a trial, and print its player and round
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dinkem-appliance sample -o sample.dem")]
pub struct Args {
    /// Output file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub fn run(args: Args, call: &Call) -> Result<()> {
    target::check_in_place(&args.output)?;
    target::write(&args.output, &forge::sample())?;
    let path = args.output.display();
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
