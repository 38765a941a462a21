//! Demos uploaded by clients instead of being fetched from a URL.

use std::io::{Cursor, Read};

use rouille::Response;

use crate::app::demos::owner::After;
use crate::app::demos::{self, owner};
use crate::domain::demo::{DEMO_BYTES, Indexing};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::error_code::ErrorCode;
use crate::domain::failure::FailureCode;
use crate::domain::job::Caller;
use crate::domain::sha256::Sha256;
use crate::http::kit::call::Call;
use crate::http::kit::quota_headers::QuotaHeaders;
use crate::http::kit::{answer, body};
use crate::render::demo::kind;
use crate::wire;
use crate::wire::demo::{DeletedDemoView, DemoListView, UnreadView, UploadedView};

/// `Retry-After` in seconds for a client that waits for a demo's index.
const INDEX_RETRY_AFTER_SECONDS: u64 = 1;

/// `POST /api/demos`: the raw bytes. The file type is checked from the first bytes, so that anything else is rejected
/// without reading or storing the rest.
pub fn upload(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let form = form_of(call)?;
    let mut body = body::upload(call, DEMO_BYTES)?;
    let stated = body.stated();
    let mut head = Vec::new();
    if let Err(error) = body.by_ref().take(kind::HEAD_BYTES as u64).read_to_end(&mut head) {
        return Err(body.blame(Error::internal("The demo could not be received.", error)));
    }
    // `receive_sized` reports an empty body with a specific error.
    if let Some(why) = kind::why_not_a_demo(&head).filter(|_| !head.is_empty()) {
        return Err(match form {
            Form::UrlEncoded => no_form(call),
            Form::Raw => Error::of_failure(
                Kind::Unprocessable,
                FailureCode::DemoUnreadable,
                format!("This file {why}. Nothing was stored."),
            ),
        });
    }
    let outcome = match demos::receive_sized(call.app, caller, &mut Cursor::new(head).chain(&mut body), stated) {
        Ok(stored) => {
            let sha256 = stored.sha256.to_string();
            let demo_url = call.base.url(&format!("/api/demos/{sha256}"));
            answer::json(201, &UploadedView { demo_url, sha256, bytes: stored.bytes })
        }
        Err(error) => Err(body.blame(error)),
    };
    QuotaHeaders::DemoBytes.on(outcome, demos::allowance(call.app, caller)?)
}

/// `GET /api/demos?limit=&cursor=`: the account's uploads, newest first.
pub fn list(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    call.only_query(&["limit", "cursor"])?;
    let limit = call.limit()?;
    let after = call.query("cursor").map(|cursor| read_cursor(&cursor)).transpose()?;
    let page = owner::list(call.app, caller, limit, after)?;
    let demos = page.demos.iter().map(|info| wire::demo::listed(info, &call.base)).collect();
    answer::json(200, &DemoListView { demos, next_cursor: page.next.map(cursor) })
}

/// `DELETE /api/demos/{sha256}`: also frees its share of the quota.
pub fn remove(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let sha256 = Sha256::parse_any_case(call.parameter()).ok_or_else(owner::unknown)?;
    owner::delete(call.app, caller, sha256)?;
    let answer = answer::json(200, &DeletedDemoView { sha256: sha256.to_string(), status: "deleted".into() });
    QuotaHeaders::DemoBytes.on(answer, demos::allowance(call.app, caller)?)
}

/// A cursor is the upload time and hash of the last demo on the page.
fn cursor((uploaded_at_ms, sha256): After) -> String {
    format!("{uploaded_at_ms:016x}{sha256}")
}

fn read_cursor(text: &str) -> Result<After> {
    let wrong = || Error::invalid("cursor", "cursor must be a next_cursor returned by this server.");
    let (time, sha256) = text.split_at_checked(16).ok_or_else(wrong)?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !time.bytes().all(is_hex) {
        return Err(wrong());
    }
    let time = i64::from_str_radix(time, 16).map_err(|_| wrong())?;
    Ok((time, Sha256::parse(sha256).ok_or_else(wrong)?))
}

/// How the body is encoded, according to its `Content-Type`.
enum Form {
    Raw,
    /// curl's default for `--data-binary`, so the type alone proves nothing: the first bytes decide.
    UrlEncoded,
}

/// Rejects multipart bodies: the multipart framing would be stored as part of the demo.
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
    Error::new(Kind::UnsupportedMedia, ErrorCode::UnsupportedMediaType, message)
}

/// `GET /api/demos/{sha256}`: the demo's index; `202` until it has been indexed, `422` if it cannot be read.
pub fn show(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let unknown = owner::unknown;
    let sha256 = Sha256::parse_any_case(call.parameter()).ok_or_else(unknown)?;
    match demos::known(call.app, caller, &sha256)?.ok_or_else(unknown)? {
        Indexing::Waiting => {
            let answer = answer::json(202, &UnreadView { sha256: sha256.to_string(), status: "indexing".into() })?;
            Ok(answer::header(answer, "Retry-After", INDEX_RETRY_AFTER_SECONDS.to_string()))
        }
        Indexing::Indexed(content) => Ok(answer::with_json(200, content)),
        Indexing::Failed { code, message } => Err(Error::of_failure(Kind::Unprocessable, code, message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cursors_of_this_server_are_accepted() {
        let after = (1_795_392_000_000, Sha256([0xab; 32]));
        assert_eq!(read_cursor(&cursor(after)).unwrap(), after);
        let good = cursor(after);
        for text in
            ["", "1", &good[1..], &good.to_uppercase(), &format!("{good}0"), &good.replace('0', "é"), &"f".repeat(80)]
        {
            assert_eq!(read_cursor(text).unwrap_err().field.as_deref(), Some("cursor"), "{text:?}");
        }
    }
}
