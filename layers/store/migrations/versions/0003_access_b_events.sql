-- Events as evidence: opened before anything leaves and closed with counts, sealed into a chain of digests.

-- ── events ───────────────────────────────────────────────────────────────────────────────────────
-- Built whole before it leaves, an access is one row (`whole`); what takes long has one when it begins and another when
-- it ends, with the same name in `access`. Rows are never changed: an opened one without its closing is an access whose
-- process died, or that is under way.
ALTER TABLE access.event
    ADD COLUMN phase       text NOT NULL DEFAULT 'whole' CHECK (phase IN ('whole', 'opened', 'closed')),
    ADD COLUMN access      text,
    ADD COLUMN office      text,
    ADD COLUMN sector      text,
    ADD COLUMN used        text[] NOT NULL DEFAULT '{}',      -- layers a check measured, besides its subject's
    ADD COLUMN bytes       bigint,                            -- that left, before compression
    ADD COLUMN outcome     text,                              -- digest of what was answered: a record's
    -- which transaction wrote it: numbers are given before a commit, so their order is not that of the commits
    ADD COLUMN transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ADD CHECK ((phase = 'whole') = (access IS NULL));

-- one opening and one closing an access; finds what is still open
CREATE UNIQUE INDEX event_access ON access.event (access, phase) WHERE access IS NOT NULL;
-- what the sealer has not seen yet
CREATE INDEX event_transaction ON access.event (transaction, id);
-- which checks measured a layer
CREATE INDEX event_used ON access.event USING gin (used) WHERE used <> '{}';

-- ── seals ────────────────────────────────────────────────────────────────────────────────────────
-- Each seal takes the events whose transactions were over at its snapshot and not yet at that of the seal before it:
-- every event is in exactly one. The digest of each event is kept, so that a changed one can be named.
DROP TABLE access.seal;
CREATE TABLE access.seal (
    number   bigint PRIMARY KEY CHECK (number > 0),           -- 1, 2, 3 … without a gap
    sealed   timestamptz NOT NULL,
    cluster  text NOT NULL,                                   -- whose transactions the snapshot counts
    snapshot pg_snapshot NOT NULL,
    events   bigint[] NOT NULL CHECK (cardinality(events) > 0),
    digests  bytea[] NOT NULL CHECK (cardinality(digests) = cardinality(events)),
    previous text UNIQUE,                                     -- the digest before; only the first seal has none
    digest   text NOT NULL UNIQUE,
    CHECK ((number = 1) = (previous IS NULL))
);

-- ── append only ──────────────────────────────────────────────────────────────────────────────────
-- The roles have no right to change either table; this holds the owner too, against mistakes. Who switches it off leaves
-- a chain that no longer fits.
CREATE FUNCTION access.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access.event
    FOR EACH STATEMENT EXECUTE FUNCTION access.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access.seal
    FOR EACH STATEMENT EXECUTE FUNCTION access.refuse_change();

-- ── rights ───────────────────────────────────────────────────────────────────────────────────────
-- lt_audit adds events and seals and reads both; nobody who serves may change or remove any
GRANT USAGE ON SCHEMA access TO lt_audit;
REVOKE ALL ON access.seal FROM PUBLIC, lt_api, lt_check, lt_publish, lt_reader, lt_server;
REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON access.event
    FROM PUBLIC, lt_audit, lt_api, lt_check, lt_publish, lt_reader, lt_server;
GRANT SELECT, INSERT ON access.event, access.seal TO lt_audit;
