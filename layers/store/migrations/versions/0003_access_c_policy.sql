-- ── grants are data: what is proposed, and every policy that was ever in force ───────────────────
-- one open proposal a person; it can be applied only on top of the policy it was made from
CREATE TABLE access.proposal (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest  text NOT NULL REFERENCES catalogue.text,            -- the canonical whole as it would stand
    base    text NOT NULL REFERENCES catalogue.text,
    by      text NOT NULL,                                      -- the principal
    is_operator boolean NOT NULL,                               -- the command line, whatever somebody's account is called
    os_user text,
    note    text NOT NULL DEFAULT '',
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    state   text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'applied', 'withdrawn'))
);
CREATE UNIQUE INDEX proposal_open ON access.proposal (by, is_operator) WHERE state = 'open';

-- written with every switch of access.policy, in its transaction
CREATE TABLE access.policy_change (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest   text NOT NULL REFERENCES catalogue.text,
    previous text REFERENCES catalogue.text,                    -- null: the first, seeded by the profile
    proposal bigint REFERENCES access.proposal,
    by       text NOT NULL,
    os_user  text,
    note     text NOT NULL DEFAULT '',
    applied  timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO access.policy_change (digest, by, os_user, applied) SELECT digest, 'operator', by, applied FROM access.policy;

-- whatever way an agreement gets a new version: every process reads the catalogue again
CREATE FUNCTION access.tell_processes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('lienthong', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER agreement_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON access.agreement
    FOR EACH STATEMENT EXECUTE FUNCTION access.tell_processes();

-- who was in force when is never rewritten; only what governs proposes and applies
REVOKE INSERT, UPDATE, DELETE ON access.proposal, access.policy_change FROM lt_api;
REVOKE UPDATE, DELETE ON access.policy_change FROM lt_publish;
GRANT INSERT ON access.agreement TO lt_publish;
