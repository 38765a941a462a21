-- From version 1 to 2. What the columns and tables are for stands in `schema.sql`.

ALTER TABLE api_keys ADD COLUMN used_at_ms INTEGER;

ALTER TABLE nodes ADD COLUMN draining INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1));
ALTER TABLE nodes ADD COLUMN removed_at_ms INTEGER;

ALTER TABLE leases ADD COLUMN failure_code TEXT;
ALTER TABLE leases ADD COLUMN failure_message TEXT;
ALTER TABLE leases ADD COLUMN log TEXT;
CREATE INDEX leases_job ON leases (job);

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
