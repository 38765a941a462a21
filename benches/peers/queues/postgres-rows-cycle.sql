-- For pgbench: one job's cycle, in three transactions of one statement each. The public id begins with the time, as the
-- appliance's does.
\set account random(1, 1000)
INSERT INTO jobs (public_id, account, class, spec) VALUES ((lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || substr(md5(random()::text), 1, 20))::uuid, :account, 0, '{"demo_url":"https://demos.example.com/2026/11/match-730-1234567890.dem.bz2","steam64_id":"76561197960265735","round":5}');
WITH picked AS (
    UPDATE jobs SET status = 1, started_at = now()
    WHERE id = (SELECT id FROM jobs WHERE status = 0 ORDER BY class, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
)
INSERT INTO leases (job, node) SELECT id, :client_id FROM picked RETURNING id AS lease \gset
WITH ended AS (
    UPDATE leases SET state = 1, ended_at = now()
    WHERE id = :lease AND node = :client_id AND ended_at IS NULL
    RETURNING id, job
), done AS (
    UPDATE jobs SET status = 2, finished_at = now() FROM ended WHERE jobs.id = ended.job
    RETURNING jobs.id, jobs.account, ended.id AS lease
), clip AS (
    INSERT INTO clips (job, token, lease, account, bytes, sha256, video)
    SELECT id, md5(random()::text), lease, account, 5000000, '\x0707070707070707070707070707070707070707070707070707070707070707',
        '{"width":1920,"height":1080,"frames":1800,"fps":60}'
    FROM done
    RETURNING job, account
)
INSERT INTO ledger (job, account, amount) SELECT job, account, 3583333 FROM clip;
