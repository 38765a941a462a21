//! The field for an account's name, with the known names to choose from.

use maud::{Markup, html};

use crate::app::accounts;
use crate::domain::error::Result;
use crate::http::operator::context::Context;
use crate::http::operator::parts::field;

/// Names to choose from. Others can still be typed.
const NAMES: u32 = 200;

/// A field `account`, empty for all accounts. `id` is unique on the page.
pub fn account_field(context: &Context<'_>, id: &str, value: &str) -> Result<Markup> {
    let list = format!("{id}-names");
    let names = accounts::names(context.app, NAMES)?;
    Ok(field(
        id,
        "Account",
        html! {
            input id=(id) name="account" value=(value) list=(list) autocomplete="off" placeholder="All accounts";
            datalist id=(list) { @for name in &names { option value=(name) {} } }
        },
    ))
}
