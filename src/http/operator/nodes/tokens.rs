//! Join tokens on the page Nodes: the usual one at once, one for a farm on terms, and those that are valid.

use maud::{Markup, html};

use crate::app::nodes::tokens;
use crate::domain::error::{Error, Result};
use crate::domain::join_token::{JOIN_TOKEN_USES, JoinToken, NAME_PREFIX_CHARS, Terms};
use crate::http::operator::actions::{Action, Done, Fields};
use crate::http::operator::context::Context;
use crate::http::operator::parts::{Dialog, action_button, card, changes, copyable, dialog, field, number, opener};
use crate::wire::amounts;
use crate::wire::join_token::JoinTicket;

/// The page's actions about tokens.
pub const ACTIONS: &[Action] = &[Action::new("nodes.token", create), Action::new("nodes.revoke_token", revoke)];

/// Tokens that are shown: the newest.
const SHOWN: usize = 50;

/// The button that makes a token for one node.
pub fn add_one(context: &Context<'_>) -> Markup {
    changes(context, action_button("nodes.token", &[], "Add a node", "main"))
}

/// The buttons that make a token, for a page with [`valid`].
pub fn add(context: &Context<'_>) -> Markup {
    html! { (changes(context, opener("farm-token", "Add a farm…", ""))) (add_one(context)) }
}

/// The dialog of [`add`], and the valid tokens if there are any.
pub fn valid(context: &Context<'_>) -> Result<Markup> {
    let all = tokens::list(context.app)?;
    Ok(html! {
        (changes(context, farm()))
        @if !all.is_empty() { (card("full", "tokens", "Join tokens", &html! {}, &table(context, &all))) }
    })
}

fn farm() -> Markup {
    dialog(&Dialog {
        id: "farm-token",
        title: "Add a farm",
        action: "nodes.token",
        fields: &[],
        body: html! {
            (field("token-uses", "Machines that may join", html! {
                input #token-uses type="number" name="uses" min="1" max=(JOIN_TOKEN_USES) value="100" required;
            }))
            (field("token-for", "Valid for", html! {
                input #token-for name="for" value="30d" required autocomplete="off" aria-describedby="token-for-how";
            }))
            p.hint #token-for-how { "Such as 12h or 30d." }
            (field("token-prefix", "Their names begin with", html! {
                input #token-prefix name="name_prefix" maxlength=(NAME_PREFIX_CHARS) autocomplete="off" spellcheck="false";
            }))
            label { input type="checkbox" name="ephemeral" value="yes" checked; " Forget them 10 minutes after they are gone" }
            p.hint { "A machine that comes back with the same token and name takes over its node and uses up nothing." }
        },
        confirm: "Create join token",
        asks_code: false,
    })
}

fn table(context: &Context<'_>, all: &[JoinToken]) -> Markup {
    html! {
        table.stack {
            thead { tr { th { "Token" } th.r { "Used" } th { "Names" } th { "Ephemeral" } th.r { "Created" } th.r { "Expires" } th {} } }
            tbody {
                @for token in all.iter().take(SHOWN) {
                    tr data-key=(token.id) {
                        td { (token.id) }
                        td.r data-l="used" { (number(token.used.into())) " of " (number(token.uses.into())) }
                        td data-l="names" { @if token.name_prefix.is_empty() { "any" } @else { (token.name_prefix) "…" } }
                        td data-l="ephemeral" { (if token.ephemeral { "yes" } else { "no" }) }
                        td.r data-l="created" { (context.when(token.created_at_ms)) }
                        td.r data-l="expires" { (context.when(token.expires_at_ms)) }
                        td.r { (changes(context, action_button("nodes.revoke_token", &[("id", &token.id.to_string())], "Revoke", ""))) }
                    }
                }
            }
        }
        @if all.len() > SHOWN { p.dim { "These are the newest. All: " code { "admin nodes token --list" } "." } }
    }
}

fn create(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let terms = terms(fields)?;
    let within = fields.optional("for").unwrap_or("an hour").to_owned();
    let (token, secret) = tokens::create(context.app, context.operator(), terms)?;
    let ticket = JoinTicket {
        server: Some(context.call.base.url("")),
        ca: context.call.authority_pem.map(str::to_owned),
        secret: secret.reveal().to_owned(),
    };
    let line = ticket.command()?;
    Ok(Done::shown(
        "Join token created.",
        html! {
            div.stack {
                h2 id="result-title" { "Add a node" }
                p { "Run this on the render node. The token works " (token.how_often()) ", within " (within) ", and is not shown again." }
                (copyable("join-line", "the command", &line))
                p.hint { "The node must be able to reach " (context.call.base.url("")) "." }
                div.buttons { button.btn.main type="button" data-closes { "Close" } }
            }
        },
    ))
}

/// The terms in a form; what is left out is as usual.
fn terms(fields: &Fields) -> Result<Terms> {
    let usual = Terms::default();
    let uses = fields
        .optional("uses")
        .map(|text| text.parse().map_err(|_| Error::invalid("uses", "The number of machines must be a whole number.")));
    let seconds = fields.optional("for").map(|text| {
        let time = amounts::duration(text).map(|time| time.as_secs());
        time.ok_or_else(|| Error::invalid("for", "The time must be a number followed by s, m, h or d, such as 30d."))
    });
    Ok(Terms {
        uses: uses.transpose()?.unwrap_or(usual.uses),
        seconds: seconds.transpose()?.unwrap_or(usual.seconds),
        name_prefix: fields.optional("name_prefix").unwrap_or_default().to_owned(),
        ephemeral: fields.optional("ephemeral").is_some(),
    })
}

fn revoke(context: &Context<'_>, fields: &Fields) -> Result<Done> {
    let unknown = || Error::invalid("id", "The number of the token is missing.");
    let id = fields.text("id")?.parse().map_err(|_| unknown())?;
    tokens::revoke(context.app, context.operator(), id)?;
    Ok(Done::said(format!("Join token {id} has been revoked. The nodes that joined with it stay.")))
}
