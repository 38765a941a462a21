//! New accounts.

use maud::{Markup, html};

use crate::app::accounts;
use crate::domain::account::ACCOUNT_NAME_CHARS;
use crate::domain::error::Result;
use crate::http::operator::accounts::{keys, status};
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::Context;
use crate::http::operator::parts::{Dialog, dialog, field, opener};

/// The actions.
pub const ACTIONS: &[Action] =
    &[Action::confirmed("accounts.create", with_keys), Action::new("accounts.create_without_keys", without_keys)];

/// The buttons that open the dialogs.
pub fn openers() -> Markup {
    html! { (opener("create-bare", "New, without keys", "")) (opener("create", "New account", "main")) }
}

/// The dialogs.
pub fn dialogs() -> Markup {
    html! {
        (dialog(&Dialog {
            id: "create",
            title: "New account",
            action: "accounts.create",
            fields: &[],
            body: html! {
                (name_field("create-name"))
                p.hint { "It gets a metered and a reserved key, which are shown once. They are refused until the account is activated." }
            },
            confirm: "Create account and keys",
            asks_code: true,
        }))
        (dialog(&Dialog {
            id: "create-bare",
            title: "New account without keys",
            action: "accounts.create_without_keys",
            fields: &[],
            body: html! {
                (name_field("create-bare-name"))
                p.hint { "Keys can be created later, on the account's page." }
            },
            confirm: "Create account",
            asks_code: false,
        }))
    }
}

/// The field for an account's name.
pub fn name_field(id: &str) -> Markup {
    field(
        id,
        "Name, as it appears on bills",
        html! {
            input id=(id) name="name" required maxlength=(ACCOUNT_NAME_CHARS) autocomplete="off" spellcheck="false";
        },
    )
}

fn with_keys(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (account, new) = accounts::create(context.app, context.operator(), fields.text("name")?, true)?;
    let said = format!("{} has been created.", account.name);
    Ok(Done::shown(said, keys::shown_once(&account, &new, None)).go_to(status::path(&account)))
}

fn without_keys(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let (account, _) = accounts::create(context.app, context.operator(), fields.text("name")?, false)?;
    Ok(Done::said(format!("{} has been created.", account.name)).go_to(status::path(&account)))
}
