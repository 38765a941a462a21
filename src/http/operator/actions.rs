//! `POST /operator/actions/{action}`: a change by the operator. Each page lists the actions that it offers; who may run
//! one, and whether a fresh code confirms it, is checked here.

use maud::Markup;
use rouille::Response;
use serde_json::{Map, Value, json};

use crate::app::operators;
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::operator::OperatorKey;
use crate::http::kit::call::Call;
use crate::http::kit::{answer, body};
use crate::http::operator::context::Context;
use crate::http::operator::{accounts, audit, clips, health, jobs, nodes, shell, storage, usage};

/// A change that a page offers.
pub struct Action {
    /// Its name in the address: `jobs.cancel`.
    pub name: &'static str,
    /// Whether a fresh code confirms it, in the field `code`: for keys shown once, and money.
    pub asks_code: bool,
    /// What it does.
    pub run: fn(&Context<'_>, &Fields) -> Result<Done>,
}

impl Action {
    /// One that needs no fresh code.
    pub const fn new(name: &'static str, run: fn(&Context<'_>, &Fields) -> Result<Done>) -> Self {
        Self { name, asks_code: false, run }
    }

    /// One that a fresh code confirms.
    pub const fn confirmed(name: &'static str, run: fn(&Context<'_>, &Fields) -> Result<Done>) -> Self {
        Self { name, asks_code: true, run }
    }
}

/// The fields of the form that asked for a change.
pub use crate::http::kit::body::Fields;

/// What a change did.
#[derive(Default)]
pub struct Done {
    /// A sentence for the operator.
    pub message: String,
    /// What is shown until it is closed: a new key, for example.
    pub show: Option<Markup>,
    /// The page to go to.
    pub go_to: Option<String>,
    /// The action that takes it back, and its fields.
    pub undo: Option<(&'static str, Vec<(&'static str, String)>)>,
}

impl Done {
    /// Only a sentence.
    pub fn said(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Something to show until it is closed.
    pub fn shown(message: impl Into<String>, show: Markup) -> Self {
        Self { message: message.into(), show: Some(show), ..Self::default() }
    }

    /// Then go to another page.
    pub fn go_to(self, path: impl Into<String>) -> Self {
        Self { go_to: Some(path.into()), ..self }
    }

    /// The action that takes it back.
    pub fn undone_by(self, action: &'static str, fields: Vec<(&'static str, String)>) -> Self {
        Self { undo: Some((action, fields)), ..self }
    }
}

const ACTIONS: &[&[Action]] = &[
    jobs::ACTIONS,
    nodes::ACTIONS,
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
        let message = "You signed in to look only. For changes, ask for a link without --read-only.";
        return Err(Error::new(Kind::Forbidden, ErrorCode::NotAllowed, message));
    }
    let fields = body::fields(call)?;
    if action.asks_code {
        // A whole link may be pasted.
        let code = fields.text("code")?.trim();
        operators::confirm(call.app, code.rsplit_once("code=").map_or(code, |(_, code)| code))?;
    }
    let done = (action.run)(&Context::new(call, key), &fields)?;
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
