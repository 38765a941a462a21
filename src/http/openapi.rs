//! The OpenAPI document. `openapi.json` is written by hand; the tests check the route table and every response they
//! receive against it.

use rouille::{Response, ResponseBody};

use crate::domain::error::Result;
use crate::http::kit::answer;
use crate::http::kit::call::Call;

const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /api/openapi.json`: contains no secrets, so tools can read it without a key.
pub fn show(_: &Call<'_>) -> Result<Response> {
    Ok(answer::with_body(200, "application/json", ResponseBody::from_string(DOCUMENT)))
}
