//! Messages between nodes and the server (`api.md`, "For nodes"). The server parses them in
//! [`crate::wire::node_requests`].

use serde::{Deserialize, Serialize};

use crate::domain::epoch::LeaseName;
use crate::wire::job::{CommandsView, JobView};

/// The header with the node's protocol version ([`crate::domain::protocol`]). Sent with every request, so that a server
/// can check it before parsing the body; servers that do not know the header ignore it.
pub const PROTOCOL_HEADER: &str = "Dinkem-Protocol";
/// The header with the node's program version, for people.
pub const VERSION_HEADER: &str = "Dinkem-Version";

/// The header with an agent's instance id, generated when it starts, so that the server notices when two agents share
/// one key. Servers that do not know the header ignore it.
pub const INSTANCE_HEADER: &str = "Dinkem-Instance";

/// `POST /api/node/join`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// Single use, valid for an hour.
    pub join_token: String,
    /// The requested name; a number is appended if it is taken.
    pub name: String,
}

/// The response, `201`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct JoinAnswer {
    /// UUID.
    pub node_id: String,
    /// The node's own key: a UUID, sent as Bearer.
    pub node_key: String,
    /// The node's name on the server: the requested one, with a number appended if it was taken. Empty from older
    /// servers, which do not send it.
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
    /// How many leases the node can hold in total.
    pub slots: u32,
    /// Picture heights that the node renders. Absent from nodes of older versions, which render all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolutions: Option<Vec<u32>>,
    /// The node's game, if it is set up for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub game: Option<GameView>,
}

/// The game on a node.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct GameView {
    /// Its build, such as 14152 for 1.41.5.2, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<u32>,
    /// Names and versions of the tools that drive it.
    pub tools: String,
    /// The result of the last try after an update.
    pub canary: String,
    /// Why it takes no jobs at the moment, as a sentence; absent if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_ready: Option<String>,
}

/// The response, `200`; `204` if there is no job.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ClaimAnswer {
    /// The lease.
    #[serde(with = "crate::wire::lease")]
    pub lease: LeaseName,
    /// Milliseconds until the lease expires without a heartbeat.
    pub expires_in_ms: u64,
    /// Milliseconds between two heartbeats of the lease. Absent from servers of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_ms: Option<u64>,
    /// The job.
    pub job: JobView,
    /// What to render.
    pub render: RenderOrder,
    /// The demo, if it was uploaded to the server: fetch it under the lease, never from its URL.
    pub uploaded_demo: Option<UploadedDemo>,
    /// Rules for fetching the demo.
    pub fetch_policy: FetchPolicy,
    /// How to upload the video past the server (*ours*). Absent if it is uploaded to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadOrder>,
    /// PEM of the only CA certificates to trust at addresses in the server's bucket (*ours*). Absent: the platform's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_ca: Option<String>,
}

/// How to upload a video past the server: in parts, whose addresses `POST …/parts` gives.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UploadOrder {
    /// Bytes of each part but the last.
    pub part_bytes: u64,
}

/// `POST …/parts` (*ours*).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PartsRequest {
    /// The upload's id, to get new addresses for it; absent to begin one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Lower-case hexadecimal SHA-256 of each part, in order.
    pub parts_sha256: Vec<String>,
}

/// The response. Not printable: whoever has an address may upload.
#[derive(Clone, Deserialize, Serialize)]
pub struct PartsAnswer {
    /// The upload's id.
    pub upload: String,
    /// For each part, the address for a PUT with the header `x-amz-checksum-sha256`.
    pub addresses: Vec<String>,
}

/// The parts of a video that was uploaded past the server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UploadView {
    /// The upload's id.
    pub id: String,
    /// The ETag of each part, in order.
    pub etags: Vec<String>,
    /// Lower-case hexadecimal SHA-256 of each part, in order.
    pub parts_sha256: Vec<String>,
}

/// A demo stored on the server.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UploadedDemo {
    /// Lower-case hexadecimal SHA-256.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What to render.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RenderOrder {
    /// SteamID64: 17 digits.
    pub steam64_id: String,
    /// The round's number.
    pub round: u32,
    /// Frames per second.
    pub fps: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Console overrides.
    pub commands: CommandsView,
    /// What the built-in renderer shows of the map: `follow` or `map`. Absent from servers of older versions.
    #[serde(default)]
    pub camera: Option<String>,
}

/// What a node may fetch: sent by the server, so that the rule is configured in one place.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct FetchPolicy {
    /// CIDRs that are allowed although they are blocked by default.
    pub allow: Vec<String>,
    /// Maximum bytes of the demo as downloaded.
    pub max_bytes: u64,
    /// Timeout in seconds for the whole download.
    pub max_seconds: u64,
    /// Maximum bytes of the decompressed demo.
    pub max_unpacked_bytes: u64,
}

/// `PUT /api/node/leases/{lease}`. Not printable: a frame is for the operator's eyes only.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatRequest {
    /// `fetching`, `parsing`, `rendering`, `uploading`.
    pub stage: String,
    /// 0 to 1 over the whole job.
    pub progress: f64,
    /// The newest live frame, a JPEG in base64 ([`crate::domain::frame`]). Only if the last answer said `watched`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<String>,
}

/// The response.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct HeartbeatAnswer {
    /// Milliseconds until the lease expires without another heartbeat.
    pub expires_in_ms: u64,
    /// Whether somebody watches, so that live frames are welcome. Absent if not, and from servers of older versions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub watched: bool,
    /// Milliseconds until the next heartbeat is due: fewer while somebody watches the job. Absent from servers of older
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_ms: Option<u64>,
}

/// `PUT …/video?offset=N` and `…/poster`: the file's length on the server.
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
    /// Whether the renderer proved that the video shows the player's own view. Only for the game.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pov_verified: Option<bool>,
    /// The tail of the renderer's output, for the operator. Only for the game.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// The video's parts, if it was uploaded past the server (*ours*).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadView>,
}

/// `POST …/fail`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FailRequest {
    /// The code of a [`crate::domain::failure::FailureCode`].
    pub code: String,
    /// One sentence for a person.
    pub message: String,
    /// Where to retry: `elsewhere`, `anywhere` or `never`.
    pub retry: String,
    /// The tail of the renderer's output, for the operator (*ours*).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// The build of the game that recorded the demo, if the node's game does not play it (*ours*).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo_build: Option<u32>,
}
