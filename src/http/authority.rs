//! The certificate of the appliance's own authority, for clients that are to trust it.

use rouille::{Response, ResponseBody};

use crate::domain::error::{Error, Result};
use crate::http::kit::answer;
use crate::http::kit::call::Call;

/// `GET|HEAD /ca.pem`. Whoever takes it compares its fingerprint with the one that the operator was shown.
pub fn certificate(call: &Call<'_>) -> Result<Response> {
    let pem = call.authority_pem.ok_or_else(|| {
        Error::not_found(
            "This server has no authority of its own: it is trusted by your system's, or speaks plain HTTP.",
        )
    })?;
    Ok(answer::with_body(200, "application/x-pem-file", ResponseBody::from_string(pem)))
}
