//! `admin healthcheck`: asks the running server whether it accepts work.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::appliance::server_url;
use crate::cli::admin::{Call, output};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::os::address::Addresses;
use crate::os::http::{Client, ClientOptions, Method, Request};
use crate::wire::problem::Problem;

/// Timeout for the whole check.
const PATIENCE: Duration = Duration::from_secs(10);
/// Maximum size of the response in bytes.
const ANSWER_BYTES: u64 = 64 * 1024;

/// Check whether the running server accepts work; exit status 1 if it does not, or does not answer
///
/// Other problems, such as jobs waiting while no render node is up, are printed as warnings.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: for a monitor, on the server's machine\n  dinkem-appliance admin healthcheck")]
pub struct Args {}

/// The parts of the `GET /readyz` response used for warnings.
#[derive(Default, Deserialize)]
struct Ready {
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Deserialize, Serialize)]
struct Warning {
    code: String,
    message: String,
}

pub fn run(data_dir: &Path, call: &Call) -> Result<()> {
    let server = server_url::recorded_local(data_dir).ok_or_else(|| {
        let message = format!(
            "No server has run on {} yet. Start it, or name its data directory with --data-dir.",
            data_dir.display()
        );
        Error::new(Kind::NotFound, ErrorCode::NoServer, message)
    })?;
    let client = Client::new(ClientOptions {
        addresses: Addresses::Any,
        ca_pem: server.ca,
        redirects: 0,
        connect_timeout: PATIENCE,
        stall_timeout: PATIENCE,
        body_timeout: None,
    })?;
    let url = format!("{}/readyz", server.url);
    let answer = client.send(Request::new(Method::GET, &url, PATIENCE)).map_err(|error| {
        let message =
            format!("The server at {} does not answer. Check whether it is running, and check its log.", server.url);
        Error::new(Kind::Unavailable, ErrorCode::NoAnswer, message).because(error)
    })?;
    let status = answer.status;
    if status == 200 {
        // Older servers do not report this.
        let Ready { warnings } = answer.json(ANSWER_BYTES).unwrap_or_default();
        if call.json {
            let mut body = json!({ "status": "ready", "url": server.url });
            if !warnings.is_empty() {
                body["warnings"] = json!(warnings);
            }
            output::json(&body);
        } else {
            output::line(&format!("ready: {}", server.url));
            for warning in &warnings {
                output::line(&format!(
                    "warning: {} ({})",
                    output::plain(&warning.message),
                    output::plain(&warning.code)
                ));
            }
        }
        return Ok(());
    }
    let words =
        answer.json::<Problem>(ANSWER_BYTES).map_or_else(|_| format!("status {status}"), |problem| problem.error);
    Err(Error::new(
        Kind::Unavailable,
        ErrorCode::NotReady,
        format!("The server at {} does not accept work: {words}", server.url),
    ))
}
