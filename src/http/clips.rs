//! Public clip URLs: video, poster and player page. No API key is required: the token in the URL grants access.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rouille::{Response, ResponseBody};

use crate::app::clips::files::Content;
use crate::app::clips::{self, ClipFile};
use crate::domain::clip::ClipToken;
use crate::domain::error::{Error, Result};
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::http::kit::files::{self, Served};
use crate::http::pages::player;

/// Characters that need no encoding in the `filename*` of a header.
const NAME_CHARS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// `GET|HEAD /clips/{token}.mp4`.
pub fn video(call: &Call<'_>) -> Result<Response> {
    send_video(call, true)
}

/// The same for the dashboard, whose pages load nothing from elsewhere.
pub fn passed_video(call: &Call<'_>) -> Result<Response> {
    send_video(call, false)
}

fn send_video(call: &Call<'_>, may_redirect: bool) -> Result<Response> {
    let token = token(call)?;
    let clip = clips::open_video(call.app, &token)?;
    send(call, &token, clip, ("video/mp4", ".mp4"), may_redirect)
}

/// `GET|HEAD /clips/{token}.jpg`.
pub fn poster(call: &Call<'_>) -> Result<Response> {
    send_poster(call, true)
}

/// The same for the dashboard.
pub fn passed_poster(call: &Call<'_>) -> Result<Response> {
    send_poster(call, false)
}

fn send_poster(call: &Call<'_>, may_redirect: bool) -> Result<Response> {
    let token = token(call)?;
    let clip = clips::open_poster(call.app, &token)?;
    send(call, &token, clip, ("image/jpeg", ".jpg"), may_redirect)
}

/// `GET|HEAD /embed/{token}`: the player page.
pub fn embed(call: &Call<'_>) -> Result<Response> {
    let about = clips::about(call.app, &token(call)?)?;
    let page = player::page(&about, &call.base)?;
    let response = answer::with_body(200, "text/html; charset=utf-8", ResponseBody::from_string(page));
    Ok(answer::header(
        response,
        "Content-Security-Policy",
        player::policy(call.embed_allow, call.app.foreign_origin().as_deref()),
    ))
}

fn token(call: &Call<'_>) -> Result<ClipToken> {
    ClipToken::parse(call.parameter()).ok_or_else(|| Error::not_found("There is no clip at this address."))
}

fn send(
    call: &Call<'_>,
    token: &ClipToken,
    clip: ClipFile,
    (content_type, ending): (&'static str, &str),
    may_redirect: bool,
) -> Result<Response> {
    let disposition = match call.query("download").as_deref() {
        Some("1") => Some(attachment(&(clips::file_name(call.app, token)? + ending))),
        _ => None,
    };
    if may_redirect
        && let Content::Object(object) = &clip.content
        && let Some(address) = object.address(call.request.method(), content_type, disposition.as_deref())?
    {
        return Ok(answer::elsewhere(address));
    }
    let served = Served { content: clip.content, bytes: clip.bytes, etag: clip.etag, content_type };
    let response = files::send(call.request, served)?;
    Ok(match disposition {
        Some(disposition) => answer::header(response, "Content-Disposition", disposition),
        None => response,
    })
}

/// A `Content-Disposition` header. Only letters, digits and a few safe characters of the file name are kept; those that
/// are not ASCII are in `filename*` (RFC 6266).
fn attachment(file_name: &str) -> String {
    let is_safe = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name = file_name.replace(|c| !is_safe(c), "_");
    let ascii = name.replace(|c: char| !c.is_ascii(), "_");
    let plain = format!("attachment; filename=\"{ascii}\"");
    if ascii == name {
        return plain;
    }
    format!("{plain}; filename*=UTF-8''{}", utf8_percent_encode(&name, NAME_CHARS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_name_is_sanitized() {
        let cases = [
            ("clip-0192.mp4", "attachment; filename=\"clip-0192.mp4\""),
            ("a\"; x=\"b\r\nc/.mp4", "attachment; filename=\"a___x__b__c_.mp4\""),
            ("evil\u{202e}4pm.exe", "attachment; filename=\"evil_4pm.exe\""),
            (
                "Мария К-de_nuke.mp4",
                "attachment; filename=\"_______-de_nuke.mp4\"; \
                 filename*=UTF-8''%D0%9C%D0%B0%D1%80%D0%B8%D1%8F_%D0%9A-de_nuke.mp4",
            ),
        ];
        for (name, expected) in cases {
            assert_eq!(attachment(name), expected);
        }
    }
}
