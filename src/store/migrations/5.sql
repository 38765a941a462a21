-- From version 4 to 5. `schema.sql` documents the tables and columns.

CREATE INDEX leases_node ON leases (node, id);

CREATE INDEX jobs_without_clip ON jobs (status, id) WHERE status IN ('failed', 'cancelled');

-- The dashboard.
ALTER TABLE audit ADD COLUMN source TEXT NOT NULL DEFAULT '';

CREATE TABLE operator_codes (
    hash          BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    actor         TEXT    NOT NULL,
    read_only     INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE operator_keys (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hash          BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    actor         TEXT    NOT NULL,
    read_only     INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    source        TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    used_at_ms    INTEGER NOT NULL,
    ended_at_ms   INTEGER
) STRICT;

CREATE TABLE ended_jobs (
    at_ms      INTEGER NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('done', 'failed', 'cancelled')),
    class      TEXT    NOT NULL CHECK (class IN ('reserved', 'metered')),
    code       TEXT    NOT NULL,
    jobs       INTEGER NOT NULL CHECK (jobs > 0),
    last_job   INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL,
    PRIMARY KEY (at_ms, status, class, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
    at_ms        INTEGER NOT NULL PRIMARY KEY,
    waiting      INTEGER NOT NULL CHECK (waiting >= 0),
    free_bytes   INTEGER,
    stored_bytes INTEGER
) STRICT, WITHOUT ROWID;
