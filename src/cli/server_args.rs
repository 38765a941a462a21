//! Options of every client command: which server, whom to trust, and the account's key.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::appliance::server_url;
use crate::cli::client::Api;
use crate::cli::{Call, wrong_usage};
use crate::config;
use crate::domain::error::{Error, Result};
use crate::domain::key::Secret;
use crate::os::files;
use crate::os::url::host_of;

/// The server and the key.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// URL of the appliance
    #[arg(long, value_name = "URL", value_parser = server_url)]
    server: String,
    /// PEM file with the CA certificate to trust, and no other [default: on the appliance's own machine its CA,
    /// elsewhere the system's CAs]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// File that contains the account's key [default: the key in DINKEM_API_KEY]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl ServerArgs {
    /// A client of the server's API. Does not contact it yet.
    pub fn api(&self, call: &Call) -> Result<Api> {
        let ca_pem = match &self.ca {
            Some(file) => Some(read(file)?),
            None => call.data_dir().ok().and_then(|data_dir| server_url::authority_here(&data_dir, &self.server)),
        };
        Api::new(&self.server, key(self.key_file.as_deref())?, ca_pem).map_err(|error| match &self.ca {
            Some(file) if error.field.as_deref() == Some("ca") => Error {
                message: format!("{} contains no certificate. The CA file must be in PEM format.", file.display()),
                ..error
            },
            _ => error,
        })
    }
}

/// Parses `--server`.
fn server_url(text: &str) -> Result<String, String> {
    let is_http = text.starts_with("http://") || text.starts_with("https://");
    match host_of(text) {
        Some(_) if is_http => Ok(text.to_owned()),
        _ => Err("it must be an http or https URL, such as https://appliance:8443".to_owned()),
    }
}

/// The account's key, from the given file or the environment.
fn key(file: Option<&Path>) -> Result<Secret> {
    match file {
        Some(file) => Ok(Secret::new(read(file)?.trim())),
        None => config::api_key()
            .ok_or_else(|| wrong_usage("There is no API key. Set DINKEM_API_KEY, or name a file with --key-file.")),
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error: io::Error| files::cannot_read(path, &error))
}
