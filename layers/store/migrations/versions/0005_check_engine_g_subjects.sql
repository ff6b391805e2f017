-- Records of several parcels checked as one are found under each of them.

ALTER TABLE checks.record ADD COLUMN subject_fids bigint[];
CREATE INDEX record_subjects ON checks.record USING gin (subject_fids) WHERE subject_fids IS NOT NULL;

-- From here on no record is ever changed or removed.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checks.record
    FOR EACH STATEMENT EXECUTE FUNCTION access.refuse_change();
