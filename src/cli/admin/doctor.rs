//! `admin doctor`: checks the appliance and says how to fix each problem.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::app::clips::bucket::Storage;
use crate::app::upkeep::doctor::{self, Examination, Fault};
use crate::appliance::server_url;
use crate::cli::admin::{Call, hints, output};
use crate::domain::epoch::LostWindow;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::wording::counted;
use crate::os::clock::SystemClock;
use crate::os::random::SystemRandom;
use crate::os::url::host_of;
use crate::wire::time::rfc3339;

/// Check the appliance and print a fix for each problem; exit status 1 if there is any
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Checks permissions, disk space, certificate, clock, the database's version, integrity and write-ahead log, orphaned files,
nodes' versions, the bucket of clips if there is one, dinks sold beyond live slots, and the replica. The server may be
running.

Example:
  dinkem-appliance admin doctor --fix")]
pub struct Args {
    /// Make repairs that lose no data
    #[arg(long)]
    fix: bool,
    /// Your own certificate, as given to `serve` [default: the appliance's own]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Socket of the Litestream that replicates the store, as given to `serve` [default: none]
    #[arg(long, value_name = "FILE")]
    replica_socket: Option<PathBuf>,
}

pub fn run(args: Args, storage: Option<Storage>, data_dir: &Path, call: &Call) -> Result<()> {
    // A server with a URL but no CA does not use the appliance's own certificate.
    let served = server_url::recorded(data_dir).filter(|server| server.ca.is_some());
    let examination = Examination {
        data_dir: data_dir.to_owned(),
        host: served.and_then(|server| host_of(&server.url)),
        certificate: args.tls_cert,
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        storage,
        replica_socket: args.replica_socket,
        fix: args.fix,
    };
    let faults = doctor::examine(&examination)?;
    show(&faults, &doctor::lost_windows(&examination), call);
    match faults.iter().filter(|fault| !fault.fixed).count() {
        0 => Ok(()),
        count => {
            let what = if count == 1 { "it" } else { "them" };
            let message = format!("Found {}. Fix {what} as described, then run doctor again.", counted(count, "fault"));
            Err(Error::conflict(ErrorCode::Faults, message))
        }
    }
}

fn show(faults: &[Fault], lost: &[LostWindow], call: &Call) {
    if call.json {
        let ok = faults.iter().all(|fault| fault.fixed);
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| {
                let (message, remedy) = (hints::complete(&fault.message, call), hints::complete(&fault.remedy, call));
                json!({ "code": fault.code, "message": message, "mend": remedy, "mended": fault.fixed })
            })
            .collect();
        let lost: Vec<_> =
            lost.iter().map(|lost| json!({ "from": rfc3339(lost.from_ms), "until": rfc3339(lost.until_ms) })).collect();
        let mut answer = json!({ "ok": ok, "faults": faults });
        if !lost.is_empty() {
            answer["lost"] = lost.into();
        }
        return output::json(&answer);
    }
    for fault in faults {
        output::line(&format!("{}: {}", fault.code, output::plain(&hints::complete(&fault.message, call))));
        if fault.fixed {
            output::line("  fixed");
        } else {
            output::line(&format!("  fix: {}", output::plain(&hints::complete(&fault.remedy, call))));
        }
    }
    for LostWindow { from_ms, until_ms } in lost {
        let (from, until) = (rfc3339(*from_ms), rfc3339(*until_ms));
        output::line(&format!("note: this store took over at {until}; jobs accepted since {from} may be lost"));
    }
    if faults.is_empty() {
        output::line("no faults");
    }
}
