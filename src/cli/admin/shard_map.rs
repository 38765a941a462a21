//! `admin shard-map`: the map that leads an account's keys to this appliance, one of several.

use crate::app::App;
use crate::app::accounts::shard_map;
use crate::cli::admin::{Call, output};
use crate::domain::error::Result;
use crate::domain::shard::{SHARD_NAME_CHARS, Shard};

/// Print the hashes of all live keys with this appliance's name, for HAProxy in front of several appliances
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each line is the SHA-256 of a key, in the form of HAProxy's `sha2(256),hex`, and the name. There is no secret in it.
`serve --shard NAME --shard-map FILE` keeps it in a file.

Example: the map of the first of several appliances
  dinkem-appliance admin shard-map --shard s1 > s1.map")]
pub struct Args {
    /// Name of this appliance: that of its backend in HAProxy's configuration
    #[arg(long, value_name = "NAME", value_parser = shard)]
    shard: Shard,
}

/// Parses a shard's name.
pub fn shard(text: &str) -> Result<Shard, String> {
    Shard::parse(text).ok_or_else(|| {
        format!("it must be 1 to {SHARD_NAME_CHARS} characters a-z, 0-9, - and _, the first a letter or digit")
    })
}

pub fn run(args: Args, app: &App, call: &Call) -> Result<()> {
    let map = shard_map::text(app, &args.shard)?;
    if call.json {
        let keys: Vec<_> = map.lines().filter_map(|line| line.split(' ').next()).collect();
        output::json(&serde_json::json!({ "shard": args.shard.as_str(), "keys": keys }));
        return Ok(());
    }
    for line in map.lines() {
        output::line(line);
    }
    Ok(())
}
