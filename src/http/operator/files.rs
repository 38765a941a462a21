//! `GET /operator/files/{name}`: files to save, such as usage as CSV.

use rouille::{Response, ResponseBody};

use crate::domain::error::{Error, Result};
use crate::domain::operator::OperatorKey;
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::http::operator::context::Context;
use crate::http::operator::{shell, usage};

/// A file by its name. The shell's script saves it under that name.
pub fn show(call: &Call<'_>, key: &OperatorKey) -> Result<Response> {
    let context = Context::new(call, key);
    let (content_type, text) = match call.parameter() {
        "usage.csv" => ("text/csv; charset=utf-8", usage::csv(&context)?),
        _ => return Err(Error::not_found("There is no such file.")),
    };
    Ok(shell::protected(answer::with_body(200, content_type, ResponseBody::from_string(text))))
}
