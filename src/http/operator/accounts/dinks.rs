//! An account's dinks: reserved render nodes, billed by the month's highest number.

use maud::{Markup, html};

use crate::app::accounts::dinks::{self, ACCOUNT_DINKS, Dinks};
use crate::app::accounts::{self, Summary};
use crate::domain::account::Account;
use crate::domain::error::{Error, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::wording::counted;
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::Context;
use crate::http::operator::parts::{Dialog, card, changes, dialog, field, nothing, number, opener};

/// Changes that are listed.
const HISTORY: u32 = 10;

/// The actions.
pub const ACTIONS: &[Action] = &[Action::confirmed("dinks.set", set), Action::confirmed("dinks.undo", undo)];

/// The part of an account's page.
pub fn part(context: &Context<'_>, summary: &Summary) -> Result<Markup> {
    let account = &summary.account;
    let dinks = dinks::show_one(context.app, account, HISTORY)?;
    let last = dinks.history.iter().find(|change| change.undone_at_ms.is_none());
    let buttons = changes(
        context,
        html! {
            @if last.is_some() { (opener("undo-dinks", "Undo the last change…", "")) }
            (opener("set-dinks", "Set…", ""))
        },
    );
    let body = html! {
        dl.facts {
            dt { "In use" } dd { (summary.dinks_in_use) " of " (account.dinks) }
            dt { "Sold to all" } dd {
                (counted(dinks.sold, "dink")) ", " (counted(dinks.live_slots, "live render slot"))
                @if dinks.sold > dinks.live_slots { br; span.warn { "More are sold than there are slots: reserved jobs have to wait." } }
            }
        }
        @if dinks.history.is_empty() { (nothing("This account has never had dinks.")) } @else { (history(context, &dinks)) }
    };
    Ok(html! {
        (card("c5", "dinks", "Dinks", &buttons, &body))
        (changes(context, html! {
            (set_dialog(account, &dinks))
            @if let Some(last) = last {
                (dialog(&Dialog {
                    id: "undo-dinks",
                    title: "Undo the last change",
                    action: "dinks.undo",
                    fields: &[("account", &account.public_id.to_string())],
                    body: html! { p { "Undoes the change to " (counted(last.dinks, "dink")) " (" (context.when(last.at_ms)) "): the previous number applies again, and the change is not billed." } },
                    confirm: "Undo the change",
                    asks_code: true,
                }))
            }
        }))
    })
}

fn history(context: &Context<'_>, dinks: &Dinks) -> Markup {
    html! {
        table {
            thead { tr { th { "Since" } th.r { "Dinks" } th { span.vh { "State" } } } }
            tbody {
                @for change in &dinks.history {
                    tr data-key=(format!("dinks-{}-{}", change.at_ms, change.dinks)) {
                        td { (context.clock(change.at_ms)) }
                        td.r { (number(change.dinks.into())) }
                        td.dim { @if let Some(at_ms) = change.undone_at_ms { "undone " (context.when(at_ms)) } }
                    }
                }
            }
        }
    }
}

fn set_dialog(account: &Account, dinks: &Dinks) -> Markup {
    dialog(&Dialog {
        id: "set-dinks",
        title: &format!("Dinks of {}", account.name),
        action: "dinks.set",
        fields: &[("account", &account.public_id.to_string())],
        body: html! {
            (field("dinks-number", "Dinks from now on", html! {
                input #dinks-number type="number" name="dinks" min="0" max=(ACCOUNT_DINKS) value=(account.dinks) required;
            }))
            p.hint { "A month is billed for the most dinks held in it. There are " (counted(dinks.live_slots, "live render slot")) " and " (counted(dinks.sold, "dink")) " sold." }
            label { input type="checkbox" name="yes" value="yes"; " Set them even if they are more than ten times the live render slots" }
        },
        confirm: "Set dinks",
        asks_code: true,
    })
}

fn set(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let name = fields.text("account")?;
    let number = fields.text("dinks")?.parse();
    let number: u32 = number.map_err(|_| Error::invalid("dinks", "The number of dinks must be a whole number."))?;
    let account = accounts::show(context.app, name)?.account;
    let live_slots = dinks::show_one(context.app, &account, 1)?.live_slots;
    if number > account.dinks && dinks::are_unlikely(number, live_slots) && fields.optional("yes").is_none() {
        let message = format!(
            "{} for {name}, but only {}. If that is intended, check the box, and confirm with another code.",
            counted(number, "dink"),
            counted(live_slots, "live render slot")
        );
        return Err(Error::conflict(ErrorCode::NotConfirmed, message));
    }
    dinks::set(context.app, context.operator(), name, number)?;
    Ok(Done::said(format!("{name} has {} from now on.", counted(number, "dink"))))
}

fn undo(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let undone = dinks::undo(context.app, context.operator(), fields.text("account")?)?;
    let mut said = format!(
        "{} has {}: the change to {} is no longer billed.",
        undone.account.name,
        counted(undone.account.dinks, "dink"),
        undone.dinks
    );
    if undone.changes_ended_months {
        said += " It was made in a month that has ended: statements made since then are out of date.";
    }
    Ok(Done::said(said))
}
