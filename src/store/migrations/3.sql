-- From version 2 to 3. `schema.sql` documents the tables and columns.

-- Retention. It rebuilds tables from the columns of version 2, so it comes before whatever adds columns to them.

ALTER TABLE accounts ADD COLUMN demo_bytes INTEGER CHECK (demo_bytes >= 0);

CREATE TABLE ledger_3 (
    job        INTEGER PRIMARY KEY,
    account    INTEGER NOT NULL REFERENCES accounts (id),
    class      TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    renderer   TEXT    NOT NULL CHECK (renderer IN ('builtin', 'game')),
    footage_ms INTEGER NOT NULL,
    fps        INTEGER NOT NULL,
    resolution INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    rate       INTEGER NOT NULL DEFAULT 0 CHECK (rate >= 0),
    amount     INTEGER NOT NULL DEFAULT 0 CHECK (amount >= 0),
    currency   TEXT    NOT NULL DEFAULT 'USD' CHECK (length(currency) = 3)
) STRICT;

INSERT INTO ledger_3
SELECT job, account, class, renderer, footage_ms, fps, resolution, at_ms, rate, amount, currency FROM ledger;
DROP TABLE ledger;
ALTER TABLE ledger_3 RENAME TO ledger;
CREATE INDEX ledger_account ON ledger (account, at_ms);

CREATE TABLE submissions_3 (
    id            INTEGER PRIMARY KEY,
    account       INTEGER NOT NULL REFERENCES accounts (id),
    key           TEXT    NOT NULL,
    body_sha256   BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    job           INTEGER NOT NULL,
    answer        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (account, key)
) STRICT;

INSERT INTO submissions_3
SELECT id, account, key, body_sha256, job, answer, created_at_ms FROM submissions ORDER BY id;
DROP TABLE submissions;
ALTER TABLE submissions_3 RENAME TO submissions;

CREATE TABLE clips_3 (
    job          INTEGER PRIMARY KEY REFERENCES jobs (id),
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
    account        INTEGER NOT NULL REFERENCES accounts (id),
    finished_at_ms INTEGER NOT NULL,
    pinned         INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1))
) STRICT;

INSERT INTO clips_3
SELECT
    clips.job, clips.token, clips.lease, clips.bytes, clips.sha256, clips.width, clips.height, clips.frames, clips.fps,
    clips.duration_ms, clips.has_audio, clips.view, clips.pov_verified, jobs.account, jobs.finished_at_ms, 0
FROM clips
JOIN jobs ON jobs.id = clips.job
ORDER BY clips.job;
DROP TABLE clips;
ALTER TABLE clips_3 RENAME TO clips;
CREATE INDEX clips_oldest ON clips (finished_at_ms, job, account, pinned, bytes);

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

INSERT INTO unbilled
SELECT account, finished_at_ms, id, status, class, renderer, resolution, fps
FROM jobs
WHERE status = 'failed' OR status = 'cancelled';
DROP INDEX jobs_unbilled;

CREATE TABLE retention_rules (
    id         INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL CHECK (kind IN ('clips', 'demos', 'jobs')),
    account    INTEGER REFERENCES accounts (id),
    max_age_ms INTEGER CHECK (max_age_ms > 0),
    max_bytes  INTEGER CHECK (max_bytes >= 0)
) STRICT;

CREATE UNIQUE INDEX retention_rules_scope ON retention_rules (kind, COALESCE(account, 0));

CREATE TABLE job_archives (
    month TEXT    NOT NULL PRIMARY KEY,
    bytes INTEGER NOT NULL CHECK (bytes > 0),
    jobs  INTEGER NOT NULL CHECK (jobs > 0)
) STRICT, WITHOUT ROWID;

-- Webhooks.

CREATE TABLE webhooks (
    account             INTEGER PRIMARY KEY REFERENCES accounts (id),
    url                 TEXT    NOT NULL,
    secret              BLOB    NOT NULL CHECK (length(secret) = 32),
    old_secret          BLOB    CHECK (length(old_secret) = 32),
    old_secret_until_ms INTEGER,
    created_at_ms       INTEGER NOT NULL,
    failing_since_ms    INTEGER,
    failed_at_ms        INTEGER,
    disabled_at_ms      INTEGER,
    disabled_because    TEXT,
    CHECK ((old_secret IS NULL) = (old_secret_until_ms IS NULL)),
    CHECK ((failing_since_ms IS NULL) = (failed_at_ms IS NULL)),
    CHECK ((disabled_at_ms IS NULL) = (disabled_because IS NULL))
) STRICT;

CREATE TABLE webhook_hosts (
    account INTEGER NOT NULL REFERENCES accounts (id),
    host    TEXT    NOT NULL,
    PRIMARY KEY (account, host)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,
    public_id       BLOB    NOT NULL UNIQUE CHECK (length(public_id) = 16),
    account         INTEGER NOT NULL REFERENCES accounts (id),
    event           TEXT    NOT NULL CHECK (event IN ('clip.done', 'clip.failed', 'clip.cancelled', 'webhook.test')),
    job             INTEGER REFERENCES jobs (id) ON DELETE CASCADE,
    at_ms           INTEGER NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at_ms      INTEGER,
    attempted_at_ms INTEGER,
    status          INTEGER,
    error           TEXT,
    CHECK ((next_at_ms IS NOT NULL) = (state = 'pending')),
    CHECK ((job IS NULL) = (event = 'webhook.test'))
) STRICT;

CREATE INDEX outbox_account ON outbox (account, id);

CREATE INDEX outbox_pending ON outbox (account, next_at_ms, id) WHERE state = 'pending';

CREATE INDEX outbox_job ON outbox (job);

-- Demos are indexed again: older indexes lack kills, deaths, teams and highlights.
UPDATE demo_indexes SET state = 'waiting', content = NULL WHERE state = 'indexed';
