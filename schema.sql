-- The store of a dinkem-appliance, version 2. `src/store/migrations.rs` applies it to an empty file, in one transaction;
-- a file of an older version comes to the same shape by the steps in `src/store/migrations/`, so that a column which
-- came later stands last in its table here too.
--
-- House rules: every table is STRICT; states are words held by CHECKs; times are Unix milliseconds (`…_at_ms`);
-- UUIDs and hashes are blobs; a secret is never stored, only its SHA-256. An index costs about as much as a row, so
-- each one names the statement that it serves.

-- Who may submit. A new account is inactive until the operator activates it.
CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY,
    public_id     BLOB    NOT NULL UNIQUE CHECK (length(public_id) = 16),
    name          TEXT    NOT NULL UNIQUE,
    status        TEXT    NOT NULL CHECK (status IN ('inactive', 'active', 'deactivated')),
    dinks         INTEGER NOT NULL DEFAULT 0 CHECK (dinks >= 0),
    created_at_ms INTEGER NOT NULL
) STRICT;

-- API keys by the hash of the key: one look-up a request. Revoked keys stay, so that jobs keep naming theirs.
CREATE TABLE api_keys (
    hash          BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    id            INTEGER NOT NULL UNIQUE,
    account       INTEGER NOT NULL REFERENCES accounts (id),
    class         TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    created_at_ms INTEGER NOT NULL,
    -- From then on it is refused; may lie ahead, while a rotated key and its successor overlap.
    revoked_at_ms INTEGER,
    -- Written now and then, not on every call.
    used_at_ms    INTEGER
) STRICT, WITHOUT ROWID;

-- `admin keys list` and `mint`.
CREATE INDEX api_keys_account ON api_keys (account, id);

-- What was sold when: one row each time an account's dinks are set.
CREATE TABLE dinks_history (
    id      INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (id),
    dinks   INTEGER NOT NULL CHECK (dinks >= 0),
    at_ms   INTEGER NOT NULL,
    -- When it was taken out of the bill: it then counts as if it had never been set.
    undone_at_ms INTEGER
) STRICT;

-- The most that an account held in a month.
CREATE INDEX dinks_history_account ON dinks_history (account, at_ms);

-- Secrets with which a machine becomes a node: each works once. A used one is deleted.
CREATE TABLE join_tokens (
    hash          BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Render nodes. `seen_at_ms` is written now and then, not on every call.
CREATE TABLE nodes (
    id           INTEGER PRIMARY KEY,
    public_id    BLOB    NOT NULL UNIQUE CHECK (length(public_id) = 16),
    name         TEXT    NOT NULL UNIQUE,
    key_hash     BLOB    NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    joined_at_ms INTEGER NOT NULL,
    seen_at_ms   INTEGER NOT NULL,
    slots        INTEGER NOT NULL CHECK (slots >= 0),
    -- The renderers it offers, by name, separated by commas.
    renderers    TEXT    NOT NULL,
    -- 1: it finishes what it holds and is given nothing more.
    draining     INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1)),
    -- From then on its key is refused. The row stays for the leases that it held, under a name that nobody needs.
    removed_at_ms INTEGER,
    -- Its program's version, empty where it does not say, and what it speaks with its server.
    version      TEXT    NOT NULL DEFAULT '',
    protocol     INTEGER NOT NULL DEFAULT 1 CHECK (protocol >= 1),
    -- When it said that it stops; empty again with its next claim.
    stopped_at_ms    INTEGER,
    -- Until then it is given nothing, and why; how often in a row it was benched.
    benched_until_ms INTEGER,
    benched_because  TEXT    NOT NULL DEFAULT '',
    benchings        INTEGER NOT NULL DEFAULT 0 CHECK (benchings >= 0),
    -- When two machines were last seen to use its key at the same time.
    doubled_at_ms    INTEGER
) STRICT;

-- Render jobs. Rows are never deleted; order and cursors are the row's number, clients see `public_id` (a UUID v7).
CREATE TABLE jobs (
    id                        INTEGER PRIMARY KEY,
    public_id                 BLOB    NOT NULL UNIQUE CHECK (length(public_id) = 16),
    account                   INTEGER NOT NULL REFERENCES accounts (id),
    key                       INTEGER NOT NULL REFERENCES api_keys (id),
    class                     TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    status                    TEXT    NOT NULL
                              CHECK (status IN ('queued', 'rendering', 'done', 'failed', 'cancelled')),
    renderer                  TEXT    NOT NULL CHECK (renderer IN ('builtin', 'game')),
    demo_url                  TEXT    NOT NULL,
    steam64_id                INTEGER NOT NULL,
    round                     INTEGER NOT NULL CHECK (round >= 1),
    fps                       INTEGER NOT NULL CHECK (fps IN (30, 60)),
    resolution                INTEGER NOT NULL CHECK (resolution IN (1080, 1440)),
    spec_show_xray            INTEGER NOT NULL CHECK (spec_show_xray IN (0, 1)),
    cl_draw_only_deathnotices INTEGER NOT NULL CHECK (cl_draw_only_deathnotices IN (0, 1)),
    metadata                  TEXT,
    -- Attempts that count: those that failed, and those whose node fell silent or was stopped.
    failures                  INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    losses                    INTEGER NOT NULL DEFAULT 0 CHECK (losses >= 0),
    -- The last failure; of a failed job, the one that ended it.
    failure_code              TEXT,
    failure_message           TEXT,
    failure_retry             TEXT CHECK (failure_retry IN ('never', 'anywhere', 'elsewhere')),
    created_at_ms             INTEGER NOT NULL,
    started_at_ms             INTEGER,
    finished_at_ms            INTEGER,
    CHECK ((finished_at_ms IS NULL) = (status IN ('queued', 'rendering'))),
    CHECK (status <> 'failed' OR failure_code IS NOT NULL)
) STRICT;

-- An account's jobs, page by page.
CREATE INDEX jobs_account ON jobs (account, id);

-- The unfinished few among all the finished: the ready queue at start, and an account's counts.
CREATE INDEX jobs_unfinished ON jobs (status, account, class) WHERE status = 'queued' OR status = 'rendering';

-- The unfinished jobs of an uploaded demo, found by the hash that its URL ends in, on whatever host: whether it may go.
CREATE INDEX jobs_of_demo ON jobs (account, lower(substr(demo_url, -64)))
WHERE (status = 'queued' OR status = 'rendering') AND substr(demo_url, -75, 11) = '/api/demos/';

-- Jobs that came to nothing, for an account's usage: those that were completed are in the ledger.
CREATE INDEX jobs_unbilled ON jobs (account, finished_at_ms) WHERE status = 'failed' OR status = 'cancelled';

-- Submissions that carried an `Idempotency-Key`, each with its first answer, for a day. The rows' numbers grow with time,
-- so that the sweep finds the old ones in front.
CREATE TABLE submissions (
    id            INTEGER PRIMARY KEY,
    account       INTEGER NOT NULL REFERENCES accounts (id),
    -- As the client chose it: the account's own, whichever of its API keys it came with.
    key           TEXT    NOT NULL,
    body_sha256   BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    job           INTEGER NOT NULL REFERENCES jobs (id),
    -- The body of the 202, to the byte.
    answer        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (account, key)
) STRICT;

-- One row an attempt: a node's time-limited right to a job. The numbers only grow (AUTOINCREMENT never gives one
-- twice), so a late node's number is never anybody else's. When a live one runs out is known in memory only.
CREATE TABLE leases (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    job           INTEGER NOT NULL REFERENCES jobs (id),
    node          INTEGER NOT NULL REFERENCES nodes (id),
    state         TEXT    NOT NULL CHECK (state IN ('live', 'done', 'failed', 'lost', 'cancelled')),
    -- 1: this attempt went wrong here, so the job goes to another node while one can take it.
    avoid         INTEGER NOT NULL DEFAULT 0 CHECK (avoid IN (0, 1)),
    started_at_ms INTEGER NOT NULL,
    ended_at_ms   INTEGER,
    -- Why the attempt went wrong, and the end of what its renderer said.
    failure_code    TEXT,
    failure_message TEXT,
    log             TEXT,
    CHECK ((ended_at_ms IS NULL) = (state = 'live'))
) STRICT;

-- At most one live lease a job, whatever the code above believes.
CREATE UNIQUE INDEX leases_live_job ON leases (job) WHERE ended_at_ms IS NULL;

-- How many leases a node holds.
CREATE INDEX leases_live_node ON leases (node) WHERE ended_at_ms IS NULL;

-- A job's attempts, one after the other.
CREATE INDEX leases_job ON leases (job);

-- The nodes that a waiting job avoids.
CREATE INDEX leases_avoid ON leases (job, node) WHERE avoid = 1;

-- Published clips. The row goes when the clip is deleted; the job's row stays. Files: `clips/{lease}.mp4` and `.jpg`.
CREATE TABLE clips (
    job          INTEGER PRIMARY KEY REFERENCES jobs (id),
    -- The address: in clear, because its owner is shown it again and again.
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
    pov_verified INTEGER CHECK (pov_verified IN (0, 1))
) STRICT;

-- What completed jobs are billed by: keyed by the job, so that none is billed twice. Never changed, never deleted.
CREATE TABLE ledger (
    job        INTEGER PRIMARY KEY REFERENCES jobs (id),
    account    INTEGER NOT NULL REFERENCES accounts (id),
    class      TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    renderer   TEXT    NOT NULL CHECK (renderer IN ('builtin', 'game')),
    footage_ms INTEGER NOT NULL,
    fps        INTEGER NOT NULL,
    resolution INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    -- Price of an hour and amount in micro-units of the currency, as they were when the job was completed. Both are 0
    -- for reserved work, and for what was completed before there were prices.
    rate       INTEGER NOT NULL DEFAULT 0 CHECK (rate >= 0),
    amount     INTEGER NOT NULL DEFAULT 0 CHECK (amount >= 0),
    currency   TEXT    NOT NULL DEFAULT 'USD' CHECK (length(currency) = 3)
) STRICT;

-- An account's usage and statements: a stretch of time among all that was ever completed.
CREATE INDEX ledger_account ON ledger (account, at_ms);

-- The price of an hour of metered footage, in micro-units: each row holds from its time on, until a later one of its
-- kind. Rows are only ever added.
CREATE TABLE hour_prices (
    id         INTEGER PRIMARY KEY,
    renderer   TEXT    NOT NULL CHECK (renderer IN ('builtin', 'game')),
    resolution INTEGER NOT NULL CHECK (resolution IN (1080, 1440)),
    fps        INTEGER NOT NULL CHECK (fps IN (30, 60)),
    price      INTEGER NOT NULL CHECK (price >= 0),
    at_ms      INTEGER NOT NULL
) STRICT;

-- The rate of a job that is being completed.
CREATE INDEX hour_prices_kind ON hour_prices (renderer, resolution, fps, at_ms);

-- The price of a dink for a month, in micro-units; likewise.
CREATE TABLE dink_prices (
    id    INTEGER PRIMARY KEY,
    price INTEGER NOT NULL CHECK (price >= 0),
    at_ms INTEGER NOT NULL
) STRICT;

-- The currency of all prices; likewise.
CREATE TABLE currencies (
    id    INTEGER PRIMARY KEY,
    code  TEXT    NOT NULL CHECK (length(code) = 3),
    at_ms INTEGER NOT NULL
) STRICT;

-- The currency of a job that is being completed.
CREATE INDEX currencies_time ON currencies (at_ms);

-- Uploaded demos, by account. The file is `demos/{sha256}`, shared by all accounts that uploaded the same bytes.
CREATE TABLE demos (
    account        INTEGER NOT NULL REFERENCES accounts (id),
    sha256         BLOB    NOT NULL CHECK (length(sha256) = 32),
    bytes          INTEGER NOT NULL,
    uploaded_at_ms INTEGER NOT NULL,
    -- When a job for it was last submitted; empty: never.
    used_at_ms     INTEGER,
    PRIMARY KEY (account, sha256)
) STRICT, WITHOUT ROWID;

-- Who has a demo: whether its file is still wanted, and whose turn it is when it waits to be read.
CREATE INDEX demos_content ON demos (sha256);

-- An account's uploads, page by page.
CREATE INDEX demos_uploaded ON demos (account, uploaded_at_ms);

-- What is in an uploaded demo, by content. It is read once, in a child process, whoever uploaded the bytes.
CREATE TABLE demo_indexes (
    sha256          BLOB    NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    state           TEXT    NOT NULL CHECK (state IN ('waiting', 'indexed', 'failed')),
    -- Since when it waits, or when it was read.
    since_ms        INTEGER NOT NULL,
    -- What `inspect --json` says.
    content         TEXT,
    failure_code    TEXT,
    failure_message TEXT,
    -- How often it used up the room that a reader may take: three times are enough.
    exhaustions     INTEGER NOT NULL DEFAULT 0 CHECK (exhaustions >= 0),
    CHECK ((content IS NOT NULL) = (state = 'indexed')),
    CHECK ((failure_code IS NOT NULL) = (state = 'failed')),
    CHECK ((failure_message IS NOT NULL) = (state = 'failed'))
) STRICT;

-- The next demo to be read.
CREATE INDEX demo_indexes_waiting ON demo_indexes (since_ms, sha256) WHERE state = 'waiting';

-- How often another process than the server has changed what waits: the server rebuilds its queue from the rows then, and
-- not for every other change. One row.
CREATE TABLE queue_changes (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
) STRICT;

INSERT INTO queue_changes (id, number) VALUES (1, 0);

-- The mark that the server left when it last started or stopped here. The file `served` beside the store holds the same
-- one: a store that was copied or put back disagrees with it. Empty until a server has run. One row.
CREATE TABLE served (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    mark BLOB    NOT NULL CHECK (length(mark) = 16)
) STRICT;

-- Who did what when. Rows are only ever added: the triggers hold that against everybody.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    -- The operating system's user at the command line.
    actor   TEXT    NOT NULL,
    -- What was done, as words with dots: `account.activate`.
    action  TEXT    NOT NULL,
    -- To what: an account's name, a key's, a job's or a node's id.
    subject TEXT    NOT NULL,
    -- What else there is to say. Never a secret.
    details TEXT    NOT NULL
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to');
END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is only added to');
END;
