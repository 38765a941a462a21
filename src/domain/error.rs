//! The one error type: a kind (each transport maps it to a status), a message for people, and a detail for the log.

use std::fmt;

use super::error_code::ErrorCode;
use super::failure::FailureCode;

/// Result with the product's error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of failure. `http/` maps it to a status in one `match`, `cli/` to an exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller's input is invalid; `field` names the part.
    Invalid,
    /// No key, a malformed one, an unknown one, or an account that is not active.
    Unauthorized,
    /// The key is valid but lacks the permission.
    Forbidden,
    /// It does not exist or belongs to another account: the response is the same.
    NotFound,
    /// The route exists, but not with this method.
    MethodNotAllowed,
    /// The current state does not allow the operation (a lost lease, a wrong offset).
    Conflict,
    /// An upload without a length.
    LengthRequired,
    /// A body over its limit.
    TooLarge,
    /// A body of the wrong type.
    UnsupportedMedia,
    /// Well-formed, but inconsistent with existing data: an idempotency key reused with another body, a demo that
    /// cannot be read.
    Unprocessable,
    /// The request is meant for another host.
    Misdirected,
    /// A range outside the file.
    RangeNotSatisfiable,
    /// The body came too slowly.
    TooSlow,
    /// Rate limit or quota reached: retry later.
    TooMany,
    /// Shutting down or overloaded: retry later.
    Unavailable,
    /// The disk reserve has been reached.
    NoSpace,
    /// Internal error. Clients never see the message.
    Internal,
}

/// An error with a message for people and a detail for the log.
#[derive(Clone, Debug)]
pub struct Error {
    /// The kind of failure.
    pub kind: Kind,
    /// What went wrong, as a stable name.
    pub code: ErrorCode,
    /// Message for people: what failed, why, what to do. Never contains a secret.
    pub message: String,
    /// Dotted path of the invalid field, if any.
    pub field: Option<String>,
    /// The underlying cause, for the log only.
    pub detail: Option<String>,
}

impl Error {
    /// Creates an error from a kind, a code and a message.
    pub fn new(kind: Kind, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), field: None, detail: None }
    }

    /// Creates an error for a job failure.
    pub fn of_failure(kind: Kind, failure: FailureCode, message: impl Into<String>) -> Self {
        Self::new(kind, ErrorCode::Failure(failure), message)
    }

    /// Creates an error for invalid input in `field` (dotted path).
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(Kind::Invalid, ErrorCode::InvalidField, message) }
    }

    /// Creates an error for something that does not exist or that the caller may not see.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, ErrorCode::NotFound, message)
    }

    /// Creates an error for an operation that the current state does not allow.
    pub fn conflict(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    /// Creates an internal error: `message` says what failed, `detail` why.
    pub fn internal(message: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self::new(Kind::Internal, ErrorCode::Internal, message).because(detail)
    }

    /// Adds a cause for the log.
    #[must_use]
    pub fn because(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }
}

/// The message, followed by the cause if there is one: for logs and the command line.
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
