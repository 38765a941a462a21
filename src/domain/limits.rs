//! Every limit of the product, once, with its unit in its name or its line.

/// Characters of an account's name.
pub const ACCOUNT_NAME_CHARS: usize = 64;
/// Dinks of one account: more than any machine room has render slots.
pub const ACCOUNT_DINKS: u32 = 100_000;
/// Dinks for each live render slot that an operator may give an account without being asked whether it is meant.
pub const DINKS_PER_LIVE_SLOT: u64 = 10;
/// Seconds after which it is written down again that a key was used.
pub const KEY_USED_SECONDS: u64 = 60;
/// Seconds that a rotated key and its successor may both be good: 90 days.
pub const KEY_OVERLAP_SECONDS: u64 = 90 * 24 * 3_600;
/// Characters of a node's name.
pub const NODE_NAME_CHARS: usize = 64;
/// Characters of one sentence of a node or a child process that are kept.
pub const SENTENCE_CHARS: usize = 300;
/// Bytes of a JSON request body (contract: "at most 16 KiB").
pub const JSON_BODY_BYTES: u64 = 16 * 1024;
/// Bytes of `metadata`, as the client wrote it.
pub const METADATA_BYTES: usize = 2 * 1024;
/// Bytes of a `demo_url`: less than the URI limit of most servers that hand out demos.
pub const DEMO_URL_BYTES: usize = 4 * 1024;
/// The largest round number taken for one. A match of 1,000 rounds does not exist.
pub const ROUND_MAX: u32 = i32::MAX as u32;
/// Jobs of one account that may wait at once, unless the operator says otherwise: as many as the queue was measured with.
pub const ACCOUNT_QUEUED_JOBS: u64 = 1_000_000;
/// Characters of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_CHARS: usize = 255;
/// Seconds for which the first answer to an `Idempotency-Key` is given again: a day.
pub const IDEMPOTENCY_SECONDS: u64 = 86_400;
/// Attempts at a job that count against it; the last failure ends it.
pub const ATTEMPTS: u32 = 3;
/// Times that a node may fall silent while it holds a job; the last ends it. More than [`ATTEMPTS`]:
/// it is rarely the job's fault, and machines do get restarted.
pub const LOSSES: u32 = 10;
/// Rows that a list without pages gives at most.
pub const LIST_ROWS: u32 = 10_000;

/// Bytes of a demo as it is fetched or uploaded, packed or not: 2 GiB.
pub const DEMO_BYTES: u64 = 2 << 30;
/// Bytes of a demo once unpacked: 4 GiB.
pub const UNPACKED_BYTES: u64 = 4 << 30;
/// Unpacked bytes for one packed byte. Real demos pack 2 to 4 times; a bomb packs a thousand times.
pub const UNPACK_RATIO: u64 = 100;
/// Unpacked bytes below which the ratio is not looked at: 16 MiB.
pub const UNPACK_RATIO_FROM_BYTES: u64 = 16 << 20;
/// Seconds that unpacking may take.
pub const UNPACK_SECONDS: u64 = 120;
/// Files in a ZIP archive that a demo comes in.
pub const ZIP_MEMBERS: u32 = 100;
/// Bytes of everything in such an archive that is not the demo, once unpacked: 16 MiB.
pub const ZIP_OTHER_BYTES: u64 = 16 << 20;
/// Members (gzip, bzip2) or frames (zstd) of one packed demo: what packs in parallel makes one for every 64 KiB or more,
/// and one that holds nothing takes 14 bytes and a fifth of a millisecond.
pub const UNPACK_MEMBERS: u64 = 16_384;
/// Seconds after which a child that only unpacks is killed, should it not notice [`UNPACK_SECONDS`].
pub const UNPACK_CHILD_SECONDS: u64 = 180;
/// Bytes of a demo before its match begins (the sign-on), which are copied: 64 MiB. The largest seen has 3 MB.
pub const SIGN_ON_BYTES: usize = 64 << 20;
/// Bytes of uploaded demos an account may keep, unless the operator says otherwise: 20 GiB.
pub const ACCOUNT_DEMO_BYTES: u64 = 20 << 30;

/// Seconds that fetching a demo may take in all.
pub const FETCH_SECONDS: u64 = 600;
/// Seconds to resolve and connect while fetching.
pub const FETCH_CONNECT_SECONDS: u64 = 10;
/// Redirects followed while fetching.
pub const FETCH_REDIRECTS: u32 = 5;
/// Bytes each second below which a fetch is given up, over [`FETCH_STALL_SECONDS`].
pub const FETCH_BYTES_PER_SECOND: u64 = 8 * 1024;
/// Seconds over which the speed of a fetch is judged, and without a single byte after which it is given up.
pub const FETCH_STALL_SECONDS: u64 = 10;

/// Seconds a lease lives without a heartbeat.
pub const LEASE_SECONDS: u64 = 30;
/// Live leases at most, all nodes together.
pub const LIVE_LEASES: u32 = 100_000;
/// Seconds a lease lives without progress.
pub const LEASE_PROGRESS_SECONDS: u64 = 600;
/// Seconds a lease lives at most, whatever its node says: 2 hours.
pub const LEASE_AGE_SECONDS: u64 = 2 * 3_600;
/// The least rise of a job's progress, from 0 to 1, that counts as progress: so it counts a thousand times at most.
pub const LEASE_PROGRESS_STEP: f64 = 0.001;
/// Seconds a claim may wait.
pub const CLAIM_WAIT_SECONDS: u64 = 25;
/// Milliseconds after which a waiting claim looks whether its node is still connected.
pub const CLAIM_LOOK_MS: u64 = 1_000;
/// Claims beyond those that may wait which are on their way out: each has been told to end, and holds a thread until
/// it has.
pub const ENDING_CLAIMS: usize = 16;
/// Threads that answer requests. A waiting claim and an upload hold one each.
pub const HTTP_THREADS: usize = 224;
/// Threads that answer what only looks up a few rows; more would take turns for the processors and the store's locks.
pub const QUICK_HTTP_THREADS: usize = 4;
/// Claims that may wait at once; with the transport's uploads below [`HTTP_THREADS`], so that nodes never shut clients
/// out.
pub const WAITING_CLAIMS: usize = 96;
/// The part of the upload places that one caller may hold: an eighth. Clients' places and nodes' are counted apart.
pub const UPLOAD_SHARE: usize = 8;
/// Seconds after which a client that was turned away for now may come again.
pub const RETRY_AFTER_SECONDS: u64 = 5;
/// Videos that are checked at once before they are published: each takes a processor.
pub const COMPLETES: usize = 4;
/// The same of one node.
pub const NODE_COMPLETES: usize = 2;
/// Seconds after which a node may ask again whether its video is published.
pub const COMPLETE_RETRY_AFTER_SECONDS: u64 = 1;
/// Bytes of an upload after which its lease's row is looked at again: 1 MiB.
pub const UPLOAD_LOOK_BYTES: u64 = 1 << 20;
/// Seconds after which it is, however little has come.
pub const UPLOAD_LOOK_SECONDS: u64 = 1;
/// Seconds after which what a start could not write is tried again.
pub const START_RETRY_SECONDS: u64 = 10;
/// Seconds that requests in flight have to finish when the server stops.
pub const STOP_SECONDS: u64 = 10;
/// Seconds that a Windows service may take to start: a migration of the store is part of it.
pub const SERVICE_START_SECONDS: u64 = 600;
/// Seconds that a Windows service may take to stop, also before the machine goes down; `packaging/msi` says the same.
pub const SERVICE_STOP_SECONDS: u64 = 180;
/// Bytes of a Windows service's log file, 16 MiB: some hundred thousand requests.
pub const SERVICE_LOG_BYTES: u64 = 16 << 20;
/// Full log files of a Windows service that are kept.
pub const SERVICE_OLD_LOGS: u32 = 7;
/// Seconds of silence after which a node counts as gone.
pub const NODE_GONE_SECONDS: u64 = 90;
/// Seconds after which it is written down again that a node was heard of.
pub const NODE_SEEN_SECONDS: u64 = 15;
/// Seconds within which two agents that take turns with one node's key count as running at the same time: longer than a
/// claim waits.
pub const NODE_TURNS_SECONDS: u64 = 90;
/// Seconds after which it is written down again that two machines share a node's key.
pub const NODE_SHARED_NOTE_SECONDS: u64 = 60;
/// Seconds for which it is shown that two machines shared a node's key: 10 minutes.
pub const NODE_SHARED_SECONDS: u64 = 600;
/// Characters of an agent's instance id.
pub const NODE_INSTANCE_CHARS: usize = 64;
/// Seconds for which a node is given nothing after it was benched: ten minutes, doubled each time…
pub const NODE_BENCH_FIRST_SECONDS: u64 = 600;
/// …up to a day.
pub const NODE_BENCH_MOST_SECONDS: u64 = 86_400;
/// Slots of one node.
pub const NODE_SLOTS: u32 = 64;
/// Seconds a join token is good for.
pub const JOIN_TOKEN_SECONDS: u64 = 3_600;

/// Bytes of an uploaded video: 4 GiB.
pub const VIDEO_BYTES: u64 = 4 << 30;
/// Bytes of an uploaded poster: 8 MiB.
pub const POSTER_BYTES: u64 = 8 << 20;
/// Seconds of footage in one clip. No round lasts ten minutes.
pub const CLIP_SECONDS: u32 = 600;
/// Frames a second of a clip at most.
pub const CLIP_FPS: u32 = 60;
/// Bytes of a frame at least, its length before it included: even one that repeats the last is no shorter in H.264.
pub const CLIP_FRAME_BYTES: u64 = 8;
/// Bytes of a clip's index at most, 4 MiB: ten minutes at 60 frames a second, with sound, take less than 2.
pub const CLIP_INDEX_BYTES: u64 = 4 << 20;
/// Milliseconds by which a clip may be longer or shorter than its round.
pub const CLIP_TOLERANCE_MS: u64 = 500;
/// Seconds shown before freeze time ends (ours).
pub const CLIP_LEAD_SECONDS: u32 = 3;
/// Seconds shown after the round's end (ours).
pub const CLIP_TAIL_SECONDS: u32 = 3;

/// Jobs on one page when the client does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// Jobs on one page at most.
pub const PAGE_MAX: u32 = 100;

/// Units of the currency that a price is at most: no currency is so small that an hour or a dink costs more.
pub const PRICE_UNITS: u32 = 1_000_000_000;
/// Days that `GET /api/usage` looks back over at most: a leap year.
pub const USAGE_DAYS: i64 = 366;

/// Operations in one group commit.
pub const COMMIT_BATCH: usize = 512;
/// Operations that may wait for the writer.
pub const WRITER_QUEUE: usize = 4_096;
/// Reading connections at most.
pub const READERS: usize = 16;
/// Bytes that must stay free on the data directory's disk: 1 GiB. New work is refused below it.
pub const DISK_RESERVE_BYTES: u64 = 1 << 30;
/// Bytes that must stay free on the disk of a render node that is not the server's: 256 MiB.
pub const NODE_RESERVE_BYTES: u64 = 256 << 20;
/// Bytes of disk and quota that an upload of unknown length is granted at a time: 16 MiB.
pub const ROOM_STEP_BYTES: u64 = 16 << 20;
/// The part of a disk's room that an upload is promised at once where it says its length: a sixty-fourth, and more step by
/// step, so that all clients' upload places together leave room for nodes.
pub const ROOM_SHARE: u64 = 64;
/// Bytes written after which a writer that was granted more looks at the disk again: 64 MiB.
pub const ROOM_LOOK_BYTES: u64 = 64 << 20;
/// Bytes of the file that is given up when others have filled the disk, so that the store can still be written: 8 MiB.
pub const BALLAST_BYTES: u64 = 8 << 20;
/// Seconds between two looks at whether it must be.
pub const BALLAST_SECONDS: u64 = 5;
/// Unpacked bytes for one packed byte that an ordinary demo needs at most. Where there is not even room for so many,
/// unpacking is not tried.
pub const UNPACK_ORDINARY_RATIO: u64 = 4;
/// Times that a demo may use up its machine's room; the last fails it.
pub const EXHAUSTIONS: u32 = 3;

/// Bytes of the write-ahead log above which something is wrong: 64 MiB. Under load it has 16.
pub const LOG_ALARM_BYTES: u64 = 64 << 20;
/// Seconds that the look at a store's table after the start may take: meanwhile the write-ahead log only grows.
pub const STORE_CHECK_TABLE_SECONDS: u64 = 120;
/// Seconds that the store's times may lie in the future.
pub const CLOCK_SKEW_SECONDS: u64 = 300;
/// Seconds after which a file without a row that no upload holds is a leftover.
pub const ORPHAN_SECONDS: u64 = 60;

/// Uploaded demos that are read at once, each in a child process.
pub const INDEXERS: usize = 2;
/// Seconds that reading an uploaded demo may take, unpacking included: a whole match takes a few.
pub const INDEX_SECONDS: u64 = 300;
/// Bytes of what is in a demo, as JSON: 1 MiB. A match has about 10 KiB.
pub const INDEX_BYTES: u64 = 1 << 20;
/// Seconds after which demos that could not be read are tried again.
pub const INDEX_RETRY_SECONDS: u64 = 60;
/// Seconds after which a client may ask again for what is in a demo.
pub const INDEX_RETRY_AFTER_SECONDS: u64 = 1;

/// Processor seconds that reading an uploaded demo, or unpacking one, may take: it has one thread.
pub const INDEX_CPU_SECONDS: u64 = 600;
/// A child process that reads demos may map one part in so many of the machine's memory, or of the container's…
pub const CHILD_MEMORY_PART: u64 = 4;
/// …but at most so many bytes (4 GiB: demos of matches have up to 1)…
pub const CHILD_MEMORY_MOST_BYTES: u64 = 4 << 30;
/// …and at least so many (1.5 GiB): a demo of 1 GB is held whole, and 1440p at 60 frames a second takes 250 MB besides.
pub const CHILD_MEMORY_LEAST_BYTES: u64 = 3 << 29;
/// Files, pipes among them, that such a child may hold open.
pub const CHILD_FILES: u64 = 64;
/// Processes and threads that the user of such a child may have, all together: the kernel counts them by user. The child
/// itself may make no process at all.
pub const CHILD_USER_TASKS: u64 = 16_384;
/// Processor seconds that rendering may take for each second of its deadline: two threads draw, two others do little.
pub const RENDER_CPU_PER_SECOND: u64 = 4;
/// Seconds in which a renderer must say its first word.
pub const RENDER_START_SECONDS: u64 = 300;
/// Seconds a renderer may go without progress and without a growing file.
pub const RENDER_STALL_SECONDS: u64 = 120;
/// Seconds a renderer has in all, besides [`RENDER_SECONDS_PER_CLIP_SECOND`].
pub const RENDER_BASE_SECONDS: u64 = 300;
/// Seconds a renderer has for each second of the clip.
pub const RENDER_SECONDS_PER_CLIP_SECOND: u64 = 10;
/// Seconds between the cancel file and the kill.
pub const RENDER_CANCEL_SECONDS: u64 = 10;
/// Bytes of a renderer's log that are kept.
pub const RENDER_LOG_BYTES: usize = 256 * 1024;
/// Bytes of a renderer's log that are kept with a failed attempt, its end: within [`JSON_BODY_BYTES`] even where each
/// of them is escaped.
pub const ATTEMPT_LOG_BYTES: usize = 6 * 1024;
/// Bytes of demos a node keeps in its cache: 20 GiB.
pub const NODE_CACHE_BYTES: u64 = 20 << 30;
/// URLs of which a node remembers what they held.
pub const NODE_REMEMBERED_URLS: usize = 1_024;
/// Milliseconds after which a node tries an unreachable server again; doubled each time…
pub const NODE_RETRY_FIRST_MS: u64 = 250;
/// …up to so many.
pub const NODE_RETRY_MOST_MS: u64 = 5_000;
/// Milliseconds between two heartbeats at least, however much there is to tell.
pub const HEARTBEAT_GAP_MS: u64 = 500;
/// Seconds that the server may take for a short answer: a heartbeat, a failure.
pub const NODE_CALL_SECONDS: u64 = 10;
/// Seconds that a stopping node takes to tell its server so.
pub const NODE_LEAVE_SECONDS: u64 = 2;
/// Milliseconds that a node waits, after its renderer was ended by a signal, for a signal to itself: a scheduler that
/// stops a node signals the whole process group.
pub const NODE_INTERRUPTION_MS: u64 = 2_000;
/// Seconds that the server may take to check a whole video and publish it, or to hand over or take a file.
pub const NODE_TRANSFER_SECONDS: u64 = 900;

/// Days that the appliance's own authority is good for.
pub const AUTHORITY_DAYS: u64 = 3_650;
/// Days that a server's certificate is good for: browsers refuse longer ones.
pub const CERTIFICATE_DAYS: u64 = 397;
/// Days before its end that a server's certificate is renewed.
pub const CERTIFICATE_RENEW_DAYS: u64 = 60;
/// Days before its end at which a certificate that was not renewed is a fault.
pub const CERTIFICATE_ALARM_DAYS: u64 = 21;
/// Seconds before now that a certificate begins, for clients whose clocks are slow.
pub const CERTIFICATE_BACKDATE_SECONDS: u64 = 3_600;
/// Addresses that a certificate names.
pub const CERTIFICATE_ADDRESSES: usize = 100;
/// Seconds between two looks at whether the certificate must be renewed, or its file has changed.
pub const CERTIFICATE_LOOK_SECONDS: u64 = 5;
/// Seconds between two looks at whether the certificate in use is valid, besides those when the clock jumps.
pub const CERTIFICATE_VALID_SECONDS: u64 = 60;
/// Seconds after which it is said again that the certificate in use is not valid.
pub const CERTIFICATE_WARN_SECONDS: u64 = 3_600;
/// Seconds by which the wall clock must leave the monotonic one behind to have jumped.
pub const CLOCK_JUMP_SECONDS: u64 = 60;
/// Bytes of a certificate's file: 1 MiB.
pub const CERTIFICATE_FILE_BYTES: u64 = 1 << 20;

// How far an operator may move what is a flag of `serve`: a slip of the finger is refused, a large machine is not.

/// Connections, or requests in flight: more than any machine holds.
pub const FLAG_CONNECTIONS_MOST: u64 = 1_000_000;
/// Threads, and what holds one each.
pub const FLAG_THREADS_MOST: u64 = 10_000;
/// Seconds of any wait, a day: a longer one is none that means something.
pub const FLAG_SECONDS_MOST: u64 = 86_400;
/// KiB of a request's head, or of its path and query: 1 MiB.
pub const FLAG_HEAD_KIB_MOST: u64 = 1_024;
/// Header lines of a request.
pub const FLAG_HEAD_LINES_MOST: u64 = 10_000;
/// KiB of a JSON body: 1 MiB.
pub const FLAG_JSON_KIB_MOST: u64 = 1_024;
/// KiB of an unwanted body that are read: 1 GiB.
pub const FLAG_DRAIN_KIB_MOST: u64 = 1 << 20;
/// KiB each second that a body must bring: about 1 GB.
pub const FLAG_BODY_KIB_PER_SECOND_MOST: u64 = 1_000_000;
/// Jobs, or bytes, of a quota: the largest number that a header's structured field can hold.
pub const FLAG_QUOTA_MOST: u64 = 999_999_999_999_999;
