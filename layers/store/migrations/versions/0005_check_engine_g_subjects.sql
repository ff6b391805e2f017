-- Records of several parcels checked as one are found under each of them.

ALTER TABLE checks.record ADD COLUMN subject_fids bigint[];
CREATE INDEX record_subjects ON checks.record USING gin (subject_fids) WHERE subject_fids IS NOT NULL;
