//! Uploaded demos as their owner sees them.

use serde::{Deserialize, Serialize};

use crate::domain::demo::DemoInfo;
use crate::wire::base::Base;
use crate::wire::time::rfc3339;

/// The response of `POST /api/demos`, `201`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UploadedView {
    /// The value for `demo_url`. The same bytes give the same URL.
    pub demo_url: String,
    /// Lower-case hexadecimal SHA-256 of the upload.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The response of `GET /api/demos/{sha256}`, `202`: the demo is not indexed yet. Afterwards, the response is the
/// output of `inspect --json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UnreadView {
    /// Lower-case hexadecimal SHA-256 of the upload.
    pub sha256: String,
    /// Always `indexing`.
    pub status: String,
}

/// An item of `GET /api/demos`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ListedDemoView {
    /// Lower-case hexadecimal SHA-256 of the upload.
    pub sha256: String,
    /// The value for `demo_url`.
    pub demo_url: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was first uploaded. RFC 3339.
    pub uploaded_at: String,
    /// When a job for it was last submitted, or null. RFC 3339.
    pub last_used_at: Option<String>,
    /// `indexing`, `indexed` or `failed`.
    pub status: String,
    /// The map, once the demo is indexed and if it names one.
    pub map: Option<String>,
    /// Unfinished jobs that need it.
    pub unfinished_jobs: u64,
}

/// The response of `GET /api/demos`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DemoListView {
    /// Newest first.
    pub demos: Vec<ListedDemoView>,
    /// Cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

/// The response of `DELETE /api/demos/{sha256}`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DeletedDemoView {
    /// Lower-case hexadecimal SHA-256 of the deleted demo.
    pub sha256: String,
    /// Always `deleted`.
    pub status: String,
}

/// An uploaded demo as listed.
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
