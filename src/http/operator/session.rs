//! Signing in and out. The key goes into the response's body once, and never into a cookie.

use rouille::Response;
use serde_json::json;

use crate::app::operators;
use crate::domain::error::Result;
use crate::domain::operator::OperatorKey;
use crate::http::kit::call::Call;
use crate::http::kit::{answer, body};
use crate::wire::time::rfc3339;

/// `POST /operator/session`: trades a link's code for a key.
pub fn sign_in(call: &Call<'_>) -> Result<Response> {
    let body = body::fields(call)?;
    let code = body.text("code")?;
    let (key, signed_in) = operators::sign_in(call.app, code, &call.client.address.to_string())?;
    let content = json!({
        "key": key.reveal(),
        "read_only": signed_in.read_only,
        "expires_at": rfc3339(signed_in.expires_at_ms()),
    });
    answer::json(200, &content)
}

/// `DELETE /operator/sessions/mine`: signs out.
pub fn sign_out(call: &Call<'_>, key: &OperatorKey) -> Result<Response> {
    operators::sign_out(call.app, key)?;
    Ok(answer::empty(204))
}
