-- From version 1 to 2. `schema.sql` documents the tables and columns.

ALTER TABLE api_keys ADD COLUMN used_at_ms INTEGER;

ALTER TABLE dinks_history ADD COLUMN undone_at_ms INTEGER;

ALTER TABLE nodes ADD COLUMN draining INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1));
ALTER TABLE nodes ADD COLUMN removed_at_ms INTEGER;
ALTER TABLE nodes ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN protocol INTEGER NOT NULL DEFAULT 1 CHECK (protocol >= 1);
ALTER TABLE nodes ADD COLUMN stopped_at_ms INTEGER;
ALTER TABLE nodes ADD COLUMN benched_until_ms INTEGER;
ALTER TABLE nodes ADD COLUMN benched_because TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN benchings INTEGER NOT NULL DEFAULT 0 CHECK (benchings >= 0);
ALTER TABLE nodes ADD COLUMN doubled_at_ms INTEGER;

ALTER TABLE demos ADD COLUMN used_at_ms INTEGER;
CREATE INDEX demos_content ON demos (sha256);

ALTER TABLE leases ADD COLUMN failure_code TEXT;
ALTER TABLE leases ADD COLUMN failure_message TEXT;
ALTER TABLE leases ADD COLUMN log TEXT;
CREATE INDEX leases_job ON leases (job);

CREATE TABLE queue_changes (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL
) STRICT;

INSERT INTO queue_changes (id, number) VALUES (1, 0);

CREATE TABLE served (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    mark BLOB    NOT NULL CHECK (length(mark) = 16)
) STRICT;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
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

ALTER TABLE ledger ADD COLUMN rate INTEGER NOT NULL DEFAULT 0 CHECK (rate >= 0);
ALTER TABLE ledger ADD COLUMN amount INTEGER NOT NULL DEFAULT 0 CHECK (amount >= 0);
ALTER TABLE ledger ADD COLUMN currency TEXT NOT NULL DEFAULT 'USD' CHECK (length(currency) = 3);

CREATE INDEX ledger_account ON ledger (account, at_ms);

CREATE TABLE hour_prices (
    id         INTEGER PRIMARY KEY,
    renderer   TEXT    NOT NULL CHECK (renderer IN ('builtin', 'game')),
    resolution INTEGER NOT NULL CHECK (resolution IN (1080, 1440)),
    fps        INTEGER NOT NULL CHECK (fps IN (30, 60)),
    price      INTEGER NOT NULL CHECK (price >= 0),
    at_ms      INTEGER NOT NULL
) STRICT;

CREATE INDEX hour_prices_kind ON hour_prices (renderer, resolution, fps, at_ms);

CREATE TABLE dink_prices (
    id    INTEGER PRIMARY KEY,
    price INTEGER NOT NULL CHECK (price >= 0),
    at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE currencies (
    id    INTEGER PRIMARY KEY,
    code  TEXT    NOT NULL CHECK (length(code) = 3),
    at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX currencies_time ON currencies (at_ms);

CREATE INDEX jobs_unbilled ON jobs (account, finished_at_ms) WHERE status = 'failed' OR status = 'cancelled';

CREATE INDEX dinks_history_account ON dinks_history (account, at_ms);

CREATE TABLE submissions (
    id            INTEGER PRIMARY KEY,
    account       INTEGER NOT NULL REFERENCES accounts (id),
    key           TEXT    NOT NULL,
    body_sha256   BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    job           INTEGER NOT NULL REFERENCES jobs (id),
    answer        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (account, key)
) STRICT;

CREATE TABLE demo_indexes (
    sha256          BLOB    NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
    state           TEXT    NOT NULL CHECK (state IN ('waiting', 'indexed', 'failed')),
    since_ms        INTEGER NOT NULL,
    content         TEXT,
    failure_code    TEXT,
    failure_message TEXT,
    exhaustions     INTEGER NOT NULL DEFAULT 0 CHECK (exhaustions >= 0),
    CHECK ((content IS NOT NULL) = (state = 'indexed')),
    CHECK ((failure_code IS NOT NULL) = (state = 'failed')),
    CHECK ((failure_message IS NOT NULL) = (state = 'failed'))
) STRICT;

CREATE INDEX demos_uploaded ON demos (account, uploaded_at_ms);

CREATE INDEX jobs_of_demo ON jobs (account, lower(substr(demo_url, -64)))
WHERE (status = 'queued' OR status = 'rendering') AND substr(demo_url, -75, 11) = '/api/demos/';

CREATE INDEX demo_indexes_waiting ON demo_indexes (since_ms, sha256) WHERE state = 'waiting';

INSERT INTO demo_indexes (sha256, state, since_ms)
SELECT sha256, 'waiting', MIN(uploaded_at_ms) FROM demos GROUP BY sha256;
