-- Splits and merges: one sealed record a part (checks.record) and one that binds them. Never updated.
CREATE TABLE checks.division (
    id        text PRIMARY KEY,
    created   timestamptz NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('split', 'merge')),
    procedure text NOT NULL,
    dossier   text,
    purpose   text,
    principal text NOT NULL,
    records   text[] NOT NULL,                                   -- of its parts, in their order
    digest    text NOT NULL,                                     -- sha256 of body
    body      text NOT NULL                                      -- canonical JSON
);
CREATE INDEX division_dossier ON checks.division (dossier) WHERE dossier IS NOT NULL;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checks.division
    FOR EACH STATEMENT EXECUTE FUNCTION access.refuse_change();

REVOKE ALL ON checks.division FROM lt_api, lt_publish;
GRANT SELECT, INSERT ON checks.division TO lt_check;
GRANT SELECT ON checks.division TO lt_publish;
