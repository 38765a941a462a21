-- From version 6 to 7. `schema.sql` documents the tables and columns.

CREATE TABLE epochs (
    first_lease   INTEGER PRIMARY KEY,
    epoch         TEXT    NOT NULL UNIQUE CHECK (length(epoch) = 8),
    began_at_ms   INTEGER,
    lost_from_ms  INTEGER,
    lost_until_ms INTEGER,
    CHECK ((lost_from_ms IS NULL) = (lost_until_ms IS NULL))
) STRICT;

-- The first epoch is the beginning of the old mark, so that the old file `served` beside the store still tells whether
-- the store was copied. Earlier leases, and their files, keep their names.
INSERT INTO epochs (first_lease, epoch)
SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'leases'), 0) + 1, lower(hex(substr(mark, 1, 4)))
FROM served;

DROP TABLE served;
