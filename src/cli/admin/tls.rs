//! `admin tls`: the appliance's certificate authority, for clients that need to trust it.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use crate::app::App;
use crate::app::tls::{self, Shown};
use crate::appliance::{https, server_url};
use crate::cli::admin::{Call, output};
use crate::cli::target;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::user;
use crate::wire::human;
use crate::wire::time::rfc3339;

/// The appliance's certificate authority (CA): show, export
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: a client on another machine that trusts the appliance:
  dinkem-appliance admin tls export -o dinkem-ca.pem
  curl --cacert dinkem-ca.pem https://appliance:8443/healthz")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the CA's fingerprint and expiry, and the names in the server's certificate
    #[command(after_help = "Example:\n  dinkem-appliance admin tls show")]
    Show,
    /// Print the CA certificate for clients, as PEM
    #[command(after_help = "\
Example: write it to a file; on a client, compare its fingerprint with the one from `admin tls show`:
  dinkem-appliance admin tls export -o dinkem-ca.pem
  openssl x509 -in dinkem-ca.pem -noout -fingerprint -sha256")]
    Export {
        /// Write to this file instead of standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    let shown = authority(app, data_dir)?;
    if let Some(server) = server_url::recorded(data_dir).filter(|server| server.ca.is_none()) {
        output::say(&format!(
            "The server at {} does not use this CA: when it last started, it served another certificate or plain HTTP.",
            server.url
        ));
    }
    match args.command {
        Command::Show => show(&shown, app.clock.now_ms(), call),
        Command::Export { output } => export(&shown, output.as_deref(), call)?,
    }
    Ok(())
}

/// The appliance's CA. Created if a restored appliance has none and no server has started yet, so that clients can be
/// set up beforehand.
fn authority(app: &App, data_dir: &Path) -> Result<Shown> {
    if server_url::recorded(data_dir).is_none() {
        tls::make_if_none(app, &https::names(None, None))?;
    }
    tls::shown(data_dir)?.ok_or_else(|| {
        let message = "There is no complete certificate authority in the data directory. Start the server with HTTPS; it \
                       creates or repairs the CA.";
        Error::new(Kind::NotFound, ErrorCode::NoAuthority, message)
    })
}

fn show(shown: &Shown, now_ms: i64, call: &Call) {
    let server = shown.server.as_ref();
    let names = server.map_or(&[][..], |server| &server.names);
    if call.json {
        return output::json(&json!({
            "fingerprint": shown.fingerprint,
            "path": shown.path,
            "valid_until": rfc3339(shown.valid_until_ms),
            "names": names,
            "server_valid_until": server.map(|server| rfc3339(server.valid_until_ms)),
        }));
    }
    let until = |at_ms| human::when(now_ms, at_ms);
    output::line(&format!("CA:      {}", shown.path.display()));
    output::line(&format!("SHA-256: {}", shown.fingerprint));
    output::line(&format!("expires: {}", until(shown.valid_until_ms)));
    let state = server.map_or_else(
        || "damaged; a restart of the server issues a new one".to_owned(),
        |server| format!("expires {}, renewed automatically", until(server.valid_until_ms)),
    );
    output::line(&format!("server certificate: {state}"));
    for name in names {
        output::line(&format!("  {}", output::plain(name)));
    }
}

fn write(to: &Path, pem: &str) -> Result<()> {
    target::check_in_place(to)?;
    target::write(to, pem.as_bytes())
}

fn export(shown: &Shown, to: Option<&Path>, call: &Call) -> Result<()> {
    if let Some(to) = to {
        user::as_caller(|| write(to, &shown.authority_pem))??;
    }
    match (call.json, to) {
        (true, _) => output::json(&json!({ "fingerprint": shown.fingerprint, "certificate": shown.authority_pem })),
        (false, Some(to)) => output::line(&format!("certificate: {}", to.display())),
        (false, None) => output::line(shown.authority_pem.trim_end()),
    }
    output::say(&format!("SHA-256 {}", shown.fingerprint));
    Ok(())
}
