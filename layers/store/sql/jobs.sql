-- insert --
-- A job more, unless its owner has as many of its kind waiting or running as they may; the owner's others wait for this
-- decision. What was asked is not read back: it may be long.
WITH held AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtextextended('job ' || %(owner)s, 0))
), waiting AS MATERIALIZED (
    SELECT count(*) AS number FROM held LEFT JOIN checks.job
        ON job.owner = %(owner)s AND job.kind = %(kind)s AND job.state IN ('accepted', 'running')
    WHERE job.id IS NOT NULL
)
INSERT INTO checks.job (id, owner, kind, inputs, inputs_digest, message, created, updated)
SELECT %(id)s, %(owner)s, %(kind)s, %(inputs)s::jsonb, %(inputs_digest)s, %(message)s, %(now)s, %(now)s
FROM waiting WHERE waiting.number < %(most)s
RETURNING id, owner, is_operator, os_user, kind, '{}'::jsonb AS inputs, inputs_digest, state, partitions, done, message, worker,
       token, lease_until, attempts, work, result, created, started, finished, updated, expires

-- of_operator --
-- Only whoever owns the database may say that a job is the operator's.
UPDATE checks.job SET is_operator = true, os_user = %(os_user)s WHERE id = %(id)s
RETURNING id, owner, is_operator, os_user, kind, '{}'::jsonb AS inputs, inputs_digest, state, partitions, done, message, worker,
       token, lease_until, attempts, work, result, created, started, finished, updated, expires

-- waiting --
SELECT count(*) AS number FROM checks.job
WHERE owner = %(owner)s AND kind = %(kind)s AND state IN ('accepted', 'running')

-- job --
-- What was asked is read once it is over: until then it may be long.
SELECT id, owner, is_operator, os_user, kind, CASE WHEN state IN ('accepted', 'running') THEN '{}' ELSE inputs END AS inputs, inputs_digest, state, partitions, done, message, worker,
       token, lease_until, attempts, work, result, created, started, finished, updated, expires
FROM checks.job WHERE id = %(id)s

-- of_owner --
-- The newest jobs of one owner.
SELECT id, owner, is_operator, os_user, kind, '{}'::jsonb AS inputs, inputs_digest, state, partitions, done, message, worker,
       token, lease_until, attempts, work, result, created, started, finished, updated, expires
FROM checks.job
WHERE owner = %(owner)s AND (%(state)s::text IS NULL OR state = %(state)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
ORDER BY created DESC, id
LIMIT %(most)s OFFSET %(skipped)s

-- number_of_owner --
SELECT count(*) AS number FROM checks.job
WHERE owner = %(owner)s AND (%(state)s::text IS NULL OR state = %(state)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)

-- all --
SELECT id, owner, is_operator, os_user, kind, '{}'::jsonb AS inputs, inputs_digest, state, partitions, done, message, worker,
       token, lease_until, attempts, work, result, created, started, finished, updated, expires
FROM checks.job ORDER BY created DESC, id LIMIT %(most)s

-- claim --
-- The next job for a worker: first one whose worker is gone, then that of the owner who was served longest ago. Owners
-- who have as many running as they may wait. What another worker is just taking is passed over.
WITH next AS (
    SELECT job.id
    FROM checks.job AS job
    WHERE job.kind = ANY(%(kinds)s) AND job.attempts < %(most_attempts)s
      AND (job.state = 'accepted' OR (job.state = 'running' AND job.lease_until < clock_timestamp()))
      AND (SELECT count(*) FROM checks.job AS other
           WHERE other.owner = job.owner AND other.id <> job.id AND other.kind = ANY(%(kinds)s)
             AND other.state = 'running' AND other.lease_until >= clock_timestamp()) < %(most_running)s
    ORDER BY job.state = 'running' DESC,
             (SELECT max(served.started) FROM checks.job AS served WHERE served.owner = job.owner) NULLS FIRST,
             job.created, job.id
    LIMIT 1 FOR UPDATE OF job SKIP LOCKED
)
UPDATE checks.job AS job
SET state = 'running', worker = %(worker)s, token = job.token + 1, attempts = job.attempts + 1,
    lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s),
    started = coalesce(job.started, clock_timestamp()), updated = clock_timestamp(), message = %(message)s
FROM next WHERE job.id = next.id
RETURNING job.*

-- give_up --
-- Jobs that ended the life of too many workers.
UPDATE checks.job
SET state = 'failed', message = %(message)s, finished = clock_timestamp(), updated = clock_timestamp(),
    expires = clock_timestamp() + make_interval(secs => %(kept_s)s), worker = NULL, lease_until = NULL
WHERE (state = 'accepted' OR (state = 'running' AND lease_until < clock_timestamp())) AND attempts >= %(most_attempts)s AND kind = ANY(%(kinds)s)
RETURNING *

-- keep --
-- A sign of life, how far the job has come, and the lease prolonged. No row: it is not this worker's any more.
UPDATE checks.job
SET lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s), updated = clock_timestamp(),
    partitions = %(partitions)s, done = %(done)s, message = %(message)s
WHERE id = %(id)s AND token = %(token)s AND state = 'running'
RETURNING id

-- begun --
-- Where the work of a job lies from now on.
UPDATE checks.job SET work = %(work)s, updated = clock_timestamp()
WHERE id = %(id)s AND token = %(token)s AND state = 'running'
RETURNING id

-- finish --
UPDATE checks.job
SET state = %(state)s, message = %(message)s, result = %(result)s, finished = clock_timestamp(),
    updated = clock_timestamp(), expires = clock_timestamp() + make_interval(secs => %(kept_s)s),
    partitions = %(partitions)s, done = %(done)s, worker = NULL, lease_until = NULL
WHERE id = %(id)s AND token = %(token)s AND state = 'running'
RETURNING *

-- release --
-- Given back: by a worker that is told to end (the attempt does not count), or whose helper process was stopped.
UPDATE checks.job
SET state = 'accepted', worker = NULL, lease_until = NULL, attempts = greatest(attempts - %(uncounted)s::int, 0),
    updated = clock_timestamp()
WHERE id = %(id)s AND token = %(token)s AND state = 'running'
RETURNING id

-- dismiss --
-- Waiting, running or finished: its result is given out no more, and a worker clears its files away.
UPDATE checks.job
SET state = 'dismissed', message = %(message)s, updated = %(now)s, finished = coalesce(finished, %(now)s),
    expires = %(now)s::timestamptz + make_interval(secs => %(kept_s)s)
WHERE id = %(id)s AND state <> 'dismissed'
RETURNING *

-- outlived --
-- Jobs whose time is over, and of each owner the oldest ones beyond what is kept for one.
WITH ended AS (
    SELECT id, expires, row_number() OVER newest AS place, sum(bytes) OVER newest AS bytes
    FROM (
        SELECT id, owner, expires, finished,
               (SELECT sum((file ->> 'bytes')::bigint) FROM jsonb_array_elements(result -> 'files') AS file) AS bytes
        FROM checks.job WHERE state NOT IN ('accepted', 'running')
    ) AS job
    WINDOW newest AS (PARTITION BY owner ORDER BY finished DESC, id)
)
DELETE FROM checks.job USING ended
WHERE job.id = ended.id AND (ended.expires < clock_timestamp() OR place > %(kept)s OR bytes > %(kept_bytes)s)
RETURNING job.id

-- without_files --
-- Of these folders, those of jobs that need none: dismissed or failed; or of no job that is known, when they are old
-- (another database may keep its jobs in the same place).
SELECT asked.id FROM unnest(%(ids)s::text[], %(old)s::boolean[]) AS asked (id, is_old)
LEFT JOIN checks.job ON job.id = asked.id
WHERE (job.id IS NULL AND asked.is_old) OR job.state IN ('dismissed', 'failed')
