-- A job queue in PostgreSQL with the rows that any queue with bills needs: the job, its lease, its row in the ledger.
CREATE TABLE jobs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account     integer     NOT NULL,
    class       smallint    NOT NULL,
    status      smallint    NOT NULL DEFAULT 0,
    spec        text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX jobs_queued ON jobs (class, id) WHERE status = 0;
CREATE INDEX jobs_account ON jobs (account, id);
CREATE TABLE leases (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job        bigint      NOT NULL REFERENCES jobs (id),
    node       integer     NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz
);
CREATE UNIQUE INDEX leases_live ON leases (job) WHERE ended_at IS NULL;
CREATE TABLE ledger (
    job     bigint PRIMARY KEY,
    account integer     NOT NULL,
    amount  bigint      NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
-- So that no claim finds the queue empty.
INSERT INTO jobs (account, class, spec) SELECT 1, 0, 'x' FROM generate_series(1, 1000);
