-- versions --
-- What runs here; the schema version is null on an empty database.
SELECT current_setting('server_version') AS postgresql,
       (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS postgis,
       to_regclass('public.schema_version') IS NOT NULL AS has_schema,
       pg_database_size(current_database()) AS bytes

-- schema_version --
SELECT version_num FROM schema_version

-- layers --
-- How many layers stand in each state.
SELECT state, count(*) AS layers FROM catalogue.layer GROUP BY state ORDER BY state

-- applied --
SELECT profile, applied FROM catalogue.applied

-- invalid_indexes --
-- Indexes that a broken build left behind: the planner does not use them.
SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid

-- abandoned_staging --
-- Tables of publications whose process is gone.
SELECT count(*) AS tables FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'staging' AND c.relkind = 'r'

-- damaged_layers --
-- Layers whose pieces or facts are not as many as their publications wrote (checks.held).
SELECT layer.id, held.pieces AS held_pieces, held.facts AS held_facts, piece.count AS pieces, fact.count AS facts
FROM catalogue.layer
CROSS JOIN LATERAL (
    SELECT counted.pieces, counted.facts FROM checks.held counted
    WHERE counted.layer = layer.number AND counted.revision <= layer.revision
    ORDER BY counted.revision DESC LIMIT 1
) held
CROSS JOIN LATERAL (SELECT count(*) FROM checks.piece WHERE piece.layer = layer.number AND piece.until IS NULL) piece
CROSS JOIN LATERAL (SELECT count(*) FROM checks.fact WHERE fact.layer = layer.number AND fact.until IS NULL) fact
WHERE piece.count <> held.pieces OR fact.count <> held.facts
ORDER BY layer.id
