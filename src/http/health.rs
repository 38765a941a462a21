//! Liveness and readiness checks.

use rouille::Response;
use serde_json::json;

use crate::app::upkeep::health;
use crate::domain::error::Result;
use crate::http::kit::answer;
use crate::http::kit::call::Call;

/// `GET|HEAD /healthz`.
pub fn alive(_: &Call<'_>) -> Result<Response> {
    answer::json(200, &json!({"status": "ok"}))
}

/// `GET|HEAD /readyz`: `503` while the server cannot accept work. Lesser problems are listed in `warnings`.
pub fn ready(call: &Call<'_>) -> Result<Response> {
    health::ready(call.app)?;
    let mut body = json!({"status": "ready"});
    let warnings = health::warnings(call.app)?;
    if !warnings.is_empty() {
        let warnings = warnings.iter().map(|warning| json!({"code": warning.code, "message": warning.message}));
        body["warnings"] = warnings.collect();
    }
    answer::json(200, &body)
}
