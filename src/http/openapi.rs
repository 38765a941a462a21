//! The description of the API that this server speaks. `openapi.json` is written by hand, and the tests hold the route
//! table and every answer they get against it.

use rouille::{Response, ResponseBody};

use crate::domain::error::Result;
use crate::http::kit::answer;
use crate::http::kit::call::Call;

const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /api/openapi.json`: nothing in it is a secret, so that tools can read it without a key.
pub fn show(_: &Call<'_>) -> Result<Response> {
    Ok(answer::with_body(200, "application/json", ResponseBody::from_string(DOCUMENT)))
}
