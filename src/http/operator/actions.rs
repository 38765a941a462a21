//! Changes that pages offer: each page lists its own, and `changes` runs them.

use maud::Markup;

use crate::domain::error::Result;
use crate::http::operator::context::Context;

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
