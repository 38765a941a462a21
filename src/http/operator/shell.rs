//! What is the same for everyone: the empty page, its style and its script. No data and no key.

use std::sync::LazyLock;

use rouille::{Response, ResponseBody};

use crate::domain::error::Result;
use crate::domain::sha256::Sha256;
use crate::http::kit::answer;
use crate::http::kit::call::Call;

/// Nothing but this listener's own files; nothing inline, no frame, and HTML only through the script's own policy.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types view";

const PAGE: &str = include_str!("shell.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("app.js");
const ICON: &str = include_str!("icon.svg");

/// A file of the shell, with the tag by which browsers ask whether it has changed.
struct Asset {
    text: &'static str,
    content_type: &'static str,
    tag: String,
}

impl Asset {
    fn new(text: &'static str, content_type: &'static str) -> Self {
        let hash = Sha256::of(text).to_string();
        Self { text, content_type, tag: format!("\"{}\"", &hash[..16]) }
    }

    fn answer(&self, call: &Call<'_>) -> Response {
        let is_known = call.request.header("If-None-Match") == Some(self.tag.as_str());
        let response = if is_known {
            answer::empty(304)
        } else {
            answer::with_body(200, self.content_type, ResponseBody::from_string(self.text))
        };
        let response = answer::header(response, "ETag", self.tag.clone());
        protected(answer::header(response, "Cache-Control", "no-cache"))
    }
}

static STYLE_FILE: LazyLock<Asset> = LazyLock::new(|| Asset::new(STYLE, "text/css; charset=utf-8"));
static SCRIPT_FILE: LazyLock<Asset> = LazyLock::new(|| Asset::new(SCRIPT, "text/javascript; charset=utf-8"));
static ICON_FILE: LazyLock<Asset> = LazyLock::new(|| Asset::new(ICON, "image/svg+xml"));
static PAGE_FILE: LazyLock<Asset> = LazyLock::new(|| Asset::new(PAGE, "text/html; charset=utf-8"));

/// The headers of all of the dashboard's own responses.
pub fn protected(response: Response) -> Response {
    let response = answer::header(response, "Content-Security-Policy", POLICY);
    let response = answer::header(response, "X-Frame-Options", "DENY");
    let response = answer::header(response, "Cross-Origin-Opener-Policy", "same-origin");
    answer::header(response, "Cross-Origin-Resource-Policy", "same-origin")
}

/// `GET /operator/…`: the same empty page at every address; its script fetches the view.
pub fn page(call: &Call<'_>) -> Result<Response> {
    Ok(PAGE_FILE.answer(call))
}

/// `GET /operator/style.css`.
pub fn style(call: &Call<'_>) -> Result<Response> {
    Ok(STYLE_FILE.answer(call))
}

/// `GET /operator/app.js`.
pub fn script(call: &Call<'_>) -> Result<Response> {
    Ok(SCRIPT_FILE.answer(call))
}

/// `GET /operator/icon.svg`.
pub fn icon(call: &Call<'_>) -> Result<Response> {
    Ok(ICON_FILE.answer(call))
}

/// `GET /`: to the first page.
pub fn to_start(_: &Call<'_>) -> Result<Response> {
    Ok(answer::header(answer::empty(303), "Location", "/operator/"))
}
