-- For pgbench: one job's cycle, in three transactions of one statement each.
\set account random(1, 1000)
INSERT INTO jobs (account, class, spec) VALUES (:account, 0, '{"demo_url":"https://demos.example.com/2026/11/match-730-1234567890.dem.bz2","steam64_id":"76561197960265735","round":5}');
WITH picked AS (
    UPDATE jobs SET status = 1
    WHERE id = (SELECT id FROM jobs WHERE status = 0 ORDER BY class, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
)
INSERT INTO leases (job, node) SELECT id, :client_id FROM picked RETURNING id AS lease \gset
WITH ended AS (
    UPDATE leases SET ended_at = now() WHERE id = :lease AND node = :client_id AND ended_at IS NULL RETURNING job
), done AS (
    UPDATE jobs SET status = 2, finished_at = now() FROM ended WHERE jobs.id = ended.job RETURNING jobs.id, jobs.account
)
INSERT INTO ledger (job, account, amount) SELECT id, account, 3583333 FROM done;
