//! `admin doctor`: checks the appliance and says how to fix each problem.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::app::clips::bucket::Storage;
use crate::app::upkeep::doctor::{self, Examination, Fault};
use crate::appliance::server_url;
use crate::cli::admin::{Call, hints, output};
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::wording::counted;
use crate::os::clock::SystemClock;
use crate::os::random::SystemRandom;
use crate::os::url::host_of;

/// Check the appliance and print a fix for each problem; exit status 1 if there is any
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Checks permissions, disk space, certificate, clock, the database's version, integrity and write-ahead log, orphaned files,
nodes' versions, the bucket of clips if there is one, and dinks sold beyond live slots. The server may be running.

Example:
  dinkem-appliance admin doctor --fix")]
pub struct Args {
    /// Make repairs that lose no data
    #[arg(long)]
    fix: bool,
    /// Your own certificate, as given to `serve` [default: the appliance's own]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
}

pub fn run(args: Args, storage: Option<Storage>, data_dir: &Path, call: &Call) -> Result<()> {
    // A server with a URL but no CA does not use the appliance's own certificate.
    let served = server_url::recorded(data_dir).filter(|server| server.ca.is_some());
    let faults = doctor::examine(&Examination {
        data_dir: data_dir.to_owned(),
        host: served.and_then(|server| host_of(&server.url)),
        certificate: args.tls_cert,
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        storage,
        fix: args.fix,
    })?;
    show(&faults, call);
    match faults.iter().filter(|fault| !fault.fixed).count() {
        0 => Ok(()),
        count => {
            let what = if count == 1 { "it" } else { "them" };
            let message = format!("Found {}. Fix {what} as described, then run doctor again.", counted(count, "fault"));
            Err(Error::conflict(ErrorCode::Faults, message))
        }
    }
}

fn show(faults: &[Fault], call: &Call) {
    if call.json {
        let ok = faults.iter().all(|fault| fault.fixed);
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| {
                let (message, remedy) = (hints::complete(&fault.message, call), hints::complete(&fault.remedy, call));
                json!({ "code": fault.code, "message": message, "mend": remedy, "mended": fault.fixed })
            })
            .collect();
        return output::json(&json!({ "ok": ok, "faults": faults }));
    }
    for fault in faults {
        output::line(&format!("{}: {}", fault.code, output::plain(&hints::complete(&fault.message, call))));
        if fault.fixed {
            output::line("  fixed");
        } else {
            output::line(&format!("  fix: {}", output::plain(&hints::complete(&fault.remedy, call))));
        }
    }
    if faults.is_empty() {
        output::line("no faults");
    }
}
