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
    ("bad_request", 400, "The request is not proper HTTP/1.1."),
    ("body_broke_off", 400, "The upload broke off before its end; send it again, or go on where the server stands."),
    ("body_incomplete", 400, "The body broke off before its end."),
    ("demo_too_large", 400, "The uploaded demo that the job names is too large once unpacked."),
    ("demo_unreadable", 400, "The uploaded demo that the job names cannot be read."),
    ("demo_unsupported", 400, "The uploaded demo that the job names is of another game or of a mode without rounds."),
    ("empty_body", 400, "A demo was uploaded without a byte in it."),
    ("invalid_field", 400, "A field, parameter or header is not as it must be; `field` names it."),
    ("invalid_json", 400, "The body is not one JSON object in UTF-8."),
    ("player_not_in_demo", 400, "The player does not play in the uploaded demo that the job names."),
    ("protocol_unsupported", 400, "The node's program is too old or too new for the server."),
    ("round_not_in_demo", 400, "The uploaded demo that the job names has no such completed round."),
    (
        "video_mismatch",
        400,
        "A node's video is not what it said, or not what was ordered; in the second case the node is benched.",
    ),
    ("video_missing", 400, "A node says it is done and has uploaded nothing."),
    ("address_not_allowed", 403, "Metrics are for the server's own machine and the networks that its operator names."),
    ("join_token_refused", 403, "The join token is used, expired or unknown: take a new one."),
    ("not_found", 404, "There is no such thing, or it is somebody else's."),
    ("method_not_allowed", 405, "The route does not take this method; `Allow` names those it takes."),
    ("body_too_slow", 408, "The body came too slowly."),
    ("request_timeout", 408, "The request came too slowly."),
    ("cancelled", 409, "The job of this lease was cancelled: the node stops."),
    ("completing", 409, "The lease's video is being checked and published: the node asks again."),
    ("demo_in_use", 409, "Jobs that have not ended need the demo: wait for them, or cancel them."),
    ("lost", 409, "The lease is over, or never was this node's: the node stops."),
    ("no_clip", 409, "The job has no clip: it is not done, or its clip was deleted."),
    ("superseded", 409, "A newer request goes on with this upload."),
    ("wrong_offset", 409, "The upload goes on elsewhere: at `offset`."),
    ("length_required", 411, "An upload says how long it is, or comes in chunks."),
    ("body_too_large", 413, "The body is over its limit."),
    ("quota_reached", 413, "The demo does not fit into what the account may keep; `RateLimit` tells what is left."),
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
    ("demo_too_large", 422, "The demo is too large once unpacked."),
    (
        "demo_unreadable",
        422,
        "The file is not a demo, or the demo cannot be read; one that was kept is tried again when it is uploaded again.",
    ),
    ("demo_unsupported", 422, "The demo is of another game or of a mode without rounds."),
    ("idempotency_key_reused", 422, "The `Idempotency-Key` came with another body before: take a new one."),
    ("too_many_queued", 429, "The account has reached its limit of queued jobs: submit more when some are done."),
    ("too_many_uploads", 429, "The account has reached its limit of concurrent uploads: wait for one to end."),
    ("request_header_fields_too_large", 431, "The headers are over their limit."),
    ("internal", 500, "The server failed; quote `request_id` to its operator."),
    ("not_implemented", 501, "This method or transfer coding is not supported."),
    ("not_ready", 503, "The server takes no work just now: its disk is full, or its store cannot be written to."),
    ("service_unavailable", 503, "Too many requests at once; come again."),
    ("stopping", 503, "The server is stopping; come again."),
    ("store_busy", 503, "The store is busy; come again."),
    ("store_damaged", 503, "The store has a damaged page: stop the server and restore the last backup."),
    ("too_busy", 503, "Too many waiting claims, uploads or videos to check at once; come again."),
    ("http_version_not_supported", 505, "Only HTTP/1.1 is supported."),
    ("no_space", 507, "The disk is down to its reserve: no new work is taken."),
];
