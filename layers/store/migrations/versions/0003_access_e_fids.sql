-- What fids are made with. A fid is a digest of the layer and of a row's key or content, which may be hidden: without
-- something that no caller knows, keys could be tried against the fids that are shown. Made by the server itself, kept
-- with the data, so that a backup that is restored goes on giving the same rows the same fids.
CREATE TABLE catalogue.fid_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key bytea NOT NULL
);
REVOKE ALL ON catalogue.fid_key FROM PUBLIC;
-- a database that has published already goes on as it began: other fids would be other features
INSERT INTO catalogue.fid_key (key)
SELECT CASE WHEN EXISTS (SELECT FROM catalogue.release) THEN ''::bytea
            ELSE decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex') END;
