-- From version 2 to 3. What the columns are for stands in `schema.sql`.

ALTER TABLE nodes ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN protocol INTEGER NOT NULL DEFAULT 1 CHECK (protocol >= 1);
