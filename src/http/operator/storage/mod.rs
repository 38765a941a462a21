//! The page Storage: the disk, what lies on it, and the rules by which it is cleared.

mod accounts;
mod disk;
mod rules;

use maud::{Markup, html};

use crate::app::upkeep::{history, storage};
use crate::domain::error::Result;
use crate::http::operator::actions::Action;
use crate::http::operator::charts;
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{card, nothing};

/// The page's actions.
pub const ACTIONS: &[Action] = &[
    Action::new("storage.preview", rules::preview),
    Action::new("storage.set_rule", rules::set_rule),
    Action::new("storage.remove_rule", rules::remove_rule),
];

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    let measured = storage::latest(context.app)?;
    let body = html! {
        @match &measured {
            Some(measured) => (disk::disk(context, measured)),
            None => {
                @let words = "The files are being measured. With a million clips this takes a few seconds.";
                (card("full", "disk", "The disk", &html! {}, &nothing(words)))
            }
        }
        (trend(context)?)
        (rules::rules(context, measured.as_deref())?)
        @if let Some(measured) = &measured { (accounts::accounts(context, measured)) }
    };
    Ok(View { tab: Tab::Storage, heading: Tab::Storage.label().to_owned(), body })
}

/// How the disk fills up.
fn trend(context: &Context<'_>) -> Result<Markup> {
    let trend = history::disk_trend(context.app)?;
    Ok(card("full grow", "trend", "The last 30 days", &html! {}, &charts::disk(context, &trend)))
}
