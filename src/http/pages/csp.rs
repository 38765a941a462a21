//! Parts of a page's `Content-Security-Policy`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::sha256::Sha256;

/// The source expression, without quotes, that allows exactly this inline script or style.
pub fn hash(inline: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::of(inline).0))
}
