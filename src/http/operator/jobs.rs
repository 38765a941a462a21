//! The page Jobs.

use maud::html;

use crate::domain::error::Result;
use crate::http::operator::actions::Action;
use crate::http::operator::context::{Context, Tab, View};

/// The page's actions.
pub const ACTIONS: &[Action] = &[];

/// The page.
pub fn view(_context: &Context<'_>) -> Result<View> {
    Ok(View { tab: Tab::Jobs, heading: Tab::Jobs.label().to_owned(), body: html! {} })
}

/// One of them.
pub fn one(context: &Context<'_>) -> Result<View> {
    view(context)
}
