//! `POST /operator/actions/{action}`: a change by the operator. Who may make it, and whether a fresh code confirms it, is
//! checked here.

use maud::Markup;
use rouille::Response;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::app::accounts as app_accounts;
use crate::app::operators::Confirmation;
use crate::app::{operators, overview};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::operator::OperatorKey;
use crate::http::kit::call::Call;
use crate::http::kit::{answer, body};
use crate::http::operator::actions::{Action, Fields};
use crate::http::operator::context::Context;
use crate::http::operator::{accounts, audit, clips, health, jobs, nodes, shell, storage, usage};

const ACTIONS: &[&[Action]] = &[
    jobs::ACTIONS,
    nodes::ACTIONS,
    nodes::tokens::ACTIONS,
    accounts::create::ACTIONS,
    accounts::status::ACTIONS,
    accounts::keys::ACTIONS,
    accounts::dinks::ACTIONS,
    accounts::webhook::ACTIONS,
    accounts::one::ACTIONS,
    usage::prices::ACTIONS,
    clips::ACTIONS,
    storage::ACTIONS,
    health::ACTIONS,
    audit::ACTIONS,
];

/// Runs an action.
pub fn run(call: &Call<'_>, key: &OperatorKey) -> Result<Response> {
    let action = ACTIONS.iter().copied().flatten().find(|action| action.name == call.parameter());
    let action = action.ok_or_else(|| Error::not_found("There is no such action."))?;
    if key.read_only {
        let message = "You are signed in read-only. To make changes, sign in with a link made without --read-only.";
        return Err(Error::new(Kind::Forbidden, ErrorCode::NotAllowed, message));
    }
    let fields = with_account(call, body::fields(call)?)?;
    let confirmation = action.asks_code.then(|| confirm(call, &fields)).transpose()?;
    let done = (action.run)(&Context::new(call, key), &fields).or_else(|error| {
        // The same code works once the field is corrected.
        confirmation.map_or(Ok(()), |used| operators::give_back(call.app, used)).and(Err(error))
    })?;
    overview::forget(call.app);
    let undo = done.undo.map(|(action, fields)| {
        let fields: Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        json!({ "action": action, "fields": fields })
    });
    let content = json!({
        "message": done.message,
        "show": done.show.map(Markup::into_string),
        "go_to": done.go_to,
        "undo": undo,
    });
    Ok(shell::protected(answer::json(200, &content)?))
}

/// Uses up the fresh code in the field `code`. A whole link may be pasted.
fn confirm(call: &Call<'_>, fields: &Fields) -> Result<Confirmation> {
    let code = fields.text("code")?.trim();
    operators::confirm(call.app, code.rsplit_once("code=").map_or(code, |(_, code)| code))
}

/// Pages name an account by its id, because it may have been renamed since they were shown; use cases by its name.
fn with_account(call: &Call<'_>, mut fields: Fields) -> Result<Fields> {
    if let Some(id) = fields.optional("account").and_then(|text| Uuid::try_parse(text).ok()) {
        let account = app_accounts::overview::by_public_id(call.app, id)?;
        fields.set("account", account.name);
    }
    Ok(fields)
}
