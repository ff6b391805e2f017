-- applied --
-- everything a process serves, as of one instant: the profile's texts, the policy and the state of every layer
SELECT applied.profile,
       whole.body,
       coalesce((SELECT jsonb_object_agg(part.digest, part.body)
                 FROM catalogue.text AS part
                 WHERE part.digest IN (SELECT named.value ->> 1
                                       FROM jsonb_array_elements((whole.body::jsonb -> 'layers') || (whole.body::jsonb -> 'procedures'))
                                            AS named)), '{}') AS parts,
       policy.digest AS policy,
       policy_text.body AS policy_body,
       (SELECT coalesce(jsonb_agg(latest.id), '[]')
        FROM (SELECT DISTINCT ON (id) id, state FROM access.agreement ORDER BY id, version DESC) AS latest
        WHERE latest.state = 'active') AS active_agreements,
       coalesce((SELECT jsonb_object_agg(layer.id, to_jsonb(layer)) FROM catalogue.layer AS layer), '{}') AS layers
FROM catalogue.applied AS applied
JOIN catalogue.text AS whole ON whole.digest = applied.profile
LEFT JOIN access.policy AS policy ON policy.one
LEFT JOIN catalogue.text AS policy_text ON policy_text.digest = policy.digest

-- lock --
-- one apply at a time; a publication holds its layer's row, and the two wait for each other
SELECT pg_advisory_xact_lock(7305220262)

-- lock_layers --
SELECT id FROM catalogue.layer ORDER BY id FOR UPDATE

-- layers --
-- every layer ever applied, with the definition it has now
SELECT layer.id, layer.number, layer.definition, layer.revision, text.body
FROM catalogue.layer AS layer JOIN catalogue.text AS text ON text.digest = layer.definition

-- columns --
SELECT class.relname AS layer, attribute.attname AS name, format_type(attribute.atttypid, attribute.atttypmod) AS type
FROM pg_attribute AS attribute
JOIN pg_class AS class ON class.oid = attribute.attrelid AND class.relkind IN ('r', 'p')
WHERE class.relnamespace = 'data'::regnamespace AND attribute.attnum > 0 AND NOT attribute.attisdropped

-- rank_rules --
-- of the layers that are marked with one (`ranks.py`)
SELECT class.relname AS layer, col_description(class.oid, attribute.attnum) AS rule
FROM pg_attribute AS attribute JOIN pg_class AS class ON class.oid = attribute.attrelid AND class.relkind IN ('r', 'p')
WHERE class.relnamespace = 'data'::regnamespace AND attribute.attname = 'min_zoom'
  AND col_description(class.oid, attribute.attnum) IS NOT NULL

-- indexes --
SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'data'

-- reference_systems --
SELECT srid, auth_name, srtext, proj4text FROM spatial_ref_sys WHERE srid = ANY(%(srids)s)

-- store_reference_system --
-- without auth_name PostGIS takes the text, and with it the named operation, instead of PROJ's choice (design 8)
INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)
VALUES (%(srid)s, NULL, NULL, %(srtext)s, %(proj4text)s)
ON CONFLICT (srid) DO UPDATE SET auth_name = NULL, auth_srid = NULL, srtext = excluded.srtext, proj4text = excluded.proj4text

-- store_text --
INSERT INTO catalogue.text (digest, kind, body) VALUES (%(digest)s, %(kind)s, %(body)s) ON CONFLICT (digest) DO NOTHING

-- store_layer --
INSERT INTO catalogue.layer (id, definition) VALUES (%(id)s, %(definition)s)
ON CONFLICT (id) DO UPDATE SET definition = excluded.definition WHERE layer.definition <> excluded.definition

-- forget_communes --
DELETE FROM catalogue.commune

-- store_communes --
INSERT INTO catalogue.commune (code, generation, name, kind, successors)
SELECT code, generation, name, kind, successors
FROM jsonb_to_recordset(%(communes)s::jsonb) AS row(code text, generation smallint, name text, kind text, successors text[])

-- has_policy --
SELECT EXISTS (SELECT FROM access.policy) AS found

-- store_policy --
-- the seed of a profile, with its place in the history
WITH seeded AS (INSERT INTO access.policy (digest, by) VALUES (%(digest)s, %(by)s) RETURNING digest, by, applied)
INSERT INTO access.policy_change (digest, by, os_user, applied) SELECT digest, 'operator', by, applied FROM seeded

-- switch --
INSERT INTO catalogue.applied (profile, os_user) VALUES (%(profile)s, %(os_user)s)
ON CONFLICT (one) DO UPDATE SET profile = excluded.profile, os_user = excluded.os_user, applied = now()

-- notify --
NOTIFY lienthong

-- listen --
LISTEN lienthong
