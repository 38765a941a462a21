//! The page at `/`. Anyone may read it, so it holds no data, no names and no version.

use std::sync::LazyLock;

use crate::domain::error::{Error, Result};
use crate::http::pages::csp::hash;
use crate::http::pages::template::{Slot, fill};

const PAGE: &str = include_str!("home.html");
const STYLE: &str = include_str!("home.css");
const AUTHORITY: &str = include_str!("home-authority.html");
const NO_AUTHORITY: &str = include_str!("home-no-authority.html");

/// The page's `Content-Security-Policy`: only its own style and its icon.
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE)
    )
});

/// The page as HTML. `not_ready`: why the server accepts no work; `has_authority`: whether it has a CA of its own.
/// All links are relative, so that they work behind any proxy.
pub fn page(not_ready: Option<&Error>, has_authority: bool) -> Result<String> {
    let (class, state, why) = match not_ready {
        None => ("ok", "Accepting work", "The server is running and accepts jobs."),
        Some(error) => ("bad", "Not accepting work", error.message.as_str()),
    };
    fill(
        PAGE,
        &[
            ("class", Slot::Text(class)),
            ("state", Slot::Text(state)),
            ("why", Slot::Text(why)),
            ("certificate", Slot::Markup(if has_authority { AUTHORITY } else { NO_AUTHORITY })),
            ("style", Slot::Markup(STYLE)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_does_not_end_its_element() {
        assert!(!STYLE.contains("</"));
    }
}
