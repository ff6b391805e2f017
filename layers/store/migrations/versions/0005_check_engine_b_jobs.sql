-- The one job table: whose work it is, how far it has come, who is at it, and what came of it. Nobody has used the table
-- of the foundation yet.
DROP TABLE checks.job;

CREATE TABLE checks.job (
    id            text PRIMARY KEY CHECK (id ~ '^[0-9a-f-]{36}$'),  -- cannot be guessed
    owner         text NOT NULL,                                 -- only a name: rights are asked for anew each time
    is_operator   boolean NOT NULL DEFAULT false,                -- from the command line of this machine
    os_user       text,
    kind          text NOT NULL CHECK (kind ~ '^[a-z][a-z-]{0,62}$'),
    inputs        jsonb NOT NULL,                                -- as they were checked when the job was accepted
    inputs_digest text NOT NULL,
    state         text NOT NULL DEFAULT 'accepted'
                  CHECK (state IN ('accepted', 'running', 'successful', 'failed', 'dismissed')),
    partitions    integer NOT NULL DEFAULT 0 CHECK (partitions >= 0),
    done          integer NOT NULL DEFAULT 0 CHECK (done >= 0),
    message       jsonb NOT NULL DEFAULT '{}',                   -- {vi, en}
    worker        text,
    token         bigint NOT NULL DEFAULT 0,                     -- counted up with each claim; what an older one writes is lost
    lease_until   timestamptz,
    attempts      integer NOT NULL DEFAULT 0,
    work          text,                                          -- the folder of what was begun, below the job's own
    result        jsonb,
    created       timestamptz NOT NULL,
    started       timestamptz,
    finished      timestamptz,
    updated       timestamptz NOT NULL,
    expires       timestamptz                                    -- then result and row go
);
CREATE INDEX job_owner ON checks.job (owner, created DESC, id);
CREATE INDEX job_waiting ON checks.job (kind, created) WHERE state IN ('accepted', 'running');
CREATE INDEX job_expires ON checks.job (expires) WHERE expires IS NOT NULL;

-- Wakes a worker through the queue, for a job that waits and for one whose files are to be cleared away. One call that
-- waits in the queue is enough for all jobs. The server has no right on the queue's own tables.
CREATE FUNCTION checks.wake_workers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
    VALUES ('default', 'run_jobs', 'run_jobs', jsonb_build_object('timestamp', 0))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION checks.wake_workers() FROM PUBLIC;
CREATE TRIGGER wake_workers AFTER INSERT OR UPDATE OF state ON checks.job
    FOR EACH ROW WHEN (NEW.state IN ('accepted', 'dismissed')) EXECUTE FUNCTION checks.wake_workers();

-- Of what was asked, a job that is over keeps what its result is given out by; a dismissed one has no result.
CREATE FUNCTION checks.end_job() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.inputs := NEW.inputs - 'body' - 'keys';
    IF jsonb_typeof(NEW.inputs -> 'features') = 'array' THEN
        NEW.inputs := NEW.inputs || '{"features": []}';
    END IF;
    IF NEW.state = 'dismissed' THEN
        NEW.result := NULL;
    END IF;
    RETURN NEW;
END
$$;
REVOKE EXECUTE ON FUNCTION checks.end_job() FROM PUBLIC;
CREATE TRIGGER end_job BEFORE UPDATE OF state ON checks.job
    FOR EACH ROW WHEN (NEW.state IN ('successful', 'failed', 'dismissed')) EXECUTE FUNCTION checks.end_job();

-- The server takes jobs in, shows them to their owners and dismisses them; the rest is the workers'. It can send none as
-- the operator, and write no result: workers act on both.
REVOKE ALL ON checks.job FROM lt_api, lt_publish;
GRANT SELECT ON checks.job TO lt_api;
GRANT INSERT (id, owner, kind, inputs, inputs_digest, message, created, updated) ON checks.job TO lt_api;
GRANT UPDATE (state, message, finished, updated, expires) ON checks.job TO lt_api;
