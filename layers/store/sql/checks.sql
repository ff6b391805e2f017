-- cut --
-- The revision of every layer a check reads, its state then and now, and the release that stood behind it.
-- A null revision asks for the newest one known at the instant (null: now). The time-out holds for this transaction.
SELECT layer.id, layer.number, layer.state AS state_now, layer.state_reason AS reason_now,
       revision.revision, revision.state, revision.reason, revision.created,
       release.release, release.note, release.published, release.content_date,
       (SELECT to_jsonb(raster) FROM catalogue.raster
        WHERE raster.layer = layer.id AND raster.since <= revision.revision
          AND (raster.until IS NULL OR raster.until > revision.revision)) AS raster,
       (SELECT min(first.created) FROM catalogue.revision first WHERE first.layer = layer.id) AS first_created,
       set_config('statement_timeout', %(timeout_ms)s, true) AS timeout
FROM unnest(%(layers)s::text[], %(revisions)s::bigint[]) AS asked (id, revision)
JOIN catalogue.layer layer ON layer.id = asked.id
LEFT JOIN LATERAL (
    SELECT known.revision, known.state, known.reason, known.created
    FROM catalogue.revision known
    WHERE known.layer = layer.id
      AND (asked.revision IS NULL OR known.revision = asked.revision)
      AND (%(instant)s::timestamptz IS NULL OR known.created <= %(instant)s::timestamptz)
    ORDER BY known.revision DESC LIMIT 1
) revision ON true
LEFT JOIN LATERAL (
    SELECT named.release, named.note, made.created AS published,
           coalesce(named.content_date, made.created) AS content_date
    FROM catalogue.release named
    JOIN catalogue.revision made ON made.layer = named.layer AND made.revision = named.revision
    WHERE named.layer = layer.id AND named.revision <= revision.revision
    ORDER BY named.release DESC LIMIT 1
) release ON true

-- candidates --
-- What may matter to the subject, for all checks in one statement: pieces within each check's own reach, entries keyed to
-- the parcel, and the mapped area around it. `damaged`: by the books (checks.held) the layer holds something, and the
-- tables hold nothing of it; its first fact, and that fact's pieces, stand for the rest (`doctor` counts them all). `reach_m` holds the subject's accuracy; the layer's largest is added here.
-- An accuracy below 0, of before these were refused, counts as it would above 0: it takes no doubt away.
WITH asked AS MATERIALIZED (
    SELECT number, layer, revision, is_keyed,
           reach_m + coalesce((SELECT greatest(max(fact.accuracy_m), -min(fact.accuracy_m)) FROM checks.fact
                               WHERE fact.layer = given.layer), 0) AS reach_m
    FROM unnest(%(numbers)s::int[], %(layers)s::smallint[], %(revisions)s::bigint[], %(reaches)s::float8[],
                %(keyed)s::boolean[]) AS given (number, layer, revision, reach_m, is_keyed)
), around AS MATERIALIZED (
    SELECT asked.*, ST_Expand(ST_GeomFromWKB(%(subject)s), asked.reach_m) AS box FROM asked
)
SELECT around.number, 'piece' AS kind, piece.fid, fact.key, abs(fact.accuracy_m) AS accuracy_m, fact.attributes,
       ST_AsBinary(piece.geom) AS geom
FROM around
CROSS JOIN LATERAL (
    SELECT near.fid, near.geom
    FROM checks.piece near
    WHERE near.geom && around.box AND near.layer = around.layer AND near.zone = %(zone)s
      AND near.since <= around.revision AND (near.until IS NULL OR near.until > around.revision)
    LIMIT %(most)s
) piece
LEFT JOIN checks.fact ON fact.layer = around.layer AND fact.fid = piece.fid
    AND fact.since <= around.revision AND (fact.until IS NULL OR fact.until > around.revision)
WHERE NOT around.is_keyed
UNION ALL
SELECT asked.number, 'entry', entry.fid, entry.key, abs(entry.accuracy_m), entry.attributes, NULL
FROM asked
CROSS JOIN LATERAL (
    SELECT fact.fid, fact.key, fact.accuracy_m, fact.attributes
    FROM checks.fact
    WHERE fact.parcel_refs && %(refs)s::text[] AND fact.parcel_refs <> '{}' AND fact.layer = asked.layer
      AND fact.since <= asked.revision AND (fact.until IS NULL OR fact.until > asked.revision)
    LIMIT %(most)s
) entry
WHERE asked.is_keyed
UNION ALL
SELECT asked.number, 'damaged', NULL, NULL, NULL, NULL, NULL
FROM asked
CROSS JOIN LATERAL (
    SELECT counted.pieces, counted.facts
    FROM checks.held counted
    WHERE counted.layer = asked.layer AND counted.revision <= asked.revision
    ORDER BY counted.revision DESC LIMIT 1
) held
LEFT JOIN LATERAL (  -- ordered, so that it comes from the key's index and never from a walk over other layers
    SELECT fact.fid
    FROM checks.fact
    WHERE fact.layer = asked.layer
      AND fact.since <= asked.revision AND (fact.until IS NULL OR fact.until > asked.revision)
    ORDER BY fact.layer, fact.fid LIMIT 1
) one ON true
WHERE (held.facts > 0 AND one.fid IS NULL)
   OR (held.pieces > 0 AND one.fid IS NOT NULL AND NOT EXISTS (
           SELECT FROM checks.piece
           WHERE piece.fid = one.fid AND piece.layer = asked.layer
             AND piece.since <= asked.revision AND (piece.until IS NULL OR piece.until > asked.revision)))
UNION ALL
SELECT asked.number, 'everywhere', NULL, NULL, NULL, NULL, NULL
FROM asked
WHERE EXISTS (
    SELECT FROM checks.mapped
    WHERE mapped.layer = asked.layer AND mapped.kind = 'everywhere'
      AND mapped.since <= asked.revision AND (mapped.until IS NULL OR mapped.until > asked.revision)
)
UNION ALL
SELECT around.number, mapped.kind, NULL, mapped.commune, NULL, NULL, ST_AsBinary(mapped.geom)
FROM around
CROSS JOIN LATERAL (
    SELECT area.kind, area.commune, area.geom
    FROM checks.mapped area
    WHERE area.geom && around.box AND area.layer = around.layer AND area.zone = %(zone)s
      AND area.since <= around.revision AND (area.until IS NULL OR area.until > around.revision)
    LIMIT %(most)s
) mapped

-- largest --
-- The largest number in each of these columns over all features of a layer at a revision.
SELECT asked.name,
       coalesce(max(CASE WHEN jsonb_typeof(fact.attributes -> asked.name) = 'number'
                         THEN (fact.attributes ->> asked.name)::float8 END), 0) AS metres
FROM unnest(%(columns)s::text[]) AS asked (name)
LEFT JOIN checks.fact ON fact.layer = %(layer)s
    AND fact.since <= %(revision)s AND (fact.until IS NULL OR fact.until > %(revision)s)
GROUP BY asked.name

-- insert_record --
-- A record and its event (sql/audit.sql) in one statement: neither without the other, and one round trip instead of four.
WITH sealed AS (
    INSERT INTO checks.record (id, created, procedure, subject_layer, subject_fid, subject_fids, dossier, purpose,
                               principal, digest, body)
    VALUES (%(id)s, %(created)s, %(procedure)s, %(subject_layer)s, %(subject_fid)s, %(subject_fids)s::bigint[],
            %(dossier)s, %(purpose)s, %(principal)s, %(digest)s, %(body)s)
)
INSERT INTO access.event (phase, access, principal, os_user, roles, office, sector, action, layer, used, purpose, dossier,
                          decision, reason, grants, policy, revision, request, outcome, features, bytes, accesses, trace)
VALUES (%(event_phase)s, %(event_access)s, %(event_principal)s, %(event_os_user)s, %(event_roles)s::text[],
        %(event_office)s, %(event_sector)s, %(event_action)s, %(event_layer)s, %(event_used)s::text[],
        %(event_purpose)s, %(event_dossier)s, %(event_decision)s, %(event_reason)s, %(event_grants)s::text[],
        %(event_policy)s, %(event_revision)s, %(event_request)s, %(event_outcome)s, %(event_features)s,
        %(event_bytes)s, %(event_accesses)s, %(event_trace)s)

-- record --
SELECT id, created, procedure, subject_layer, subject_fid, dossier, purpose, principal, digest, body
FROM checks.record WHERE id = %(id)s

-- records --
-- The newest records of a dossier, a parcel, or both; with `after_id` those that follow that one.
SELECT id, created, procedure, subject_layer, subject_fid, dossier, purpose, principal, digest, body
FROM checks.record
WHERE (%(dossier)s::text IS NULL OR dossier = %(dossier)s)
  AND (%(layer)s::text IS NULL
       OR (subject_layer = %(layer)s
           AND (subject_fid = ANY(%(fids)s::bigint[]) OR subject_fids && %(fids)s::bigint[])))
  AND (%(after_id)s::text IS NULL OR created < %(after_created)s::timestamptz
       OR (created = %(after_created)s::timestamptz AND id > %(after_id)s))
ORDER BY created DESC, id
LIMIT %(most)s

-- profile_text --
-- A profile that was applied once, with the texts of its layers and procedures, by digest.
SELECT whole.body,
       coalesce((SELECT jsonb_object_agg(part.digest, part.body)
                 FROM catalogue.text AS part
                 WHERE part.digest IN (
                     SELECT named.value ->> 1
                     FROM jsonb_array_elements((whole.body::jsonb -> 'layers') || (whole.body::jsonb -> 'procedures')) AS named
                 )), '{}') AS parts
FROM catalogue.text AS whole WHERE whole.digest = %(digest)s
