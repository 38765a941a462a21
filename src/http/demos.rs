//! Demos that clients upload instead of naming an address.

use rouille::Response;

use super::answer;
use super::body::Upload;
use super::call::Call;
use super::quota::Told;
use crate::app::demos::{self, StoredDemo};
use crate::domain::demo::{Indexing, parse_sha256};
use crate::domain::error::{Error, Kind, Result};
use crate::domain::job::Caller;
use crate::domain::limits;
use crate::wire::demo::{UnreadView, UploadedView};
use crate::wire::problem::hex;

/// `POST /api/demos`: the raw bytes, whatever their type.
pub fn upload(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let mut body = call.upload(limits::DEMO_BYTES)?;
    let outcome = match receive(call, caller, &mut body) {
        Ok(stored) => {
            let sha256 = hex(&stored.sha256);
            let demo_url = call.base.url(&format!("/api/demos/{sha256}"));
            answer::json(201, &UploadedView { demo_url, sha256, bytes: stored.bytes })
        }
        Err(error) => Err(body.blame(error)),
    };
    Told::DemoBytes.on(outcome, demos::allowance(call.app, caller)?)
}

fn receive(call: &Call<'_>, caller: &Caller, body: &mut Upload<'_>) -> Result<StoredDemo> {
    let stated = body.stated();
    demos::receive_sized(call.app, caller, body, stated)
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
