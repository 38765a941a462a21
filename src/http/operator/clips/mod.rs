//! The page Clips and demos: what lies where, and the clips or the uploaded demos of all accounts.

mod clip_list;
mod demo_list;
mod totals;

use maud::{Markup, html};

use crate::domain::error::Result;
use crate::http::operator::account_field::account_field;
use crate::http::operator::actions::Action;
use crate::http::operator::context::{Context, Tab, View};
use crate::http::operator::parts::{field, select};

/// What uploads a demo and asks for clips.
pub const SUBMIT: &str = "DINKEM_API_KEY=KEY dinkem-appliance submit match.dem --highlights 5";

/// The page's actions.
pub const ACTIONS: &[Action] = &[
    Action::new("clips.pin", clip_list::pin),
    Action::new("clips.unpin", clip_list::unpin),
    Action::new("clips.ask_delete", clip_list::ask_delete),
    Action::new("clips.delete", clip_list::delete),
    Action::new("demos.ask_delete", demo_list::ask_delete),
    Action::new("demos.delete", demo_list::delete),
];

/// The page.
pub fn view(context: &Context<'_>) -> Result<View> {
    let shows_demos = context.query("show").is_some_and(|show| show == "demos");
    let body = html! {
        (totals::card_of_totals(context)?)
        (switch(context, shows_demos))
        (filters(context, shows_demos)?)
        @if shows_demos { (demo_list::list(context)?) } @else { (clip_list::list(context)?) }
    };
    Ok(View { tab: Tab::Clips, heading: Tab::Clips.label().to_owned(), body })
}

fn switch(context: &Context<'_>, shows_demos: bool) -> Markup {
    let link = |show: Option<&str>, label: &str, is_current: bool| {
        let path = context.with_query(Tab::Clips, "show", show);
        html! { a.btn href=(path) aria-current=[is_current.then_some("true")] { (label) } }
    };
    html! {
        div.full.buttons.switch role="group" aria-label="What to list" {
            (link(None, "Clips", !shows_demos))
            (link(Some("demos"), "Uploaded demos", shows_demos))
        }
    }
}

fn filters(context: &Context<'_>, shows_demos: bool) -> Result<Markup> {
    let value = |name: &str| context.query(name).unwrap_or_default();
    let pinned = [("", "pinned or not"), ("1", "pinned only")];
    Ok(html! {
        form.filters data-filters method="get" action=(Tab::Clips.path()) {
            @if shows_demos { input type="hidden" name="show" value="demos"; }
            (account_field(context, "account", &value("account"))?)
            @if !shows_demos { (field("pinned", "Pinned", select("pinned", "pinned", &pinned, &value("pinned")))) }
            button.btn type="submit" { "Filter" }
        }
    })
}
