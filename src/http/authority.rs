//! The certificate of the appliance's own CA, for clients to import.

use rouille::{Response, ResponseBody};

use crate::domain::error::{Error, Result};
use crate::http::kit::answer;
use crate::http::kit::call::Call;

/// `GET|HEAD /ca.pem`. Clients check its fingerprint against the one shown to the operator.
pub fn certificate(call: &Call<'_>) -> Result<Response> {
    let pem = call.authority_pem.ok_or_else(|| {
        Error::not_found(
            "This server has no CA of its own: its certificate is from another CA, or it serves plain HTTP.",
        )
    })?;
    Ok(answer::with_body(200, "application/x-pem-file", ResponseBody::from_string(pem)))
}
