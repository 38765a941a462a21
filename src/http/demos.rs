//! Demos that clients upload instead of naming an address.

use std::io::{Cursor, Read};

use rouille::Response;

use super::answer;
use super::call::Call;
use super::quota::Told;
use crate::app::demos;
use crate::domain::demo::{Indexing, parse_sha256};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::failure::FailureCode;
use crate::domain::job::Caller;
use crate::domain::limits;
use crate::render::demo::kind;
use crate::wire::demo::{UnreadView, UploadedView};
use crate::wire::problem::hex;

/// `POST /api/demos`: the raw bytes. What they are is seen from the first of them: of what cannot be a demo nothing more
/// is read, and nothing is kept.
pub fn upload(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let form = form_of(call)?;
    let mut body = call.upload(limits::DEMO_BYTES)?;
    let mut head = Vec::new();
    if let Err(error) = body.by_ref().take(kind::HEAD_BYTES as u64).read_to_end(&mut head) {
        return Err(body.blame(Error::internal("The demo could not be received.", error)));
    }
    // A body without a byte has an answer of its own.
    if let Some(why) = kind::why_no_demo(&head).filter(|_| !head.is_empty()) {
        return Err(match form {
            Form::UrlEncoded => no_form(call),
            Form::Raw => Error::new(
                Kind::Unprocessable,
                FailureCode::DemoUnreadable.as_str(),
                format!("This file {why}. Nothing was kept."),
            ),
        });
    }
    let outcome = match demos::receive(call.app, caller, &mut Cursor::new(head).chain(&mut body)) {
        Ok(stored) => {
            let sha256 = hex(&stored.sha256);
            let demo_url = call.base.url(&format!("/api/demos/{sha256}"));
            answer::json(201, &UploadedView { demo_url, sha256, bytes: stored.bytes })
        }
        Err(error) => Err(body.blame(error)),
    };
    Told::DemoBytes.on(outcome, demos::allowance(call.app, caller)?)
}

/// How the body is wrapped, as its type says.
enum Form {
    /// Not at all.
    Raw,
    /// As a form, which is what curl says of `--data-binary` too where nobody says otherwise: the bytes decide.
    UrlEncoded,
}

/// Refuses multipart bodies: the demo in them is wrapped in something that would be stored with it.
fn form_of(call: &Call<'_>) -> Result<Form> {
    let mut form = Form::Raw;
    for value in call.all_headers("Content-Type") {
        let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media.starts_with("multipart/") {
            return Err(no_form(call));
        }
        if media == "application/x-www-form-urlencoded" {
            form = Form::UrlEncoded;
        }
    }
    Ok(form)
}

fn no_form(call: &Call<'_>) -> Error {
    let message = format!(
        "Send the demo's bytes as they are, not as a form: curl --data-binary @match.dem \
         -H \"Content-Type: application/octet-stream\" -H \"Authorization: Bearer KEY\" {url} (or, without loading the file \
         into memory: curl -X POST -T match.dem -H \"Authorization: Bearer KEY\" {url}).",
        url = call.base.url("/api/demos")
    );
    Error::new(Kind::UnsupportedMedia, "unsupported_media_type", message)
}

/// `GET /api/demos/{sha256}`: what is in a demo; `202` until it has been read, `422` when it cannot be.
pub fn show(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let unknown = || Error::not_found("There is no such demo.");
    let sha256 = parse_sha256(call.parameter()).ok_or_else(unknown)?;
    match demos::known(call.app, caller, &sha256)?.ok_or_else(unknown)? {
        Indexing::Waiting => {
            let answer = answer::json(202, &UnreadView { sha256: hex(&sha256), status: "indexing".into() })?;
            Ok(answer::header(answer, "Retry-After", limits::INDEX_RETRY_AFTER_SECONDS.to_string()))
        }
        Indexing::Indexed(content) => Ok(answer::with_json(200, content)),
        Indexing::Failed { code, message } => Err(Error::new(Kind::Unprocessable, code.as_str(), message)),
    }
}
