-- From version 3 to 4. `schema.sql` documents the tables and columns.

-- Nodes with the game.
ALTER TABLE nodes ADD COLUMN resolutions TEXT NOT NULL DEFAULT '1080,1440';
ALTER TABLE nodes ADD COLUMN has_game INTEGER NOT NULL DEFAULT 0 CHECK (has_game IN (0, 1));
ALTER TABLE nodes ADD COLUMN game_build INTEGER CHECK (game_build > 0);
ALTER TABLE nodes ADD COLUMN game_tools TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN game_canary TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN game_not_ready TEXT;

ALTER TABLE jobs ADD COLUMN demo_build INTEGER CHECK (demo_build > 0);

-- Demos are indexed again: older indexes lack the build of the game.
UPDATE demo_indexes SET state = 'waiting', content = NULL WHERE state = 'indexed';
