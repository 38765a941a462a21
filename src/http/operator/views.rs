//! `GET /operator/view/…`: one page as HTML, for the shell's script. Asked for again every two seconds, so an unchanged
//! one is a 304.

use maud::{DOCTYPE, html};
use rouille::{Response, ResponseBody};

use crate::domain::error::{Error, Kind, Result};
use crate::domain::operator::OperatorKey;
use crate::domain::sha256::Sha256;
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::{
    accounts, audit, clips, health, jobs, layout, nodes, overview, parts, shell, storage, usage,
};

/// A page by the words of its address.
fn view(context: &Context<'_>) -> Result<View> {
    match context.call.parameters {
        ["overview"] => overview::view(context),
        ["jobs"] => jobs::view(context),
        ["jobs", _] => jobs::one::view(context),
        ["nodes"] => nodes::view(context),
        ["nodes", _] => nodes::one::view(context),
        ["accounts"] => accounts::view(context),
        ["accounts", _] => accounts::one::view(context),
        ["usage"] => usage::view(context),
        ["usage", "statement"] => usage::bill::view(context),
        ["clips"] => clips::view(context),
        ["storage"] => storage::view(context),
        ["health"] => health::view(context),
        ["audit"] => audit::view(context),
        _ => Err(Error::not_found("There is no such page.")),
    }
}

/// The page, or what is wrong with its address, in the frame of all pages.
pub fn show(call: &Call<'_>, key: &OperatorKey) -> Result<Response> {
    let context = Context::new(call, key);
    let (status, view) = match view(&context) {
        Ok(view) => (200, view),
        Err(error) if matches!(error.kind, Kind::NotFound | Kind::Invalid) => {
            let status = if error.kind == Kind::NotFound { 404 } else { 400 };
            let tab = Tab::ALL.into_iter().find(|tab| tab.path().ends_with(call.parameter())).unwrap_or(Tab::Overview);
            let body = parts::empty(&error.message, html! { a href=(tab.path()) { "Back to " (tab.label()) } });
            (status, View { tab, heading: "Not found".to_owned(), body })
        }
        Err(error) => return Err(error),
    };
    let page = html! {
        (DOCTYPE)
        title { (view.heading) " · dinkem appliance" }
        (layout::frame(&context, &view)?)
    };
    let page = page.into_string();
    let tag = format!("\"{}\"", &Sha256::of(&page).to_string()[..32]);
    let response = match call.request.header("If-None-Match") {
        Some(known) if known == tag => answer::empty(304),
        _ => answer::with_body(status, "text/html; charset=utf-8", ResponseBody::from_string(page)),
    };
    Ok(shell::protected(answer::header(response, "ETag", tag)))
}
