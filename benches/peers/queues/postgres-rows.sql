-- Like `postgres.sql`, with the rows and indexes that the appliance has for a job: a public id, the clip, and what lists the
-- jobs of a node, the clips by age and an account's bills. Without the appliance's counter of ended jobs, for which all
-- completions would wait in turn, and without references to accounts, keys and nodes.
CREATE TABLE jobs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id   uuid        NOT NULL UNIQUE,
    account     integer     NOT NULL,
    class       smallint    NOT NULL,
    status      smallint    NOT NULL DEFAULT 0,
    spec        text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz
);
CREATE INDEX jobs_queued ON jobs (class, id) WHERE status = 0;
CREATE INDEX jobs_account ON jobs (account, id);
CREATE TABLE leases (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job        bigint      NOT NULL REFERENCES jobs (id),
    node       integer     NOT NULL,
    state      smallint    NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz
);
CREATE UNIQUE INDEX leases_live ON leases (job) WHERE ended_at IS NULL;
CREATE INDEX leases_live_node ON leases (node) WHERE ended_at IS NULL;
CREATE INDEX leases_node ON leases (node, id);
CREATE INDEX leases_job ON leases (job);
CREATE TABLE clips (
    job          bigint PRIMARY KEY REFERENCES jobs (id),
    token        text        NOT NULL UNIQUE,
    lease        bigint      NOT NULL UNIQUE REFERENCES leases (id),
    account      integer     NOT NULL,
    bytes        bigint      NOT NULL,
    sha256       bytea       NOT NULL,
    video        text        NOT NULL,
    finished_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX clips_oldest ON clips (finished_at, job, account, bytes);
CREATE TABLE ledger (
    job     bigint PRIMARY KEY,
    account integer     NOT NULL,
    amount  bigint      NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ledger_account ON ledger (account, at);
-- So that no claim finds the queue empty.
INSERT INTO jobs (public_id, account, class, spec) SELECT gen_random_uuid(), 1, 0, 'x' FROM generate_series(1, 1000);
