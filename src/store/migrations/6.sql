-- From version 5 to 6. `schema.sql` documents the tables and columns.

ALTER TABLE join_tokens RENAME TO old_join_tokens;

CREATE TABLE join_tokens (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hash          BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    uses          INTEGER NOT NULL CHECK (uses >= 1),
    used          INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND uses),
    name_prefix   TEXT    NOT NULL DEFAULT '',
    ephemeral     INTEGER NOT NULL DEFAULT 0 CHECK (ephemeral IN (0, 1)),
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX join_tokens_expiry ON join_tokens (expires_at_ms);

-- Tokens were for one machine, within an hour.
INSERT INTO join_tokens (hash, uses, created_at_ms, expires_at_ms)
SELECT hash, 1, expires_at_ms - 3600000, expires_at_ms FROM old_join_tokens;

DROP TABLE old_join_tokens;

ALTER TABLE nodes ADD COLUMN token INTEGER;
ALTER TABLE nodes ADD COLUMN asked_name TEXT;
ALTER TABLE nodes ADD COLUMN ephemeral INTEGER NOT NULL DEFAULT 0 CHECK (ephemeral IN (0, 1));
ALTER TABLE nodes ADD COLUMN judged_after INTEGER NOT NULL DEFAULT 0;

CREATE INDEX nodes_present ON nodes (id) WHERE removed_at_ms IS NULL;
CREATE INDEX nodes_forgotten ON nodes (id) WHERE ephemeral = 1 AND removed_at_ms IS NOT NULL;
CREATE INDEX nodes_token ON nodes (token, asked_name) WHERE token IS NOT NULL;

ALTER TABLE queue_changes ADD COLUMN beyond_dinks TEXT NOT NULL DEFAULT 'first'
    CHECK (beyond_dinks IN ('first', 'idle'));
