//! The body of error responses.

use serde::{Deserialize, Serialize};

/// The body of every response with status 400 and above. The contract's 401 and 403 have only `error`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Problem {
    /// One sentence for a person.
    pub error: String,
    /// Stable `snake_case` code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Dotted path of the invalid field, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Only for internal errors: the id to quote to the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Only with `wrong_offset`: how many bytes of the upload the server has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}
