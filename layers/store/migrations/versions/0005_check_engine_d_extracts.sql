-- Sealed extracts. The file lies in the row: it is there or not, and a backup of the database holds it. What was once
-- made for one reader, one answer and one language is given out again byte for byte.
CREATE TABLE checks.extract (
    code             text PRIMARY KEY CHECK (code ~ '^[A-Z2-7]{26}$'), -- 128 random bits: knowing it is the right to verify
    record           text NOT NULL REFERENCES checks.record,
    record_digest    text NOT NULL,
    answer_digest    text NOT NULL,                            -- of the answer as it was shown, with the policy it names
    view_digest      text NOT NULL,                            -- of what is shown on the paper, whatever the policy
    language         text NOT NULL CHECK (language IN ('vi', 'en')),
    form             text NOT NULL,                            -- which edition of the document
    principal        text NOT NULL,
    created          timestamptz NOT NULL,
    certificate      text NOT NULL,                            -- sha256, hexadecimal
    certificate_name text NOT NULL,
    is_demo          boolean NOT NULL,
    sha256           text NOT NULL UNIQUE,
    pdf              bytea NOT NULL,
    UNIQUE (record, principal, language, form, answer_digest, view_digest)
);
ALTER TABLE checks.extract ALTER COLUMN pdf SET STORAGE EXTERNAL;  -- streams are compressed already

-- What came back signed; several are kept, none is changed.
CREATE TABLE checks.signed_extract (
    code      text NOT NULL REFERENCES checks.extract,
    number    integer NOT NULL CHECK (number > 0),             -- 1, 2, 3 … of the extract
    received  timestamptz NOT NULL,
    principal text NOT NULL,
    signers   text[] NOT NULL CHECK (signers <> '{}'),
    is_trusted boolean NOT NULL,                               -- whether every signer led to a root certificate of offices
    sha256    text NOT NULL,
    pdf       bytea NOT NULL,
    PRIMARY KEY (code, number),
    UNIQUE (code, sha256)
);
ALTER TABLE checks.signed_extract ALTER COLUMN pdf SET STORAGE EXTERNAL;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checks.extract
    FOR EACH STATEMENT EXECUTE FUNCTION access.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checks.signed_extract
    FOR EACH STATEMENT EXECUTE FUNCTION access.refuse_change();

REVOKE ALL ON checks.extract, checks.signed_extract FROM PUBLIC, lt_api, lt_check, lt_publish, lt_audit, lt_reader, lt_server;
GRANT SELECT, INSERT ON checks.extract, checks.signed_extract TO lt_check;
