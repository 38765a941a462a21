//! Public clip URLs: video, poster and player page. No API key is required: the token in the URL grants access.

use rouille::{Response, ResponseBody};

use crate::app::clips::{self, ClipFile};
use crate::domain::clip::ClipToken;
use crate::domain::error::{Error, Result};
use crate::http::kit::answer;
use crate::http::kit::call::Call;
use crate::http::kit::files::{self, Served};

/// Any site may embed the player page (no `frame-ancestors`); the page loads nothing but its own clip.
const EMBED_POLICY: &str = "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'; \
     base-uri 'none'; form-action 'none'";

/// `GET|HEAD /clips/{token}.mp4`.
pub fn video(call: &Call<'_>) -> Result<Response> {
    send(call, clips::open_video(call.app, &token(call)?)?, "video/mp4")
}

/// `GET|HEAD /clips/{token}.jpg`.
pub fn poster(call: &Call<'_>) -> Result<Response> {
    send(call, clips::open_poster(call.app, &token(call)?)?, "image/jpeg")
}

/// `GET|HEAD /embed/{token}`: a page with only the video.
pub fn embed(call: &Call<'_>) -> Result<Response> {
    let token = token(call)?;
    clips::open_video(call.app, &token)?;
    // Relative URLs work behind any proxy. The token is 32 hexadecimal digits and needs no escaping.
    let clip = format!("../clips/{}", token.reveal());
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Clip</title>\n\
         <style>html,body{{margin:0;height:100%;background:#000}}\
         video{{display:block;width:100%;height:100%;object-fit:contain}}</style>\n</head>\n<body>\n\
         <video controls playsinline preload=\"metadata\" poster=\"{clip}.jpg\" src=\"{clip}.mp4\"></video>\n\
         </body>\n</html>\n"
    );
    let response = answer::with_body(200, "text/html; charset=utf-8", ResponseBody::from_string(page));
    Ok(answer::header(response, "Content-Security-Policy", EMBED_POLICY))
}

fn token(call: &Call<'_>) -> Result<ClipToken> {
    ClipToken::parse(call.parameter()).ok_or_else(|| Error::not_found("There is no clip at this address."))
}

fn send(call: &Call<'_>, clip: ClipFile, content_type: &'static str) -> Result<Response> {
    let served = Served { file: clip.file, bytes: clip.bytes, etag: clip.etag, content_type };
    let response = files::send(call.request, served)?;
    Ok(match call.query("download").as_deref() {
        Some("1") => answer::header(response, "Content-Disposition", attachment(&clip.file_name)),
        _ => response,
    })
}

/// A `Content-Disposition` header whose file name contains only characters that need no escaping.
fn attachment(file_name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let name: String = file_name.chars().map(plain).collect();
    format!("attachment; filename=\"{name}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_name_is_sanitized() {
        let cases = [
            ("clip-0192.mp4", "attachment; filename=\"clip-0192.mp4\""),
            ("a\"; x=\"b\r\nc/é.mp4", "attachment; filename=\"a___x__b__c__.mp4\""),
        ];
        for (name, expected) in cases {
            assert_eq!(attachment(name), expected);
        }
    }
}
