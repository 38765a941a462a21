//! What nodes and the server say to each other (`api.md`, "For nodes"). The server reads with [`crate::wire::node_requests`].

use serde::{Deserialize, Serialize};

use crate::wire::job::{CommandsView, JobView};

/// The header by which a node says which version of the protocol it speaks ([`crate::domain::protocol`]). In every request,
/// so that a server knows before it reads on; a server that does not know it passes it over.
pub const PROTOCOL_HEADER: &str = "Dinkem-Protocol";
/// The header by which it says its program's version, for people.
pub const VERSION_HEADER: &str = "Dinkem-Version";

/// The header by which an agent says which one it is: an id that it draws when it starts, so that its server notices when
/// two of them use one key. A server that does not know it passes it over.
pub const INSTANCE_HEADER: &str = "Dinkem-Instance";

/// `POST /api/node/join`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// Works once, for an hour.
    pub join_token: String,
    /// The node's name; a name that is taken gets a number behind it.
    pub name: String,
}

/// Its answer, `201`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JoinAnswer {
    /// UUID.
    pub node_id: String,
    /// The node's own key: a UUID, sent as Bearer.
    pub node_key: String,
    /// What the server calls the node: the name that it asked for, with a number behind it where that was taken. Empty: an
    /// older server does not say.
    #[serde(default)]
    pub name: String,
}

/// `POST /api/node/claims`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// 0 to 25.
    pub wait_seconds: u64,
    /// `builtin`, `game`.
    pub renderers: Vec<String>,
    /// How many leases the node can hold in all.
    pub slots: u32,
}

/// Its answer, `200`; `204` when there was nothing to do.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ClaimAnswer {
    /// The lease's number.
    pub lease: i64,
    /// Milliseconds until the lease is void without a heartbeat.
    pub expires_in_ms: u64,
    /// The job.
    pub job: JobView,
    /// What to render.
    pub render: RenderOrder,
    /// Where the demo is, when it was uploaded to the server: fetch it under the lease, never by its address.
    pub uploaded_demo: Option<UploadedDemo>,
    /// What may be fetched.
    pub fetch_policy: FetchPolicy,
}

/// A demo that lies on the server.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UploadedDemo {
    /// Lower-case hexadecimal SHA-256.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// What to render.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RenderOrder {
    /// 17 digits.
    pub steam64_id: String,
    /// The N-th round.
    pub round: u32,
    /// Frames a second.
    pub fps: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Console overrides.
    pub commands: CommandsView,
}

/// What a node may fetch: the server's settings, so that the rule is set in one place.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FetchPolicy {
    /// CIDRs that are allowed although the rule refuses them.
    pub allow: Vec<String>,
    /// Bytes of the demo as fetched.
    pub max_bytes: u64,
    /// Seconds for the whole fetch.
    pub max_seconds: u64,
    /// Bytes of the demo unpacked.
    pub max_unpacked_bytes: u64,
}

/// `PUT /api/node/leases/{lease}`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatRequest {
    /// `fetching`, `parsing`, `rendering`, `uploading`.
    pub stage: String,
    /// 0 to 1 over the whole job.
    pub progress: f64,
}

/// Its answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct HeartbeatAnswer {
    /// Milliseconds until the lease is void without another.
    pub expires_in_ms: u64,
}

/// `PUT …/video?offset=N` and `…/poster`: the length now on the server.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UploadAnswer {
    /// Bytes received so far.
    pub bytes: u64,
}

/// `POST …/complete`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CompleteRequest {
    /// Lower-case hexadecimal SHA-256 of the video.
    pub video_sha256: String,
}

/// `POST …/fail`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FailRequest {
    /// A word of [`crate::domain::failure::FailureCode`].
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// `elsewhere`, `anywhere` or `never`.
    pub retry: String,
    /// The end of what the renderer said, for the operator (*ours*).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}
