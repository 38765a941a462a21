//! The page Overview.

use maud::html;

use crate::domain::error::Result;
use crate::http::operator::context::{Context, Tab, View};

/// The page.
pub fn view(_context: &Context<'_>) -> Result<View> {
    Ok(View { tab: Tab::Overview, heading: Tab::Overview.label().to_owned(), body: html! {} })
}
