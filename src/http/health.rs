//! Whether the server is alive.

use rouille::Response;
use serde_json::json;

use super::answer;
use super::call::Call;
use crate::domain::error::Result;

/// `GET|HEAD /healthz`.
pub fn alive(_: &Call<'_>) -> Result<Response> {
    answer::json(200, &json!({"status": "ok"}))
}
