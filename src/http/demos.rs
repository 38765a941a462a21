//! Demos that clients upload instead of naming an address.

use rouille::Response;

use super::answer;
use super::call::Call;
use super::quota::Told;
use crate::app::demos;
use crate::domain::error::Result;
use crate::domain::job::Caller;
use crate::domain::limits;
use crate::wire::demo::UploadedView;
use crate::wire::problem::hex;

/// `POST /api/demos`: the raw bytes, whatever their type.
pub fn upload(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let mut body = call.upload(limits::DEMO_BYTES)?;
    let outcome = match demos::receive(call.app, caller, &mut body) {
        Ok(stored) => {
            let sha256 = hex(&stored.sha256);
            let demo_url = call.base.url(&format!("/api/demos/{sha256}"));
            answer::json(201, &UploadedView { demo_url, sha256, bytes: stored.bytes })
        }
        Err(error) => Err(body.blame(error)),
    };
    Told::DemoBytes.on(outcome, demos::allowance(call.app, caller)?)
}
