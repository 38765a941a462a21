//! `admin promote`: lets a copied data directory replace the original.

use std::path::Path;

use serde_json::json;

use crate::app::App;
use crate::app::upkeep::promote;
use crate::cli::admin::{Call, output};
use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::wording::counted;
use crate::store::STORE;

/// Let a copied data directory replace the original; the servers of both must be stopped
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A server refuses a store that was copied, or restored by anything other than `admin restore`, because the original may
have been used since. This command puts the copy into service: lease numbers skip ahead of those of the original, join
tokens are revoked, and jobs that nodes held return to the queue.

Example: on the standby machine, when the original is gone for good
  dinkem-appliance admin --data-dir /srv/dinkem promote")]
pub struct Args {}

/// Refuses a directory without a store, because opening one would create it.
pub fn require_store(dir: &Path) -> Result<()> {
    if dir.join(STORE).is_file() {
        return Ok(());
    }
    let message = format!("There is no store in {}. Name the directory of the copy with --data-dir.", dir.display());
    Err(Error::not_found(message))
}

pub fn run(_: Args, app: &App, dir: &Path, call: &Call) -> Result<()> {
    let jobs = promote::promote(app, &config::operator())?;
    if call.json {
        output::json(&json!({ "data_dir": dir, "jobs_put_back": jobs }));
        return Ok(());
    }
    output::line(&format!("promoted: {}", dir.display()));
    let jobs = counted(jobs, "job");
    output::line(&format!("leases:   numbers skip ahead of the original; {jobs} returned to the queue"));
    output::line("tokens:   all join tokens were revoked");
    output::say("Start the server now. The original server must not run any more.");
    Ok(())
}
