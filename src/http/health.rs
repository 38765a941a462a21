//! Whether the server is alive, and whether it takes work.

use rouille::Response;
use serde_json::json;

use super::answer;
use super::call::Call;
use crate::app::health;
use crate::domain::error::Result;

/// `GET|HEAD /healthz`.
pub fn alive(_: &Call<'_>) -> Result<Response> {
    answer::json(200, &json!({"status": "ok"}))
}

/// `GET|HEAD /readyz`: `503` while no work is taken.
pub fn ready(call: &Call<'_>) -> Result<Response> {
    health::ready(call.app)?;
    answer::json(200, &json!({"status": "ready"}))
}
