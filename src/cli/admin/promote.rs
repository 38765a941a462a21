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

/// Makes a copied data directory the one that goes on; neither its server nor the other one may run
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A server refuses a store that was copied or put back by other means than `admin restore`: the other one may have gone on
since. This makes the copy the one that goes on: leases get numbers that the other one has not given, join tokens are
void, jobs that nodes held are queued again.

Example: on the standby machine, when the first one is gone for good
  dinkem-appliance admin --data-dir /srv/dinkem promote")]
pub struct Args {}

/// Refuses a directory without a store, because opening one would create it.
pub fn require_store(dir: &Path) -> Result<()> {
    if dir.join(STORE).is_file() {
        return Ok(());
    }
    let message = format!("There is no store in {}: say where the copy is with --data-dir.", dir.display());
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
    output::line(&format!("leases:   numbers that no other server has given; {jobs} put back into the queue"));
    output::line("tokens:   join tokens are void");
    output::say("Start the server now. The server that this was copied from must not run any more.");
    Ok(())
}
