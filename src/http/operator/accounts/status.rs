//! An account's status and name.

use maud::{Markup, html};

use crate::app::accounts;
use crate::domain::account::{ACCOUNT_NAME_CHARS, Account, AccountStatus};
use crate::domain::error::Result;
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::{Context, Tab};
use crate::http::operator::parts::{Dialog, action_button, dialog, field, opener};

/// The actions.
pub const ACTIONS: &[Action] = &[
    Action::new("accounts.activate", activate),
    Action::new("accounts.deactivate", deactivate),
    Action::new("accounts.rename", rename),
];

/// An account's page.
pub fn path(account: &Account) -> String {
    format!("{}/{}", Tab::Accounts.path(), account.public_id)
}

/// A status, as a word in its color.
pub fn word(status: AccountStatus) -> Markup {
    let (class, word) = match status {
        AccountStatus::Active => ("ok", "active"),
        AccountStatus::Inactive => ("warn", "waiting to be activated"),
        AccountStatus::Deactivated => ("dim", "deactivated"),
    };
    html! { span.(class) { (word) } }
}

/// The button that activates an account.
pub fn activate_button(account: &Account) -> Markup {
    action_button("accounts.activate", &[("account", &account.public_id.to_string())], "Activate", "main")
}

/// The buttons of an account's page.
pub fn buttons(account: &Account) -> Markup {
    html! {
        (opener("rename", "Rename…", ""))
        @if account.status == AccountStatus::Active { (opener("deactivate", "Deactivate…", "danger")) }
        @else { (activate_button(account)) }
    }
}

/// The dialogs that the buttons open.
pub fn dialogs(account: &Account) -> Markup {
    let name = account.name.as_str();
    html! {
        (dialog(&Dialog {
            id: "rename",
            title: &format!("Rename {name}"),
            action: "accounts.rename",
            fields: &[("account", &account.public_id.to_string())],
            body: html! {
                (field("new-name", "New name", html! {
                    input #new-name name="name" value=(name) required maxlength=(ACCOUNT_NAME_CHARS) autocomplete="off" spellcheck="false";
                }))
                p.hint { "It keeps its keys, jobs, clips and bills. Bills made from now on show the new name." }
            },
            confirm: "Rename",
            asks_code: false,
        }))
        (dialog(&Dialog {
            id: "deactivate",
            title: &format!("Deactivate {name}?"),
            action: "accounts.deactivate",
            fields: &[("account", &account.public_id.to_string())],
            body: html! {
                p { "Its next request is refused, with every key. Its queued jobs stay in the queue but are not rendered; jobs that are being rendered finish. Its clips, demos and bills are kept." }
            },
            confirm: "Deactivate",
            asks_code: false,
        }))
    }
}

fn activate(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let name = fields.text("account")?;
    accounts::activate(context.app, context.operator(), Some(name))?;
    let said = Done::said(format!("{name} is active: its keys are accepted from now on."));
    Ok(said.undone_by("accounts.deactivate", vec![("account", name.to_owned())]))
}

fn deactivate(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let name = fields.text("account")?;
    accounts::deactivate(context.app, context.operator(), name)?;
    let said = Done::said(format!("{name} has been deactivated: its next request is refused."));
    Ok(said.undone_by("accounts.activate", vec![("account", name.to_owned())]))
}

fn rename(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (name, new_name) = (fields.text("account")?, fields.text("name")?);
    accounts::rename(context.app, context.operator(), name, new_name)?;
    if name == new_name {
        return Ok(Done::said("The name stays as it is."));
    }
    let back = vec![("account", new_name.to_owned()), ("name", name.to_owned())];
    Ok(Done::said(format!("{name} is now called {new_name}.")).undone_by("accounts.rename", back))
}
