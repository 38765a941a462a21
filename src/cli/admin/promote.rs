//! `admin promote`: lets a copied data directory replace the original.

use std::path::Path;

use serde_json::json;

use crate::app::App;
use crate::app::upkeep::promote;
use crate::cli::admin::{Call, output};
use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::wording::counted;
use crate::store::{DataDir, STORE};
use crate::wire::time::rfc3339;

/// Let a copied data directory replace the original; the servers of both must be stopped
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A server refuses a store that was copied, or restored by anything other than `admin restore`, because the original may
have been used since. This command puts the copy into service: a new epoch begins, lease numbers skip ahead of those of the
original, join tokens are revoked, jobs that nodes held return to the queue, and only the owner may access the store.
Jobs that the original accepted after the copy's last write are lost: whoever asks for one is told to submit it again.

Example: on the standby machine, when the original is gone for good
  dinkem-appliance admin --data-dir /srv/dinkem promote")]
pub struct Args {}

/// Refuses a directory without a store, because opening one would create it, and makes the store private, because it
/// is not opened otherwise.
pub fn prepare(dir: &Path) -> Result<()> {
    if dir.join(STORE).is_file() {
        return promote::make_private(&DataDir::at(dir));
    }
    let message = format!("There is no store in {}. Name the directory of the copy with --data-dir.", dir.display());
    Err(Error::not_found(message))
}

pub fn run(_: Args, app: &App, dir: &Path, call: &Call) -> Result<()> {
    let promote::Renewed { epoch, jobs, lost } = promote::promote(app, &config::operator())?;
    let (from, until) = (rfc3339(lost.from_ms), rfc3339(lost.until_ms));
    if call.json {
        output::json(&json!({
            "data_dir": dir,
            "epoch": epoch.to_string(),
            "jobs_put_back": jobs,
            "lost_from": from,
            "lost_until": until,
        }));
        return Ok(());
    }
    output::line(&format!("promoted: {}", dir.display()));
    output::line(&format!("epoch:    {epoch}"));
    let jobs = counted(jobs, "job");
    output::line(&format!("leases:   numbers skip ahead of the original; {jobs} returned to the queue"));
    output::line("tokens:   all join tokens were revoked");
    output::line(&format!("lost:     jobs accepted between {from} and {until}, if any"));
    output::say("Start the server now. The original server must not run any more.");
    Ok(())
}
