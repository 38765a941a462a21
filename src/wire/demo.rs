//! Uploaded demos as their owner sees them.

use serde::{Deserialize, Serialize};

use crate::domain::demo::DemoInfo;
use crate::wire::base::Base;
use crate::wire::time::rfc3339;

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

/// One of `GET /api/demos`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ListedDemoView {
    /// Lower-case hexadecimal SHA-256 of what was uploaded.
    pub sha256: String,
    /// What to send as `demo_url`.
    pub demo_url: String,
    /// Its length.
    pub bytes: u64,
    /// When it was first uploaded. RFC 3339.
    pub uploaded_at: String,
    /// When a job for it was last submitted; null: never. RFC 3339.
    pub last_used_at: Option<String>,
    /// `indexing`, `indexed` or `failed`.
    pub status: String,
    /// The map, once it has been indexed and where the demo says.
    pub map: Option<String>,
    /// Jobs that need it and have not ended.
    pub unfinished_jobs: u64,
}

/// The answer of `GET /api/demos`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DemoListView {
    /// Newest first.
    pub demos: Vec<ListedDemoView>,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// The answer of `DELETE /api/demos/{sha256}`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DeletedDemoView {
    /// Lower-case hexadecimal SHA-256 of what was deleted.
    pub sha256: String,
    /// `deleted`.
    pub status: String,
}

/// An uploaded demo as lists show it.
pub fn listed(info: &DemoInfo, base: &Base) -> ListedDemoView {
    let demo = &info.demo;
    let sha256 = demo.sha256.to_string();
    ListedDemoView {
        demo_url: base.url(&format!("/api/demos/{sha256}")),
        sha256,
        bytes: demo.bytes,
        uploaded_at: rfc3339(demo.uploaded_at_ms),
        last_used_at: demo.used_at_ms.map(rfc3339),
        status: if demo.state == "waiting" { "indexing".into() } else { demo.state.clone() },
        map: demo.map.clone(),
        unfinished_jobs: info.unfinished_jobs,
    }
}
