//! The one error type: a kind (what a transport makes of it), a message for a person, an internal detail for the log.

use std::fmt;

use super::failure::FailureCode;

/// The product's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is. `http/` turns it into a status in one `match`, `cli/` into an exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller's input breaks a rule; `field` says which.
    Invalid,
    /// No key, a malformed one, an unknown one, or an account that is not active.
    Unauthorized,
    /// The key is good and the thing asked is not allowed to it.
    Forbidden,
    /// No such thing, or it is somebody else's: the answer is the same.
    NotFound,
    /// The route exists, its method does not.
    MethodNotAllowed,
    /// The state of the thing does not allow it (a lost lease, a wrong offset).
    Conflict,
    /// An upload that does not say how long it is.
    LengthRequired,
    /// A body over its limit.
    TooLarge,
    /// A body of the wrong type.
    UnsupportedMedia,
    /// Well-formed, and at odds with what is there already: a key used again for another body, a demo that cannot be
    /// read.
    Unprocessable,
    /// A range that lies outside the file.
    RangeNotSatisfiable,
    /// The body came too slowly.
    TooSlow,
    /// Too much at once, or a quota reached: try again later.
    TooMany,
    /// Stopping or out of room: try again later.
    Unavailable,
    /// The disk's reserve is reached.
    NoSpace,
    /// Our fault. The message is never shown to a client.
    Internal,
}

/// An error that knows what to tell a person and what to tell the log.
#[derive(Clone, Debug)]
pub struct Error {
    /// What sort of failure it is.
    pub kind: Kind,
    /// Stable `snake_case` name, part of the API.
    pub code: &'static str,
    /// One sentence for a person: what failed, why, what to do. Never holds a secret.
    pub message: String,
    /// The failure of a job that this is, where it is one; `code` is its word then.
    pub failure: Option<FailureCode>,
    /// Dotted path of the field to blame, where one is.
    pub field: Option<String>,
    /// For the log only: the cause as the machine saw it.
    pub detail: Option<String>,
}

impl Error {
    /// An error of a kind, with its code and its sentence.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), failure: None, field: None, detail: None }
    }

    /// The failure of a job.
    pub fn of_failure(kind: Kind, failure: FailureCode, message: impl Into<String>) -> Self {
        Self { failure: Some(failure), ..Self::new(kind, failure.as_str(), message) }
    }

    /// Bad input: `field` (dotted) is to blame.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(Kind::Invalid, "invalid_field", message) }
    }

    /// No such thing that the caller may see.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, "not_found", message)
    }

    /// The state of the thing does not allow what was asked.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    /// Our own failure: `message` says what could not be done, `detail` why.
    pub fn internal(message: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self::new(Kind::Internal, "internal", message).because(detail)
    }

    /// Adds the cause for the log.
    #[must_use]
    pub fn because(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }
}

/// The sentence, and the cause behind it where there is one: for logs and the command line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
