//! All limits of the product, each with its unit in its name or description.

/// Characters of an account's name.
pub const ACCOUNT_NAME_CHARS: usize = 64;
/// Dinks of one account: more than any data center has render slots.
pub const ACCOUNT_DINKS: u32 = 100_000;
/// Dinks per live render slot above which `admin` asks the operator for confirmation.
pub const DINKS_PER_LIVE_SLOT: u64 = 10;
/// Seconds between two updates of a key's last use.
pub const KEY_USED_SECONDS: u64 = 60;
/// Seconds for which a rotated key and its successor may both be valid: 90 days.
pub const KEY_OVERLAP_SECONDS: u64 = 90 * 24 * 3_600;
/// Characters of a node's name.
pub const NODE_NAME_CHARS: usize = 64;
/// Characters kept of a message from a node or a child process.
pub const SENTENCE_CHARS: usize = 300;
/// Bytes of a JSON request body (contract: "at most 16 KiB").
pub const JSON_BODY_BYTES: u64 = 16 * 1024;
/// Bytes of `metadata`, as the client wrote it.
pub const METADATA_BYTES: usize = 2 * 1024;
/// Bytes of a `demo_url`: below the URI limit of most servers that host demos.
pub const DEMO_URL_BYTES: usize = 4 * 1024;
/// The largest round number accepted. No match has 1,000 rounds.
pub const ROUND_MAX: u32 = i32::MAX as u32;
/// Default limit of queued jobs per account: the size at which the queue was benchmarked.
pub const ACCOUNT_QUEUED_JOBS: u64 = 1_000_000;
/// Characters of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_CHARS: usize = 255;
/// Seconds for which a response is replayed for an `Idempotency-Key`: a day.
pub const IDEMPOTENCY_SECONDS: u64 = 86_400;
/// Failed attempts after which a job fails.
pub const ATTEMPTS: u32 = 3;
/// Times that a node may go silent while it holds a job, before the job fails. More than [`ATTEMPTS`]: it is rarely
/// the job's fault, and machines do get restarted.
pub const LOSSES: u32 = 10;
/// Maximum number of rows in a list without pages.
pub const LIST_ROWS: u32 = 10_000;

/// Bytes of a fetched or uploaded demo, compressed or not: 2 GiB.
pub const DEMO_BYTES: u64 = 2 << 30;
/// Bytes of a decompressed demo: 4 GiB.
pub const UNPACKED_BYTES: u64 = 4 << 30;
/// Maximum compression ratio. Real demos reach 2 to 4; a decompression bomb reaches 1,000.
pub const UNPACK_RATIO: u64 = 100;
/// Decompressed bytes below which the ratio is not checked: 16 MiB.
pub const UNPACK_RATIO_FROM_BYTES: u64 = 16 << 20;
/// Timeout of decompression in seconds.
pub const UNPACK_SECONDS: u64 = 120;
/// Files in a ZIP archive that contains a demo.
pub const ZIP_MEMBERS: u32 = 100;
/// Decompressed bytes of everything in such an archive other than the demo: 16 MiB.
pub const ZIP_OTHER_BYTES: u64 = 16 << 20;
/// Members (gzip, bzip2) or frames (zstd) of one compressed demo: parallel compressors write one for every 64 KiB or
/// more, and an empty one takes 14 bytes and 0.2 ms.
pub const UNPACK_MEMBERS: u64 = 16_384;
/// Seconds after which a decompressing child process is killed if it does not enforce [`UNPACK_SECONDS`] itself.
pub const UNPACK_CHILD_SECONDS: u64 = 180;
/// Bytes of a demo before its match begins (the sign-on), which are copied: 64 MiB. The largest seen is 3 MB.
pub const SIGN_ON_BYTES: usize = 64 << 20;
/// Default limit of uploaded demo bytes per account: 20 GiB.
pub const ACCOUNT_DEMO_BYTES: u64 = 20 << 30;

/// Overall timeout of fetching a demo, in seconds.
pub const FETCH_SECONDS: u64 = 600;
/// Timeout for resolving and connecting while fetching, in seconds.
pub const FETCH_CONNECT_SECONDS: u64 = 10;
/// Redirects followed while fetching.
pub const FETCH_REDIRECTS: u32 = 5;
/// Bytes per second below which a fetch is aborted, averaged over [`FETCH_STALL_SECONDS`].
pub const FETCH_BYTES_PER_SECOND: u64 = 8 * 1024;
/// Seconds over which the speed of a fetch is averaged; also its timeout if no data arrives.
pub const FETCH_STALL_SECONDS: u64 = 10;

/// Seconds until a lease without a heartbeat expires.
pub const LEASE_SECONDS: u64 = 30;
/// Maximum number of live leases across all nodes.
pub const LIVE_LEASES: u32 = 100_000;
/// Seconds until a lease without progress expires.
pub const LEASE_PROGRESS_SECONDS: u64 = 600;
/// Maximum age of a lease in seconds, regardless of heartbeats: 2 hours.
pub const LEASE_AGE_SECONDS: u64 = 2 * 3_600;
/// The smallest increase of a job's progress (0 to 1) that counts as progress: it can count at most 1,000 times.
pub const LEASE_PROGRESS_STEP: f64 = 0.001;
/// Seconds a claim may wait.
pub const CLAIM_WAIT_SECONDS: u64 = 25;
/// Milliseconds between two checks that the node of a waiting claim is still connected.
pub const CLAIM_LOOK_MS: u64 = 1_000;
/// Claims that may be ending in addition to those waiting: each has been told to end, but holds a thread until it
/// does.
pub const ENDING_CLAIMS: usize = 16;
/// Threads that handle requests. Each waiting claim and each upload holds one.
pub const HTTP_THREADS: usize = 224;
/// Threads for requests that only look up a few rows; more would contend for CPUs and the store's locks.
pub const QUICK_HTTP_THREADS: usize = 4;
/// Claims that may wait at once. Together with the transport's uploads, this is below [`HTTP_THREADS`], so that nodes
/// never lock out clients.
pub const WAITING_CLAIMS: usize = 96;
/// The fraction of the upload slots that one caller may hold: an eighth. Slots for clients and for nodes are separate.
pub const UPLOAD_SHARE: usize = 8;
/// `Retry-After` in seconds for a client that was rejected temporarily.
pub const RETRY_AFTER_SECONDS: u64 = 5;
/// Videos checked concurrently before they are published: each check uses one CPU.
pub const COMPLETES: usize = 4;
/// The same limit for one node.
pub const NODE_COMPLETES: usize = 2;
/// `Retry-After` in seconds for a node that waits for its video to be published.
pub const COMPLETE_RETRY_AFTER_SECONDS: u64 = 1;
/// Bytes of an upload between two checks of its lease: 1 MiB.
pub const UPLOAD_LOOK_BYTES: u64 = 1 << 20;
/// Seconds between two such checks, however little data arrives.
pub const UPLOAD_LOOK_SECONDS: u64 = 1;
/// Seconds until a write that failed at startup is retried.
pub const START_RETRY_SECONDS: u64 = 10;
/// Seconds that in-flight requests have to finish when the server shuts down.
pub const STOP_SECONDS: u64 = 10;
/// Seconds that a Windows service may take to start, including a migration of the store.
pub const SERVICE_START_SECONDS: u64 = 600;
/// Seconds that a Windows service may take to stop, also when the machine shuts down. Must match `packaging/msi`.
pub const SERVICE_STOP_SECONDS: u64 = 180;
/// Bytes of a Windows service's log file: 16 MiB, enough for a few hundred thousand requests.
pub const SERVICE_LOG_BYTES: u64 = 16 << 20;
/// Rotated log files kept for a Windows service.
pub const SERVICE_OLD_LOGS: u32 = 7;
/// Seconds of silence after which a node counts as gone.
pub const NODE_GONE_SECONDS: u64 = 90;
/// Seconds between two updates of when a node was last seen.
pub const NODE_SEEN_SECONDS: u64 = 15;
/// Seconds within which alternating calls of two agents with the same node key count as simultaneous: longer than a
/// claim waits.
pub const NODE_TURNS_SECONDS: u64 = 90;
/// Seconds between two updates of when a node key was last seen in use by two machines.
pub const NODE_SHARED_NOTE_SECONDS: u64 = 60;
/// Seconds for which a shared node key is reported: 10 minutes.
pub const NODE_SHARED_SECONDS: u64 = 600;
/// Characters of an agent's instance id.
pub const NODE_INSTANCE_CHARS: usize = 64;
/// Seconds for which a node is benched the first time: ten minutes, doubled each time…
pub const NODE_BENCH_FIRST_SECONDS: u64 = 600;
/// …up to a day.
pub const NODE_BENCH_MOST_SECONDS: u64 = 86_400;
/// Slots of one node.
pub const NODE_SLOTS: u32 = 64;
/// Seconds until a join token expires.
pub const JOIN_TOKEN_SECONDS: u64 = 3_600;

/// Bytes of an uploaded video: 4 GiB.
pub const VIDEO_BYTES: u64 = 4 << 30;
/// Bytes of an uploaded poster: 8 MiB.
pub const POSTER_BYTES: u64 = 8 << 20;
/// Seconds of footage in one clip. No round lasts ten minutes.
pub const CLIP_SECONDS: u32 = 600;
/// Maximum frame rate of a clip.
pub const CLIP_FPS: u32 = 60;
/// Minimum bytes of a frame, including its length prefix: in H.264, even a repeated frame is no shorter.
pub const CLIP_FRAME_BYTES: u64 = 8;
/// Maximum bytes of a clip's index, 4 MiB: ten minutes at 60 fps with sound take less than 2 MiB.
pub const CLIP_INDEX_BYTES: u64 = 4 << 20;
/// Milliseconds by which a clip may differ in length from its round.
pub const CLIP_TOLERANCE_MS: u64 = 500;
/// Seconds shown before freeze time ends (ours).
pub const CLIP_LEAD_SECONDS: u32 = 3;
/// Seconds shown after the round's end (ours).
pub const CLIP_TAIL_SECONDS: u32 = 3;

/// Default number of jobs on a page.
pub const PAGE_DEFAULT: u32 = 50;
/// Maximum number of jobs on a page.
pub const PAGE_MAX: u32 = 100;

/// Maximum price in units of the currency: in no currency does an hour or a dink cost more.
pub const PRICE_UNITS: u32 = 1_000_000_000;
/// Maximum number of days that `GET /api/usage` covers: a leap year.
pub const USAGE_DAYS: i64 = 366;

/// Operations in one group commit.
pub const COMMIT_BATCH: usize = 512;
/// Operations that may wait for the writer.
pub const WRITER_QUEUE: usize = 4_096;
/// Maximum number of read connections.
pub const READERS: usize = 16;
/// Bytes that must stay free on the data directory's disk: 1 GiB. Below it, new work is refused.
pub const DISK_RESERVE_BYTES: u64 = 1 << 30;
/// Bytes that must stay free on the disk of a render node on another machine: 256 MiB.
pub const NODE_RESERVE_BYTES: u64 = 256 << 20;
/// Bytes of disk and quota reserved at a time for an upload of unknown length: 16 MiB.
pub const ROOM_STEP_BYTES: u64 = 16 << 20;
/// The fraction of the free space reserved at once for an upload of known length: 1/64. The rest is reserved step by
/// step, so that all upload slots of clients together leave space for nodes.
pub const ROOM_SHARE: u64 = 64;
/// Bytes after which a writer with a larger reservation checks the disk again: 64 MiB.
pub const ROOM_LOOK_BYTES: u64 = 64 << 20;
/// Bytes of the ballast file, which is deleted when other programs fill the disk, so that the store can still be
/// written: 8 MiB.
pub const BALLAST_BYTES: u64 = 8 << 20;
/// Seconds between two checks whether the ballast must be deleted.
pub const BALLAST_SECONDS: u64 = 5;
/// Maximum compression ratio of an ordinary demo. Decompression is not attempted without enough free space for it.
pub const UNPACK_ORDINARY_RATIO: u64 = 4;
/// Times that a demo may run out of disk space before it fails.
pub const EXHAUSTIONS: u32 = 3;

/// Size of the write-ahead log (WAL) that indicates a problem: 64 MiB. Under load it has 16 MiB.
pub const LOG_ALARM_BYTES: u64 = 64 << 20;
/// Timeout of checking one table of the store after startup, in seconds: the WAL grows during the check.
pub const STORE_CHECK_TABLE_SECONDS: u64 = 120;
/// Seconds that times in the store may lie in the future.
pub const CLOCK_SKEW_SECONDS: u64 = 300;
/// Seconds after which a file without a row counts as orphaned, unless an upload holds it.
pub const ORPHAN_SECONDS: u64 = 60;

/// Uploaded demos that are indexed at once, each in a child process.
pub const INDEXERS: usize = 2;
/// Timeout of indexing an uploaded demo in seconds, including decompression: a whole match takes a few.
pub const INDEX_SECONDS: u64 = 300;
/// Bytes of a demo's index as JSON: 1 MiB. A match takes about 10 KiB.
pub const INDEX_BYTES: u64 = 1 << 20;
/// Seconds until demos that could not be read are retried.
pub const INDEX_RETRY_SECONDS: u64 = 60;
/// `Retry-After` in seconds for a client that waits for a demo's index.
pub const INDEX_RETRY_AFTER_SECONDS: u64 = 1;

/// CPU seconds that indexing or decompressing an uploaded demo may take: it has one thread.
pub const INDEX_CPU_SECONDS: u64 = 600;
/// Memory limit of a child process that reads demos: this fraction of the machine's or container's memory…
pub const CHILD_MEMORY_PART: u64 = 4;
/// …but at most this many bytes (4 GiB: demos of matches have up to 1 GiB)…
pub const CHILD_MEMORY_MOST_BYTES: u64 = 4 << 30;
/// …and at least this many (1.5 GiB): a 1 GB demo is held in memory, and 1440p at 60 fps takes another 250 MB.
pub const CHILD_MEMORY_LEAST_BYTES: u64 = 3 << 29;
/// Open files, including pipes, of such a child.
pub const CHILD_FILES: u64 = 64;
/// Processes and threads of the user that runs such a child: the kernel counts them per user. The child itself may not
/// start any process.
pub const CHILD_USER_TASKS: u64 = 16_384;
/// CPU seconds that rendering may take per second of its timeout: two threads draw, two others do little.
pub const RENDER_CPU_PER_SECOND: u64 = 4;
/// Seconds until a renderer must produce its first output line.
pub const RENDER_START_SECONDS: u64 = 300;
/// Seconds that a renderer may go without progress and without its file growing.
pub const RENDER_STALL_SECONDS: u64 = 120;
/// Base timeout of a renderer in seconds, in addition to [`RENDER_SECONDS_PER_CLIP_SECOND`].
pub const RENDER_BASE_SECONDS: u64 = 300;
/// Additional seconds of a renderer's timeout per second of the clip.
pub const RENDER_SECONDS_PER_CLIP_SECOND: u64 = 10;
/// Seconds between writing the cancel file and killing the renderer.
pub const RENDER_CANCEL_SECONDS: u64 = 10;
/// Bytes kept of a renderer's log.
pub const RENDER_LOG_BYTES: usize = 256 * 1024;
/// Bytes kept of the end of a renderer's log with a failed attempt: fits into [`JSON_BODY_BYTES`] even if every byte
/// is escaped.
pub const ATTEMPT_LOG_BYTES: usize = 6 * 1024;
/// Bytes of demos in a node's cache: 20 GiB.
pub const NODE_CACHE_BYTES: u64 = 20 << 30;
/// URLs whose content hash a node remembers.
pub const NODE_REMEMBERED_URLS: usize = 1_024;
/// Initial backoff in milliseconds before a node retries an unreachable server; doubled each time…
pub const NODE_RETRY_FIRST_MS: u64 = 250;
/// …up to this.
pub const NODE_RETRY_MOST_MS: u64 = 5_000;
/// Minimum number of milliseconds between two heartbeats, however much there is to report.
pub const HEARTBEAT_GAP_MS: u64 = 500;
/// Timeout in seconds of short requests to the server: a heartbeat, a failure.
pub const NODE_CALL_SECONDS: u64 = 10;
/// Seconds that a stopping node may spend on notifying its server.
pub const NODE_LEAVE_SECONDS: u64 = 2;
/// Milliseconds that a node waits for a signal to itself after its renderer was killed by one: a scheduler that stops
/// a node signals the whole process group.
pub const NODE_INTERRUPTION_MS: u64 = 2_000;
/// Timeout in seconds for the server to check and publish a video, or to send or receive a file.
pub const NODE_TRANSFER_SECONDS: u64 = 900;

/// Validity of the appliance's own CA in days.
pub const AUTHORITY_DAYS: u64 = 3_650;
/// Validity of a server certificate in days: browsers reject longer ones.
pub const CERTIFICATE_DAYS: u64 = 397;
/// Days before its expiry that a server certificate is renewed.
pub const CERTIFICATE_RENEW_DAYS: u64 = 60;
/// Days before its expiry at which an unrenewed certificate is reported.
pub const CERTIFICATE_ALARM_DAYS: u64 = 21;
/// Seconds that a certificate is backdated, for clients whose clocks are slow.
pub const CERTIFICATE_BACKDATE_SECONDS: u64 = 3_600;
/// Maximum number of addresses in a certificate.
pub const CERTIFICATE_ADDRESSES: usize = 100;
/// Seconds between two checks whether the certificate must be renewed or its file has changed.
pub const CERTIFICATE_LOOK_SECONDS: u64 = 5;
/// Seconds between two checks that the certificate in use is valid. Clock jumps trigger additional checks.
pub const CERTIFICATE_VALID_SECONDS: u64 = 60;
/// Seconds between two warnings that the certificate in use is not valid.
pub const CERTIFICATE_WARN_SECONDS: u64 = 3_600;
/// Seconds of difference between the wall clock and the monotonic clock that count as a jump.
pub const CLOCK_JUMP_SECONDS: u64 = 60;
/// Bytes of a certificate file: 1 MiB.
pub const CERTIFICATE_FILE_BYTES: u64 = 1 << 20;

// Upper limits of the flags of `serve`: they catch typos without restricting large machines.

/// Connections, or in-flight requests: more than any machine can hold.
pub const FLAG_CONNECTIONS_MOST: u64 = 1_000_000;
/// Threads, and settings that take one thread each.
pub const FLAG_THREADS_MOST: u64 = 10_000;
/// Seconds of any timeout: a day. Longer ones make no sense.
pub const FLAG_SECONDS_MOST: u64 = 86_400;
/// KiB of a request's head, or of its path and query: 1 MiB.
pub const FLAG_HEAD_KIB_MOST: u64 = 1_024;
/// Header lines of a request.
pub const FLAG_HEAD_LINES_MOST: u64 = 10_000;
/// KiB of a JSON body: 1 MiB.
pub const FLAG_JSON_KIB_MOST: u64 = 1_024;
/// KiB of an unwanted body that are read: 1 GiB.
pub const FLAG_DRAIN_KIB_MOST: u64 = 1 << 20;
/// Minimum transfer rate of a body in KiB per second: about 1 GB/s.
pub const FLAG_BODY_KIB_PER_SECOND_MOST: u64 = 1_000_000;
/// Jobs or bytes of a quota: the largest integer in a structured header field (RFC 8941).
pub const FLAG_QUOTA_MOST: u64 = 999_999_999_999_999;
