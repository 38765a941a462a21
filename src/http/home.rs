//! `/`: a page for people who open the server's address in a browser.

use rouille::{Response, ResponseBody};

use crate::app::upkeep::health;
use crate::domain::error::Result;
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::http::pages::home;

/// `GET|HEAD /`: `200` whether or not the server accepts work, which the page says.
pub fn show(call: &Call<'_>) -> Result<Response> {
    let ready = health::ready(call.app);
    let page = home::page(ready.as_ref().err(), call.authority_pem.is_some())?;
    let response = answer::with_body(200, "text/html; charset=utf-8", ResponseBody::from_string(page));
    Ok(answer::header(response, "Content-Security-Policy", home::POLICY.as_str()))
}
