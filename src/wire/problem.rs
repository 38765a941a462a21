//! The body of error responses.

use serde::{Deserialize, Serialize};

/// The body of every response with status 400 and above. The contract's 401 and 403 have only `error`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Problem {
    /// One sentence for a person.
    pub error: String,
    /// Stable `snake_case` code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Dotted path of the invalid field, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Only for internal errors: the id to quote to the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Only with `wrong_offset`: how many bytes of the upload the server has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// Every error `code` with its status and meaning. `docs/errors.md` is generated from it, and tests check every error
/// response against it.
pub const CODES: &[(&str, u16, &str)] = &[
    ("bad_request", 400, "The request is not valid HTTP/1.1."),
    ("body_broke_off", 400, "The upload ended early; send it again, or continue at the server's offset."),
    ("body_incomplete", 400, "The body ended early."),
    ("demo_too_large", 400, "The job's uploaded demo is too large once decompressed."),
    ("demo_unreadable", 400, "The job's uploaded demo cannot be read."),
    ("demo_unsupported", 400, "The job's uploaded demo is of another game or of a mode without rounds."),
    ("empty_body", 400, "The uploaded demo is empty."),
    ("invalid_field", 400, "A field, parameter or header is invalid; `field` names it."),
    ("invalid_json", 400, "The body is not one JSON object in UTF-8."),
    ("player_not_in_demo", 400, "The player does not play in the job's uploaded demo."),
    ("protocol_unsupported", 400, "The node's version is too old or too new for the server."),
    ("round_not_in_demo", 400, "The job's uploaded demo has no such completed round."),
    (
        "video_mismatch",
        400,
        "A node's video does not match its hash, or not the job; in the second case the node is benched.",
    ),
    ("video_missing", 400, "A node completed a lease without uploading a video."),
    (
        "address_not_allowed",
        403,
        "Metrics are for the server's own machine and networks allowed with `--metrics-allow`.",
    ),
    ("join_token_refused", 403, "The join token is used, expired or unknown: create a new one."),
    ("not_found", 404, "It does not exist, or belongs to another account."),
    ("method_not_allowed", 405, "The route does not support this method; `Allow` lists those it supports."),
    ("body_too_slow", 408, "The body arrived too slowly."),
    ("request_timeout", 408, "The request arrived too slowly."),
    ("cancelled", 409, "The lease's job was cancelled: the node stops working on it."),
    ("completing", 409, "The lease's video is being checked and published: the node retries."),
    ("demo_in_use", 409, "Unfinished jobs need the demo: wait for them, or cancel them."),
    ("lost", 409, "The lease has ended, or belongs to another node: the node stops working on the job."),
    ("no_clip", 409, "The job has no clip: it is not done, or its clip was deleted."),
    ("superseded", 409, "A newer request has taken over this upload."),
    ("wrong_offset", 409, "The upload continues at another offset: `offset`."),
    ("length_required", 411, "An upload needs `Content-Length` or chunked encoding."),
    ("body_too_large", 413, "The body is over its limit."),
    ("quota_reached", 413, "The demo exceeds the account's quota; `RateLimit` says what is left."),
    ("too_large", 413, "The upload is over its limit."),
    ("uri_too_long", 414, "The address is over its limit."),
    ("not_a_jpeg", 415, "A poster is a JPEG."),
    (
        "unsupported_media_type",
        415,
        "The body must be `application/json`; a demo's bytes are sent as they are, not as a form.",
    ),
    ("range_not_satisfiable", 416, "The range lies outside the file."),
    ("expectation_failed", 417, "The only expectation that is supported is `100-continue`."),
    ("demo_too_large", 422, "The demo is too large once decompressed."),
    ("demo_unreadable", 422, "The file is not a demo, or cannot be read; uploading a stored demo again retries it."),
    ("demo_unsupported", 422, "The demo is of another game or of a mode without rounds."),
    ("idempotency_key_reused", 422, "The `Idempotency-Key` was used with a different body: use a new one."),
    ("too_many_queued", 429, "The account has reached its limit of queued jobs: submit more when some are done."),
    ("too_many_uploads", 429, "The account has reached its limit of concurrent uploads: wait for one to end."),
    ("request_header_fields_too_large", 431, "The headers are over their limit."),
    ("internal", 500, "Internal error; give `request_id` to the operator."),
    ("not_implemented", 501, "This method or transfer coding is not supported."),
    ("not_ready", 503, "The server accepts no work: its disk is full, or its store cannot be written."),
    ("service_unavailable", 503, "Too many concurrent requests; retry later."),
    ("stopping", 503, "The server is shutting down; retry later."),
    ("store_busy", 503, "The store is busy; retry later."),
    ("store_damaged", 503, "The store has a damaged page: stop the server and restore the last backup."),
    ("too_busy", 503, "Too many concurrent claims, uploads or video checks; retry later."),
    ("http_version_not_supported", 505, "Only HTTP/1.1 is supported."),
    ("no_space", 507, "Free disk space is down to the reserve: no new work is accepted."),
];
