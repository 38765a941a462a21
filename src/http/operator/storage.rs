//! The page Storage.

use maud::html;

use crate::domain::error::Result;
use crate::http::operator::actions::Action;
use crate::http::operator::context::{Context, Tab, View};

/// The page's actions.
pub const ACTIONS: &[Action] = &[];

/// The page.
pub fn view(_context: &Context<'_>) -> Result<View> {
    Ok(View { tab: Tab::Storage, heading: Tab::Storage.label().to_owned(), body: html! {} })
}
