-- From version 2 to 3. `schema.sql` documents the tables and columns.

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
