//! The page Usage.

use maud::html;

use crate::domain::error::Result;
use crate::http::operator::actions::Action;
use crate::http::operator::context::{Context, Tab, View};

/// The page's actions.
pub const ACTIONS: &[Action] = &[];

/// The page.
pub fn view(_context: &Context<'_>) -> Result<View> {
    Ok(View { tab: Tab::Usage, heading: Tab::Usage.label().to_owned(), body: html! {} })
}

/// A statement to print.
pub fn statement(context: &Context<'_>) -> Result<View> {
    view(context)
}

/// Usage as CSV.
pub fn csv(_context: &Context<'_>) -> Result<String> {
    Ok(String::new())
}
