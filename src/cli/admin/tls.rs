//! `admin tls`: the authority that the appliance's HTTPS stands on, for those who are to trust it.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use crate::app::App;
use crate::app::tls::{self, Shown};
use crate::appliance::{https, server_url};
use crate::cli::admin::{Call, output};
use crate::cli::target;
use crate::domain::error::{Error, Kind, Result};
use crate::os::user;
use crate::wire::time::rfc3339;

/// The authority that clients trust the server by: its fingerprint, its certificate
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
    /// Its fingerprint, what the server's certificate is for, and until when
    #[command(after_help = "Example:\n  dinkem-appliance admin tls show")]
    Show,
    /// Its certificate, PEM, on standard output: what clients are given
    #[command(after_help = "\
Example: write it to a file, then compare what a client has got with what `admin tls show` says:
  dinkem-appliance admin tls export -o dinkem-ca.pem
  openssl x509 -in dinkem-ca.pem -noout -fingerprint -sha256")]
    Export {
        /// Write it here instead
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

pub fn run(args: Args, app: &App, data_dir: &Path, call: &Call) -> Result<()> {
    let shown = authority(app, data_dir)?;
    if let Some(server) = server_url::recorded(data_dir).filter(|server| server.ca.is_none()) {
        output::say(&format!(
            "The server at {} did not use this authority when it last started: it serves by another certificate, or \
             plain HTTP.",
            server.url
        ));
    }
    match args.command {
        Command::Show => show(&shown, call),
        Command::Export { output } => export(&shown, output.as_deref(), call)?,
    }
    Ok(())
}

/// The authority there is. Where a restored appliance has none and no server has started yet, it is made, so that clients
/// can be given it beforehand.
fn authority(app: &App, data_dir: &Path) -> Result<Shown> {
    if server_url::recorded(data_dir).is_none() {
        tls::make_if_none(app, &https::names(None, None))?;
    }
    tls::shown(data_dir)?.ok_or_else(|| {
        let message = "There is no whole authority in the data directory: start the server over HTTPS, which makes or \
                       mends it.";
        Error::new(Kind::NotFound, "no_authority", message)
    })
}

fn show(shown: &Shown, call: &Call) {
    let (until, server_until) = (rfc3339(shown.valid_until_ms), rfc3339(shown.server_valid_until_ms));
    if call.json {
        return output::json(&json!({
            "fingerprint": shown.fingerprint,
            "path": shown.path,
            "valid_until": until,
            "names": shown.names,
            "server_valid_until": server_until,
        }));
    }
    output::line(&format!("authority:   {}", shown.path.display()));
    output::line(&format!("SHA-256:     {}", shown.fingerprint));
    output::line(&format!("valid until: {until}"));
    output::line(&format!("names:       {}", shown.names.join(", ")));
    output::line(&format!(
        "             in the server's certificate, which is renewed by itself before {server_until}"
    ));
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
