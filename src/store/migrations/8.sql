-- From version 7 to 8. `schema.sql` documents the tables and columns.

-- Shorter lists in the checks of tables that are written for each job. They accept the same rows, so only the text of the
-- schema changes: rebuilding the tables would take minutes.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema
SET sql = replace(replace(sql,
    'CHECK (status IN (''queued'', ''rendering'', ''done'', ''failed'', ''cancelled''))',
    'CHECK (status IN (''queued'', ''rendering'') OR status IN (''done'', ''failed'') OR status = ''cancelled'')'),
    'CHECK (failure_retry IN (''never'', ''anywhere'', ''elsewhere''))',
    'CHECK (failure_retry IN (''never'', ''anywhere'') OR failure_retry = ''elsewhere'')')
WHERE type = 'table' AND name = 'jobs';

UPDATE sqlite_schema
SET sql = replace(sql,
    'CHECK (state IN (''live'', ''done'', ''failed'', ''lost'', ''cancelled''))',
    'CHECK (state IN (''live'', ''done'') OR state IN (''failed'', ''lost'') OR state = ''cancelled'')')
WHERE type = 'table' AND name = 'leases';

UPDATE sqlite_schema
SET sql = replace(replace(sql,
    'CHECK (event IN (''clip.done'', ''clip.failed'', ''clip.cancelled'', ''webhook.test''))',
    'CHECK (event IN (''clip.done'', ''clip.failed'') OR event IN (''clip.cancelled'', ''webhook.test''))'),
    'CHECK (state IN (''pending'', ''delivered'', ''failed''))',
    'CHECK (state IN (''pending'', ''delivered'') OR state = ''failed'')')
WHERE type = 'table' AND name = 'outbox';

UPDATE sqlite_schema
SET sql = replace(sql,
    'CHECK (status IN (''done'', ''failed'', ''cancelled''))',
    'CHECK (status IN (''done'', ''failed'') OR status = ''cancelled'')')
WHERE type = 'table' AND name = 'ended_jobs';

-- Also reads the schema again.
PRAGMA writable_schema = RESET;
