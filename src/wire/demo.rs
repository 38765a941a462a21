//! Uploaded demos as their owner sees them.

use serde::{Deserialize, Serialize};

/// The answer of `POST /api/demos`, `201`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UploadedView {
    /// What to send as `demo_url`. The same bytes give the same URL.
    pub demo_url: String,
    /// Lower-case hexadecimal SHA-256 of what was uploaded.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// The answer of `GET /api/demos/{sha256}`, `202`: the demo has not been read yet. Once it has, the answer is what
/// `inspect --json` says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UnreadView {
    /// Lower-case hexadecimal SHA-256 of what was uploaded.
    pub sha256: String,
    /// `indexing`.
    pub status: String,
}
