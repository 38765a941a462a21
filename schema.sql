-- The store of a dinkem-appliance, version 8. `src/store/engine/migrations.rs` applies it to an empty file, in one transaction;
-- older files are brought to the same schema by the steps in `src/store/migrations/`, so columns that were
-- added later come last in their table here too.
--
-- House rules: every table is STRICT; states are strings enforced by CHECKs; times are Unix milliseconds (`…_at_ms`);
-- UUIDs and hashes are blobs; a secret is never stored, only its SHA-256. An index costs about as much as a row, so
-- each one names the query that needs it. A list of more than two words after IN would become a temporary table whenever
-- a row is written, so the checks of tables that are written for each job join shorter ones by OR.

-- Accounts. A new account is inactive until the operator activates it.
CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY,
    public_id     BLOB    NOT NULL UNIQUE CHECK (length(public_id) = 16),
    name          TEXT    NOT NULL UNIQUE,
    status        TEXT    NOT NULL CHECK (status IN ('inactive', 'active', 'deactivated')),
    dinks         INTEGER NOT NULL DEFAULT 0 CHECK (dinks >= 0),
    created_at_ms INTEGER NOT NULL,
    -- Bytes of uploaded demos that this account may store; NULL: the server's default.
    demo_bytes    INTEGER CHECK (demo_bytes >= 0)
) STRICT;

-- API keys, by hash: one lookup per request. Revoked keys are kept because jobs refer to them.
CREATE TABLE api_keys (
    hash          BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    id            INTEGER NOT NULL UNIQUE,
    account       INTEGER NOT NULL REFERENCES accounts (id),
    class         TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    created_at_ms INTEGER NOT NULL,
    -- The key is rejected from this time on. In the future while a rotated key and its successor overlap.
    revoked_at_ms INTEGER,
    -- Updated occasionally, not on every request.
    used_at_ms    INTEGER
) STRICT, WITHOUT ROWID;

-- `admin keys list` and `admin keys mint`.
CREATE INDEX api_keys_account ON api_keys (account, id);

-- History of dinks: one row each time an account's dinks are set.
CREATE TABLE dinks_history (
    id      INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (id),
    dinks   INTEGER NOT NULL CHECK (dinks >= 0),
    at_ms   INTEGER NOT NULL,
    -- When the change was undone. It is then billed as if it had never been made.
    undone_at_ms INTEGER
) STRICT;

-- The highest number an account had in a month.
CREATE INDEX dinks_history_account ON dinks_history (account, at_ms);

-- Secrets with which machines join as nodes. Deleted once they have expired or are revoked.
CREATE TABLE join_tokens (
    -- Nodes remember it, so it is never used twice.
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hash          BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    -- How many machines may join with it, and how many have.
    uses          INTEGER NOT NULL CHECK (uses >= 1),
    used          INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND uses),
    -- The names of its nodes begin with this.
    name_prefix   TEXT    NOT NULL DEFAULT '',
    -- 1: its nodes are forgotten soon after they are gone.
    ephemeral     INTEGER NOT NULL DEFAULT 0 CHECK (ephemeral IN (0, 1)),
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT;

-- Expired tokens.
CREATE INDEX join_tokens_expiry ON join_tokens (expires_at_ms);

-- Render nodes. `seen_at_ms` is updated occasionally, not on every request.
CREATE TABLE nodes (
    id           INTEGER PRIMARY KEY,
    public_id    BLOB    NOT NULL UNIQUE CHECK (length(public_id) = 16),
    name         TEXT    NOT NULL UNIQUE,
    key_hash     BLOB    NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    joined_at_ms INTEGER NOT NULL,
    seen_at_ms   INTEGER NOT NULL,
    slots        INTEGER NOT NULL CHECK (slots >= 0),
    -- Names of the renderers it offers, comma-separated.
    renderers    TEXT    NOT NULL,
    -- 1: it finishes its current jobs and gets no new ones.
    draining     INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1)),
    -- The key is rejected from this time on: removed by the operator, or forgotten. The row is kept, renamed, because
    -- leases refer to it.
    removed_at_ms INTEGER,
    -- The node's program version (empty if not reported) and protocol version.
    version      TEXT    NOT NULL DEFAULT '',
    protocol     INTEGER NOT NULL DEFAULT 1 CHECK (protocol >= 1),
    -- When the node announced its shutdown; cleared by its next claim.
    stopped_at_ms    INTEGER,
    -- Until when and why the node gets no jobs, and how many times in a row it was benched.
    benched_until_ms INTEGER,
    benched_because  TEXT    NOT NULL DEFAULT '',
    benchings        INTEGER NOT NULL DEFAULT 0 CHECK (benchings >= 0),
    -- When two machines were last seen using this key at the same time.
    doubled_at_ms    INTEGER,
    -- Picture heights that it renders, comma-separated.
    resolutions      TEXT    NOT NULL DEFAULT '1080,1440',
    -- 1: it is set up for the game. Then: its build if known, the tools that drive it, the result of the last try after
    -- an update, and why it takes no jobs for the game (NULL: it does).
    has_game         INTEGER NOT NULL DEFAULT 0 CHECK (has_game IN (0, 1)),
    game_build       INTEGER CHECK (game_build > 0),
    game_tools       TEXT    NOT NULL DEFAULT '',
    game_canary      TEXT    NOT NULL DEFAULT '',
    game_not_ready   TEXT,
    -- The join token and the name that the machine asked for: when it comes back with both, it takes over this node. NULL:
    -- it cannot. Not a foreign key: the token may be gone.
    token            INTEGER,
    asked_name       TEXT,
    -- 1: it is forgotten soon after it is gone.
    ephemeral        INTEGER NOT NULL DEFAULT 0 CHECK (ephemeral IN (0, 1)),
    -- Leases up to this one no longer count against the node: the operator resumed it.
    judged_after     INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The nodes that are not removed: removed ones may be many.
CREATE INDEX nodes_present ON nodes (id) WHERE removed_at_ms IS NULL;

-- Forgotten nodes, deleted once no lease refers to them.
CREATE INDEX nodes_forgotten ON nodes (id) WHERE ephemeral = 1 AND removed_at_ms IS NOT NULL;

-- The node of a machine that comes back with its token.
CREATE INDEX nodes_token ON nodes (token, asked_name) WHERE token IS NOT NULL;

-- Render jobs. Rows of finished jobs may be archived to a file and deleted, except the newest row, so that no `id` is
-- used twice. Ordering and cursors use `id`; clients see `public_id` (a UUID v7). A table that refers to jobs needs an
-- index on that column, or archiving scans it for every job.
CREATE TABLE jobs (
    id                        INTEGER PRIMARY KEY,
    public_id                 BLOB    NOT NULL UNIQUE CHECK (length(public_id) = 16),
    account                   INTEGER NOT NULL REFERENCES accounts (id),
    key                       INTEGER NOT NULL REFERENCES api_keys (id),
    class                     TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    status                    TEXT    NOT NULL
                              CHECK (status IN ('queued', 'rendering') OR status IN ('done', 'failed')
                                  OR status = 'cancelled'),
    renderer                  TEXT    NOT NULL CHECK (renderer IN ('builtin', 'game')),
    demo_url                  TEXT    NOT NULL,
    steam64_id                INTEGER NOT NULL,
    round                     INTEGER NOT NULL CHECK (round >= 1),
    fps                       INTEGER NOT NULL CHECK (fps IN (30, 60)),
    resolution                INTEGER NOT NULL CHECK (resolution IN (1080, 1440)),
    spec_show_xray            INTEGER NOT NULL CHECK (spec_show_xray IN (0, 1)),
    cl_draw_only_deathnotices INTEGER NOT NULL CHECK (cl_draw_only_deathnotices IN (0, 1)),
    metadata                  TEXT,
    -- Attempts that failed, and attempts lost because the node went silent or was stopped.
    failures                  INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    losses                    INTEGER NOT NULL DEFAULT 0 CHECK (losses >= 0),
    -- The most recent failure; for a failed job, the final one.
    failure_code              TEXT,
    failure_message           TEXT,
    failure_retry             TEXT CHECK (failure_retry IN ('never', 'anywhere') OR failure_retry = 'elsewhere'),
    created_at_ms             INTEGER NOT NULL,
    started_at_ms             INTEGER,
    finished_at_ms            INTEGER,
    -- Build of the game that recorded the demo, once known.
    demo_build                INTEGER CHECK (demo_build > 0),
    CHECK ((finished_at_ms IS NULL) = (status IN ('queued', 'rendering'))),
    CHECK (status <> 'failed' OR failure_code IS NOT NULL)
) STRICT;

-- Paging through an account's jobs.
CREATE INDEX jobs_account ON jobs (account, id);

-- The few unfinished jobs: loading the ready queue at startup, and an account's counts.
CREATE INDEX jobs_unfinished ON jobs (status, account, class) WHERE status = 'queued' OR status = 'rendering';

-- Failed and cancelled jobs, newest first: few among many that are done.
CREATE INDEX jobs_without_clip ON jobs (status, id) WHERE status IN ('failed', 'cancelled');

-- Unfinished jobs of an uploaded demo, by the hash at the end of its URL (any host): whether it may be deleted.
CREATE INDEX jobs_of_demo ON jobs (account, lower(substr(demo_url, -64)))
WHERE (status = 'queued' OR status = 'rendering') AND substr(demo_url, -75, 11) = '/api/demos/';

-- Submissions with an `Idempotency-Key` and their first response, kept for a day. `id` grows with time, so the sweep
-- finds the oldest first.
CREATE TABLE submissions (
    id            INTEGER PRIMARY KEY,
    account       INTEGER NOT NULL REFERENCES accounts (id),
    -- Chosen by the client; shared by all API keys of the account.
    key           TEXT    NOT NULL,
    body_sha256   BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    -- Not a foreign key, which would need an index: a job is archived only after its response has expired.
    job           INTEGER NOT NULL,
    -- The exact body of the 202 response.
    answer        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (account, key)
) STRICT;

-- One row per attempt: a node's time-limited claim on a job. AUTOINCREMENT never reuses an ID, so a late node cannot
-- act on another node's lease. Expiry times of live leases are kept in memory only.
CREATE TABLE leases (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    job           INTEGER NOT NULL REFERENCES jobs (id),
    node          INTEGER NOT NULL REFERENCES nodes (id),
    state         TEXT    NOT NULL
                  CHECK (state IN ('live', 'done') OR state IN ('failed', 'lost') OR state = 'cancelled'),
    -- 1: this attempt failed on this node, so the job prefers other nodes.
    avoid         INTEGER NOT NULL DEFAULT 0 CHECK (avoid IN (0, 1)),
    started_at_ms INTEGER NOT NULL,
    ended_at_ms   INTEGER,
    -- Why the attempt failed, and the end of the renderer's output.
    failure_code    TEXT,
    failure_message TEXT,
    log             TEXT,
    CHECK ((ended_at_ms IS NULL) = (state = 'live'))
) STRICT;

-- A node's jobs, newest first.
CREATE INDEX leases_node ON leases (node, id);

-- Enforces at most one live lease per job.
CREATE UNIQUE INDEX leases_live_job ON leases (job) WHERE ended_at_ms IS NULL;

-- Counting a node's live leases.
CREATE INDEX leases_live_node ON leases (node) WHERE ended_at_ms IS NULL;

-- A job's attempts, in order.
CREATE INDEX leases_job ON leases (job);

-- The nodes that a queued job avoids.
CREATE INDEX leases_avoid ON leases (job, node) WHERE avoid = 1;

-- Published clips. Deleting a clip deletes its row but keeps the job's. Files: `clips/{epoch}-{lease}.mp4`
-- and `.jpg`; without the epoch if the lease belongs to none.
CREATE TABLE clips (
    job          INTEGER PRIMARY KEY REFERENCES jobs (id),
    -- Part of the clip's URL. Stored in clear because its owner can ask for it at any time.
    token        TEXT    NOT NULL UNIQUE CHECK (length(token) = 32),
    lease        INTEGER NOT NULL UNIQUE REFERENCES leases (id),
    bytes        INTEGER NOT NULL,
    sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
    width        INTEGER NOT NULL,
    height       INTEGER NOT NULL,
    frames       INTEGER NOT NULL,
    fps          INTEGER NOT NULL,
    duration_ms  INTEGER NOT NULL,
    has_audio    INTEGER NOT NULL CHECK (has_audio IN (0, 1)),
    view         TEXT    NOT NULL CHECK (view IN ('tactical', 'first_person')),
    pov_verified INTEGER CHECK (pov_verified IN (0, 1)),
    -- The account and the time of the job's completion, copied here for retention.
    account        INTEGER NOT NULL REFERENCES accounts (id),
    finished_at_ms INTEGER NOT NULL,
    -- 1: retention rules never delete it.
    pinned         INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1))
) STRICT;

-- Clips from the oldest, and their bytes, for retention and `admin storage`.
CREATE INDEX clips_oldest ON clips (finished_at_ms, job, account, pinned, bytes);

-- Billing ledger of completed jobs, keyed by job so that none is billed twice. Never changed, never deleted: it outlives
-- the job's row, so `job` is not a foreign key.
CREATE TABLE ledger (
    job        INTEGER PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES accounts (id),
    class      TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    renderer   TEXT    NOT NULL CHECK (renderer IN ('builtin', 'game')),
    footage_ms INTEGER NOT NULL,
    fps        INTEGER NOT NULL,
    resolution INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    -- Price per hour and amount, in micro-units of the currency, when the job was completed. Both are 0 for reserved
    -- work and for jobs completed before prices were set.
    rate       INTEGER NOT NULL DEFAULT 0 CHECK (rate >= 0),
    amount     INTEGER NOT NULL DEFAULT 0 CHECK (amount >= 0),
    currency   TEXT    NOT NULL DEFAULT 'USD' CHECK (length(currency) = 3)
) STRICT;

-- An account's usage and statements for a period.
CREATE INDEX ledger_account ON ledger (account, at_ms);

-- Failed and cancelled jobs, which are never billed, for an account's usage. Like the ledger, it outlives the job's row.
CREATE TABLE unbilled (
    account    INTEGER NOT NULL REFERENCES accounts (id),
    at_ms      INTEGER NOT NULL,
    job        INTEGER NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('failed', 'cancelled')),
    class      TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    renderer   TEXT    NOT NULL CHECK (renderer IN ('builtin', 'game')),
    resolution INTEGER NOT NULL,
    fps        INTEGER NOT NULL,
    PRIMARY KEY (account, at_ms, job)
) STRICT, WITHOUT ROWID;

-- Price per hour of metered footage, in micro-units. A row applies from `at_ms` until a later row of the same kind.
-- Append-only.
CREATE TABLE hour_prices (
    id         INTEGER PRIMARY KEY,
    renderer   TEXT    NOT NULL CHECK (renderer IN ('builtin', 'game')),
    resolution INTEGER NOT NULL CHECK (resolution IN (1080, 1440)),
    fps        INTEGER NOT NULL CHECK (fps IN (30, 60)),
    price      INTEGER NOT NULL CHECK (price >= 0),
    at_ms      INTEGER NOT NULL
) STRICT;

-- The price for a job being completed.
CREATE INDEX hour_prices_kind ON hour_prices (renderer, resolution, fps, at_ms);

-- Monthly price of a dink, in micro-units. Append-only, like `hour_prices`.
CREATE TABLE dink_prices (
    id    INTEGER PRIMARY KEY,
    price INTEGER NOT NULL CHECK (price >= 0),
    at_ms INTEGER NOT NULL
) STRICT;

-- The currency of all prices. Append-only, like `hour_prices`.
CREATE TABLE currencies (
    id    INTEGER PRIMARY KEY,
    code  TEXT    NOT NULL CHECK (length(code) = 3),
    at_ms INTEGER NOT NULL
) STRICT;

-- The currency for a job being completed.
CREATE INDEX currencies_time ON currencies (at_ms);

-- Uploaded demos, by account. The file is `demos/{sha256}`, shared by all accounts that uploaded the same bytes.
CREATE TABLE demos (
    account        INTEGER NOT NULL REFERENCES accounts (id),
    sha256         BLOB    NOT NULL CHECK (length(sha256) = 32),
    bytes          INTEGER NOT NULL,
    uploaded_at_ms INTEGER NOT NULL,
    -- When a job for it was last submitted; NULL if never.
    used_at_ms     INTEGER,
    PRIMARY KEY (account, sha256)
) STRICT, WITHOUT ROWID;

-- The accounts that uploaded a demo: whether its file is still needed, and fair ordering of indexing.
CREATE INDEX demos_content ON demos (sha256);

-- Paging through an account's uploads.
CREATE INDEX demos_uploaded ON demos (account, uploaded_at_ms);

-- Contents of uploaded demos, by hash. Each is indexed once, in a child process, however many accounts uploaded it.
CREATE TABLE demo_indexes (
    sha256          BLOB    NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    state           TEXT    NOT NULL CHECK (state IN ('waiting', 'indexed', 'failed')),
    -- Waiting since, or indexed at.
    since_ms        INTEGER NOT NULL,
    -- Output of `inspect --json`.
    content         TEXT,
    failure_code    TEXT,
    failure_message TEXT,
    -- How often indexing hit its resource limits; it is given up after three times.
    exhaustions     INTEGER NOT NULL DEFAULT 0 CHECK (exhaustions >= 0),
    CHECK ((content IS NOT NULL) = (state = 'indexed')),
    CHECK ((failure_code IS NOT NULL) = (state = 'failed')),
    CHECK ((failure_message IS NOT NULL) = (state = 'failed'))
) STRICT;

-- The next demo to index.
CREATE INDEX demo_indexes_waiting ON demo_indexes (since_ms, sha256) WHERE state = 'waiting';

-- Webhooks: one per account.
CREATE TABLE webhooks (
    account             INTEGER PRIMARY KEY REFERENCES accounts (id),
    url                 TEXT    NOT NULL,
    -- Signs deliveries, so it is stored in clear; only the owner of the data directory can read it.
    secret              BLOB    NOT NULL CHECK (length(secret) = 32),
    -- The secret before the last rotation, and until when it also signs.
    old_secret          BLOB    CHECK (length(old_secret) = 32),
    old_secret_until_ms INTEGER,
    created_at_ms       INTEGER NOT NULL,
    -- The current run of failed attempts: its first and its latest.
    failing_since_ms    INTEGER,
    failed_at_ms        INTEGER,
    -- Since when and why nothing is sent.
    disabled_at_ms      INTEGER,
    disabled_because    TEXT,
    CHECK ((old_secret IS NULL) = (old_secret_until_ms IS NULL)),
    CHECK ((failing_since_ms IS NULL) = (failed_at_ms IS NULL)),
    CHECK ((disabled_at_ms IS NULL) = (disabled_because IS NULL))
) STRICT;

-- Private hosts that an account's webhook may reach: a host name, an address or a network.
CREATE TABLE webhook_hosts (
    account INTEGER NOT NULL REFERENCES accounts (id),
    host    TEXT    NOT NULL,
    PRIMARY KEY (account, host)
) STRICT, WITHOUT ROWID;

-- Events for webhooks, each kept until it is delivered or given up, and then for a while as a log. The body is made when
-- an event is sent.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,
    -- The `webhook-id`, the same for all attempts.
    public_id       BLOB    NOT NULL UNIQUE CHECK (length(public_id) = 16),
    account         INTEGER NOT NULL REFERENCES accounts (id),
    event           TEXT    NOT NULL
                    CHECK (event IN ('clip.done', 'clip.failed') OR event IN ('clip.cancelled', 'webhook.test')),
    -- NULL for a test.
    job             INTEGER REFERENCES jobs (id) ON DELETE CASCADE,
    at_ms           INTEGER NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'delivered') OR state = 'failed'),
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- When the next attempt is due.
    next_at_ms      INTEGER,
    -- The latest attempt: when it was made, the response's status, and why it failed.
    attempted_at_ms INTEGER,
    status          INTEGER,
    error           TEXT,
    CHECK ((next_at_ms IS NOT NULL) = (state = 'pending')),
    CHECK ((job IS NULL) = (event = 'webhook.test'))
) STRICT;

-- Paging through an account's deliveries.
CREATE INDEX outbox_account ON outbox (account, id);

-- The next delivery to each webhook.
CREATE INDEX outbox_pending ON outbox (account, next_at_ms, id) WHERE state = 'pending';

-- The events of a job, deleted with its row.
CREATE INDEX outbox_job ON outbox (job);

-- The operator's retention rules. Nothing is deleted without one.
CREATE TABLE retention_rules (
    id         INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL CHECK (kind IN ('clips', 'demos', 'jobs')),
    -- NULL: all accounts without a rule of their own.
    account    INTEGER REFERENCES accounts (id),
    -- Both NULL: nothing of this account is deleted, whatever the rule for all accounts says.
    max_age_ms INTEGER CHECK (max_age_ms > 0),
    max_bytes  INTEGER CHECK (max_bytes >= 0)
) STRICT;

-- At most one rule of each kind for an account, and one for all accounts.
CREATE UNIQUE INDEX retention_rules_scope ON retention_rules (kind, COALESCE(account, 0));

-- The files of archived jobs, `archive/jobs-{month}.jsonl.gz`. Bytes beyond the recorded length were written by an
-- interrupted run and are cut off by the next one.
CREATE TABLE job_archives (
    -- The UTC month in which the jobs finished, such as 2026-11.
    month TEXT    NOT NULL PRIMARY KEY,
    bytes INTEGER NOT NULL CHECK (bytes > 0),
    jobs  INTEGER NOT NULL CHECK (jobs > 0)
) STRICT, WITHOUT ROWID;

-- Counts changes to queued jobs by processes other than the server, which then rebuilds its in-memory queue. One row.
CREATE TABLE queue_changes (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL,
    -- The server's setting: whether reserved jobs beyond dinks go before metered jobs or only to idle nodes.
    beyond_dinks TEXT NOT NULL DEFAULT 'first' CHECK (beyond_dinks IN ('first', 'idle'))
) STRICT;

INSERT INTO queue_changes (id, number) VALUES (1, 0);

-- The stretches of the store's life: the first begins when a server first serves the store, each further one when the
-- store takes the place of another (`admin promote`, `admin restore`). The file `epoch` beside the store names the current
-- one, so a copied or restored store is detected by the mismatch. A lease belongs to the epoch with the greatest
-- `first_lease` that is not above its number; leases below all of them belong to none.
CREATE TABLE epochs (
    first_lease   INTEGER PRIMARY KEY,
    -- Eight hexadecimal digits.
    epoch         TEXT    NOT NULL UNIQUE CHECK (length(epoch) = 8),
    -- NULL: with the migration to version 7.
    began_at_ms   INTEGER,
    -- If the store took the place of another: the time in which that one may have accepted jobs that this one lacks.
    lost_from_ms  INTEGER,
    lost_until_ms INTEGER,
    CHECK ((lost_from_ms IS NULL) = (lost_until_ms IS NULL))
) STRICT;

-- Audit log: who did what, and when. Append-only, enforced by triggers.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    -- The operating system user who ran the command.
    actor   TEXT    NOT NULL,
    -- A dotted name, such as `account.activate`.
    action  TEXT    NOT NULL,
    -- The target: an account's name, or the ID of a key, job or node.
    subject TEXT    NOT NULL,
    -- Further details. Never contains secrets.
    details TEXT    NOT NULL,
    -- The address of the dashboard's user; empty for `admin`.
    source  TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to');
END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to');
END;

-- Codes that sign an operator in to the dashboard, or confirm one change there. Deleted once used.
CREATE TABLE operator_codes (
    hash          BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    -- The operating system user who asked for it.
    actor         TEXT    NOT NULL,
    read_only     INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys of operators who signed in to the dashboard. Kept for a while after they ended, for the list.
CREATE TABLE operator_keys (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hash          BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    actor         TEXT    NOT NULL,
    read_only     INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    -- Where they signed in from.
    source        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    -- Updated occasionally, not on every request.
    used_at_ms    INTEGER NOT NULL,
    -- Signed out or revoked.
    ended_at_ms   INTEGER
) STRICT;

-- Ended jobs by half hour, for the dashboard's figures: counting the jobs themselves would read them all. Outlives them.
CREATE TABLE ended_jobs (
    -- Start of the half hour.
    at_ms      INTEGER NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('done', 'failed') OR status = 'cancelled'),
    class      TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    -- The failure of failed jobs; empty for others.
    code       TEXT    NOT NULL,
    jobs       INTEGER NOT NULL CHECK (jobs > 0),
    -- The latest of them. Not a foreign key, which would need an index: it may have been archived.
    last_job   INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    PRIMARY KEY (at_ms, status, class, code)
) STRICT, WITHOUT ROWID;

-- The appliance by half hour, sampled by the server: trends of queue and disk.
CREATE TABLE samples (
    -- Start of the half hour.
    at_ms        INTEGER NOT NULL PRIMARY KEY,
    -- Most jobs waiting at once.
    waiting      INTEGER NOT NULL CHECK (waiting >= 0),
    -- Free space at the end of the half hour, and bytes of clips and demos; NULL if unknown.
    free_bytes   INTEGER,
    stored_bytes INTEGER
) STRICT, WITHOUT ROWID;
