-- What people say of a finding: confirmed, disputed with a reason, and what the layer's owner answered. One chain a
-- record, beginning with the record's digest; nothing of it is ever changed or removed.
CREATE TABLE checks.review (
    id        text PRIMARY KEY,
    record    text NOT NULL REFERENCES checks.record,
    number    integer NOT NULL CHECK (number > 0),             -- 1, 2, 3 … of the record
    created   timestamptz NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('confirm', 'dispute', 'answer')),
    about     text REFERENCES checks.review,                   -- of an answer: the dispute
    layer     text,                                            -- whose owner answers; null: no layer stands behind it
    fid       bigint,                                          -- the feature meant, where one was named
    principal text NOT NULL,
    previous  text NOT NULL,                                   -- the digest before; of the first the record's own
    digest    text NOT NULL UNIQUE,                            -- sha256 of body
    body      text NOT NULL,                                   -- canonical JSON
    UNIQUE (record, number),
    CHECK ((kind = 'answer') = (about IS NOT NULL)),
    CHECK (kind <> 'dispute' OR layer IS NOT NULL)
);
-- a dispute is answered once
CREATE UNIQUE INDEX review_answer ON checks.review (about) WHERE about IS NOT NULL;
CREATE INDEX review_task ON checks.review (layer, created) WHERE kind = 'dispute';
CREATE INDEX review_feature ON checks.review (layer, fid) WHERE kind = 'dispute' AND fid IS NOT NULL;
CREATE INDEX review_principal ON checks.review (principal, created);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checks.review
    FOR EACH STATEMENT EXECUTE FUNCTION access.refuse_change();

REVOKE ALL ON checks.review FROM PUBLIC, lt_api, lt_check, lt_publish, lt_audit, lt_reader, lt_server;
GRANT SELECT, INSERT ON checks.review TO lt_check;
