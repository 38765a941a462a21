-- From version 2 to 3. `schema.sql` documents the tables and columns.

-- Demos are indexed again: older indexes lack kills, deaths, teams and highlights.
UPDATE demo_indexes SET state = 'waiting', content = NULL WHERE state = 'indexed';
