//! `admin doctor`: what is wrong with this appliance, and what to do about it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::app::upkeep::doctor::{self, Fault, Patient};
use crate::appliance::server_url::{self, host_of};
use crate::cli::admin::{Call, hints, output};
use crate::domain::error::{Error, Result};
use crate::domain::wording::counted;
use crate::os::clock::SystemClock;
use crate::os::random::SystemRandom;

/// Looks the appliance over: each fault with its mend; exit status 1 while there is one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It looks at rights, disk, certificate, clock, the store's version, soundness and log, files and rows that miss each other,
nodes' versions, and dinks sold beyond live slots; beside a running server or without one.

Example:
  dinkem-appliance admin doctor --fix")]
pub struct Args {
    /// Fix what can be fixed without losing anything
    #[arg(long)]
    fix: bool,
    /// The studio's own certificate, as `serve` has it [default: the appliance's own]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
}

pub fn run(args: Args, data_dir: &Path, call: &Call) -> Result<()> {
    // A server without an authority beside its URL does not serve by the appliance's own certificate.
    let served = server_url::recorded(data_dir).filter(|server| server.ca.is_some());
    let faults = doctor::examine(&Patient {
        data_dir: data_dir.to_owned(),
        host: served.and_then(|server| host_of(&server.url).map(str::to_owned)),
        certificate: args.tls_cert,
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        fix: args.fix,
    })?;
    show(&faults, call);
    match faults.iter().filter(|fault| !fault.mended).count() {
        0 => Ok(()),
        count => {
            let message = format!("Found {}. Fix it as described, then run doctor again.", counted(count, "fault"));
            Err(Error::conflict("faults", message))
        }
    }
}

fn show(faults: &[Fault], call: &Call) {
    if call.json {
        let ok = faults.iter().all(|fault| fault.mended);
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| {
                let (message, mend) = (hints::complete(&fault.message, call), hints::complete(&fault.mend, call));
                json!({ "code": fault.code, "message": message, "mend": mend, "mended": fault.mended })
            })
            .collect();
        return output::json(&json!({ "ok": ok, "faults": faults }));
    }
    for fault in faults {
        output::line(&format!("{}: {}", fault.code, output::plain(&hints::complete(&fault.message, call))));
        if fault.mended {
            output::line("  fixed");
        } else {
            output::line(&format!("  fix: {}", output::plain(&hints::complete(&fault.mend, call))));
        }
    }
    if faults.is_empty() {
        output::line("no faults");
    }
}
