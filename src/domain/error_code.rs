//! Error codes: one table with each code's name, HTTP status and meaning. `docs/errors.md` is generated from it, and
//! tests check every error response and the OpenAPI document against it.

use super::failure::FailureCode;

/// One row per code: the variant, its name, and its meaning; for those of responses also the HTTP status.
macro_rules! error_codes {
    (
        responses { $($variant:ident $name:literal $status:literal $meaning:literal;)* }
        local { $($local:ident $local_name:literal $local_meaning:literal;)* }
    ) => {
        /// What went wrong, as a stable name. Those of responses are part of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            /// A demo or a video that fails a job.
            Failure(FailureCode),
            $(#[doc = $meaning] $variant,)*
            $(#[doc = $local_meaning] $local,)*
        }

        impl ErrorCode {
            /// The stable `snake_case` name.
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::Failure(failure) => failure.as_str(),
                    $(Self::$variant => $name,)*
                    $(Self::$local => $local_name,)*
                }
            }
        }

        /// Responses with codes other than failures.
        const RESPONSES: &[ErrorResponse] = &[$(ErrorResponse { code: ErrorCode::$variant, status: $status, meaning: $meaning },)*];
    };
}

/// A row of the table of error responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The code in the response's body.
    pub code: ErrorCode,
    /// The response's HTTP status.
    pub status: u16,
    /// What it means, and what the client should do.
    pub meaning: &'static str,
}

/// Every error response of the API, sorted by status and name.
pub fn error_responses() -> Vec<ErrorResponse> {
    let failures = FAILURES.iter().map(|(failure, status, meaning)| ErrorResponse {
        code: ErrorCode::Failure(*failure),
        status: *status,
        meaning,
    });
    let mut responses: Vec<_> = RESPONSES.iter().copied().chain(failures).collect();
    responses.sort_by_key(|row| (row.status, row.code.as_str()));
    responses
}

/// Failures of uploaded demos that responses report: 400 to a request about one of their rounds, 422 to one about the
/// demo itself.
const FAILURES: &[(FailureCode, u16, &str)] = &[
    (FailureCode::DemoTooLarge, 400, "The job's uploaded demo is too large once decompressed."),
    (FailureCode::DemoUnreadable, 400, "The job's uploaded demo cannot be read."),
    (FailureCode::DemoUnsupported, 400, "The job's uploaded demo is from another game or a mode without rounds."),
    (FailureCode::PlayerNotInDemo, 400, "The player does not play in the job's uploaded demo."),
    (FailureCode::RoundNotInDemo, 400, "The job's uploaded demo has no such completed round."),
    (FailureCode::DemoTooLarge, 422, "The demo is too large once decompressed."),
    (
        FailureCode::DemoUnreadable,
        422,
        "The file is not a demo, or cannot be read; uploading a stored demo again retries it.",
    ),
    (FailureCode::DemoUnsupported, 422, "The demo is from another game or a mode without rounds."),
];

error_codes! {
    responses {
        BadRequest "bad_request" 400 "The request is not valid HTTP/1.1.";
        BodyIncomplete "body_incomplete" 400 "The body ended early; send it again, or continue an upload at the server's offset.";
        EmptyBody "empty_body" 400 "The uploaded demo is empty.";
        InvalidField "invalid_field" 400 "A field, parameter or header is invalid; `field` names it.";
        InvalidJson "invalid_json" 400 "The body is not one JSON object in UTF-8.";
        ProtocolUnsupported "protocol_unsupported" 400 "The node's version is too old or too new for the server.";
        VideoMismatch "video_mismatch" 400 "A node's video does not match its hash or its job; in the latter case the node is benched.";
        VideoMissing "video_missing" 400 "A node completed a lease without uploading a video.";
        AddressNotAllowed "address_not_allowed" 403 "Metrics are only available from the server's own machine and networks allowed with `--metrics-allow`, or with the metrics token.";
        JoinTokenRefused "join_token_refused" 403 "The join token is used, expired or unknown: create a new one.";
        LostInFailover "lost_in_failover" 404 "The job was lost when a standby or a backup took over: submit it again. It is not billed.";
        NotFound "not_found" 404 "The resource does not exist, or belongs to another account.";
        MethodNotAllowed "method_not_allowed" 405 "The route does not support this method; `Allow` lists those it supports.";
        BodyTooSlow "body_too_slow" 408 "The body arrived too slowly.";
        RequestTimeout "request_timeout" 408 "The request arrived too slowly.";
        Cancelled "cancelled" 409 "The lease's job was cancelled: the node stops working on it.";
        Completing "completing" 409 "The lease's video is being checked and published: the node retries.";
        DemoInUse "demo_in_use" 409 "Unfinished jobs need the demo: wait for them, or cancel them.";
        Lost "lost" 409 "The lease has ended, or belongs to another node: the node stops working on the job.";
        NoClip "no_clip" 409 "The job has no clip: it is not done, or its clip was deleted.";
        Superseded "superseded" 409 "A newer request has taken over this upload.";
        WebhookDisabled "webhook_disabled" 409 "The webhook is disabled: set it again with `PUT /api/webhook`.";
        WrongOffset "wrong_offset" 409 "The offset is wrong: continue the upload at `offset`.";
        LengthRequired "length_required" 411 "An upload needs `Content-Length` or chunked encoding.";
        BodyTooLarge "body_too_large" 413 "The body exceeds its size limit.";
        QuotaReached "quota_reached" 413 "The demo exceeds the account's quota; `RateLimit` says what is left.";
        TooLarge "too_large" 413 "The upload exceeds its size limit.";
        UriTooLong "uri_too_long" 414 "The URL is too long.";
        NotAJpeg "not_a_jpeg" 415 "The poster must be a JPEG.";
        UnsupportedMediaType "unsupported_media_type" 415 "The body must be `application/json`; a demo must be sent as raw bytes, not as a form.";
        RangeNotSatisfiable "range_not_satisfiable" 416 "The range lies outside the file.";
        ExpectationFailed "expectation_failed" 417 "Only the expectation `100-continue` is supported.";
        IdempotencyKeyReused "idempotency_key_reused" 422 "The `Idempotency-Key` was used with a different body: use a new one.";
        TooManyQueued "too_many_queued" 429 "The account has reached its limit of queued jobs: submit more when some are done.";
        TooManyTests "too_many_tests" 429 "The account has too many pending tests of its webhook: its deliveries show why they fail.";
        TooManyUploads "too_many_uploads" 429 "The account has reached its limit of concurrent uploads: wait for one to end.";
        RequestHeaderFieldsTooLarge "request_header_fields_too_large" 431 "The request headers are too large or too many.";
        Internal "internal" 500 "Internal error; give `request_id` to the operator.";
        NotImplemented "not_implemented" 501 "This method or transfer coding is not supported.";
        NotLeader "not_leader" 503 "Another server leads, or may lead: this one writes nothing.";
        NotReady "not_ready" 503 "The server does not accept work: its disk is full, or its store cannot be written.";
        ServiceUnavailable "service_unavailable" 503 "Too many concurrent requests; retry later.";
        Stopping "stopping" 503 "The server is shutting down; retry later.";
        StorageUnavailable "storage_unavailable" 503 "The bucket with the clips does not answer; retry later.";
        StoreBusy "store_busy" 503 "The store is busy; retry later.";
        StoreDamaged "store_damaged" 503 "The store has a damaged page: stop the server and restore the last backup.";
        TooBusy "too_busy" 503 "Too many concurrent claims, uploads or video checks; retry later.";
        HttpVersionNotSupported "http_version_not_supported" 505 "Only HTTP/1.1 is supported.";
        NoSpace "no_space" 507 "Free disk space is down to the reserve: no new work is accepted.";
    }
    local {
        AddressRefused "address_refused" "The address of an outgoing request is not allowed.";
        AmbiguousId "ambiguous_id" "Several ids match the short id.";
        AmbiguousPlayer "ambiguous_player" "Several players of a demo have the name.";
        AmbiguousSha256 "ambiguous_sha256" "Several demos match the beginning of a SHA-256.";
        BackupDamaged "backup_damaged" "The backup file is damaged or incomplete.";
        BackupExists "backup_exists" "The backup's destination already exists.";
        BackupForeign "backup_foreign" "The file is not a backup of this program.";
        BackupNewer "backup_newer" "A newer version of this program made the backup.";
        BadAnswer "bad_answer" "The server's response cannot be understood.";
        BadCertificate "bad_certificate" "A certificate or key file cannot be used.";
        BadUrl "bad_url" "A URL cannot be requested.";
        CrossSite "cross_site" "Another web site may not use the dashboard.";
        DashboardOff "dashboard_off" "The dashboard does not run.";
        NotAllowed "not_allowed" "A read-only key of the dashboard may only look.";
        SignInRefused "sign_in_refused" "The dashboard's code is used, expired or unknown.";
        SignedOut "signed_out" "The dashboard's key is unknown or has ended.";
        WrongHost "wrong_host" "The dashboard was called by a name that is not its own.";
        BucketRefused "bucket_refused" "The bucket with the clips refused a request.";
        ClockSkew "clock_skew" "The clocks of this machine and of the bucket differ too much.";
        CannotListen "cannot_listen" "The address cannot be bound.";
        CannotRetry "cannot_retry" "The job cannot be retried.";
        DataDir "data_dir" "The data directory cannot be created or opened.";
        DataDirInUse "data_dir_in_use" "A server is running on the data directory.";
        DataDirOpen "data_dir_open" "The data directory is accessible to other users.";
        Faults "faults" "Doctor found faults.";
        Interrupted "interrupted" "The operation was stopped.";
        InvalidKey "invalid_key" "The key is invalid.";
        JobEnded "job_ended" "The job has already ended.";
        JobFailed "job_failed" "The job failed or was cancelled.";
        JoinRefused "join_refused" "The server refused to register the node.";
        KeysExist "keys_exist" "The account already has a live key of each class.";
        MigrationBackup "migration_backup" "The store cannot be copied before its migration.";
        MissingKey "missing_key" "The request has no key.";
        NameTaken "name_taken" "The name is in use.";
        NoAnswer "no_answer" "The server does not respond.";
        NoAppliance "no_appliance" "The data directory contains no appliance.";
        NoAuthority "no_authority" "The data directory contains no complete CA.";
        NoCertificate "no_certificate" "The appliance's certificate has expired, or cannot be read or written.";
        NoJoinToken "no_join_token" "The join token is missing.";
        NoLiveKey "no_live_key" "The account has no live key of this class.";
        NoReservedCapacity "no_reserved_capacity" "The account has no dinks.";
        NoRoom "no_room" "The disk has too little space to decompress the demo.";
        NoServer "no_server" "No server has run on the data directory.";
        NoService "no_service" "The command was not started by the Windows service manager.";
        NobodyWaiting "nobody_waiting" "No account is waiting for activation.";
        NodeRunning "node_running" "An agent is already running on the node's directory.";
        NodeUnknown "node_unknown" "The node is not registered.";
        NotConfirmed "not_confirmed" "The operator did not confirm.";
        NotRoot "not_root" "The command needs root.";
        NotTheOwner "not_the_owner" "The data directory belongs to another user.";
        NothingToUndo "nothing_to_undo" "There is nothing to undo.";
        Refused "refused" "The server refused the request.";
        RestoreBlocked "restore_blocked" "A path in the data directory cannot be replaced by a restore.";
        RestoreUndone "restore_undone" "A restore failed and was undone.";
        RestoreUnfinished "restore_unfinished" "A restore was interrupted.";
        ServerBusy "server_busy" "The server cannot handle the request yet.";
        SeveralWaiting "several_waiting" "Several accounts are waiting for activation.";
        StorageElsewhere "storage_elsewhere" "New clips go elsewhere, or no bucket is configured.";
        StoreCopied "store_copied" "The store was copied or replaced since a server last used it.";
        StoreForeign "store_foreign" "The store belongs to another program.";
        StoreMissing "store_missing" "The store's file is missing.";
        StoreNewer "store_newer" "A newer version of this program wrote the store.";
        StoreOlder "store_older" "The store must be migrated first.";
        TimedOut "timed_out" "The server did not respond in time.";
        Unreachable "unreachable" "The server cannot be reached.";
        TooManyHosts "too_many_hosts" "The account's webhook may already reach as many private hosts as possible.";
        UnreadableFile "unreadable_file" "A file cannot be read.";
        UntrustedServer "untrusted_server" "The server's certificate is not trusted.";
        UnwritableFile "unwritable_file" "A file cannot be written.";
        WebhookFailed "webhook_failed" "The webhook did not accept an event.";
        WrongUsage "wrong_usage" "The command line is invalid.";
    }
}
