//! A client of the public API over HTTP, authenticated with a key. `jobs` submits, lists, watches and cancels;
//! `transfers` uploads demos and downloads clips.

mod jobs;
mod transfers;

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::key::Secret;
use crate::os::address::Addresses;
use crate::os::http::{Client, ClientOptions, Request, Response};
use crate::wire::JSON_BODY_BYTES;
use crate::wire::problem::Problem;

pub use jobs::{FAILED_POLLS, Order, POLL, Submitted, check_done, is_unfinished, stage};

/// Maximum size of a JSON response in bytes.
const ANSWER_BYTES: u64 = 1 << 20;
/// Timeout of a request that transfers no demo or clip.
const SHORT: Duration = Duration::from_secs(60);
/// Timeout of a demo upload or clip download.
const LONG: Duration = Duration::from_secs(3_600);
/// Timeout without receiving or sending a single byte: a server that keeps demos in a bucket answers an upload when the demo
/// is there.
const STALL: Duration = Duration::from_secs(300);

/// The API of one server, with one key.
#[derive(Clone)]
pub struct Api {
    http: Client,
    server: String,
    key: Secret,
}

impl Api {
    /// A client for the server at a URL. `ca_pem`: the only CA certificates to trust.
    pub fn new(server: &str, key: Secret, ca_pem: Option<String>) -> Result<Self> {
        let http = client(ca_pem)?;
        Ok(Self { http, server: server.trim_end_matches('/').to_owned(), key })
    }

    /// URL of a job.
    pub fn job_url(&self, id: &str) -> String {
        self.url(&format!("/api/clips/{id}"))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    fn send(&self, request: Request<'_>) -> Result<Response> {
        self.http
            .send(request)
            .map_err(|error| if error.code == ErrorCode::UntrustedServer { untrusted(error) } else { error })
    }

    fn ask<'a, T: DeserializeOwned>(&'a self, request: Request<'a>) -> Result<T> {
        let response = self.send(Request { bearer: Some(&self.key), ..request })?;
        if (200..300).contains(&response.status) { response.json(ANSWER_BYTES) } else { Err(refusal(response)) }
    }
}

/// `ca_pem`: the only CA certificates to trust.
fn client(ca_pem: Option<String>) -> Result<Client> {
    Client::new(ClientOptions {
        addresses: Addresses::Any,
        ca_pem,
        redirects: 0,
        connect_timeout: Duration::from_secs(10),
        stall_timeout: STALL,
        body_timeout: None,
    })
}

/// What to do about an untrusted certificate.
fn untrusted(error: Error) -> Error {
    let advice = "Name the appliance's CA certificate with --ca FILE. `admin tls export` on the server writes it; it \
                  is also at https://SERVER/ca.pem: compare its fingerprint with the one from `admin tls show`.";
    Error { message: format!("{} {advice}", error.message), ..error }
}

/// The server's own error message.
fn refusal(response: Response) -> Error {
    let status = response.status;
    let kind = if status >= 500 || status == 429 { Kind::Unavailable } else { Kind::Invalid };
    let is_text = response.header("content-type").is_some_and(|media_type| media_type.starts_with("text/plain"));
    let body = response.bytes(JSON_BODY_BYTES).unwrap_or_default();
    let words = match serde_json::from_slice(&body) {
        Ok(Problem { error, code: Some(code), .. }) => format!("{error} ({code})"),
        Ok(Problem { error, code: None, .. }) => error,
        // This is how an HTTPS port answers plain HTTP.
        Err(_) if is_text => String::from_utf8_lossy(&body).trim().to_owned(),
        Err(_) => "no readable reason was given".to_owned(),
    };
    // The hosted service's own messages end without a full stop.
    let advice = match (status, words.as_str()) {
        (401, _) => ". Check the key, and that the account is active.",
        (403, "No reserved capacity provisioned") => ". Use the metered key, or ask the operator for dinks.",
        _ => "",
    };
    Error::new(kind, ErrorCode::Refused, format!("The server answered with status {status}: {words}{advice}"))
}
