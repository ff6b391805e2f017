-- layer_state --
-- Where a layer stands.
SELECT number, revision, state, state_reason, definition FROM catalogue.layer WHERE id = %(layer)s

-- lock_layer --
-- The row every change of a layer waits on; what it says now is what the change is based on.
SELECT number, revision, state, state_reason, definition FROM catalogue.layer WHERE id = %(layer)s FOR UPDATE

-- fid_key --
-- See migration 0003_access_e_fids.
SELECT key FROM catalogue.fid_key

-- unlimited --
-- A publication may take longer than a request.
SELECT set_config('statement_timeout', '0', false)

-- work_memory --
-- Sorting for indexes and joins, for this transaction.
SELECT set_config('maintenance_work_mem', '512MB', true), set_config('work_mem', '128MB', true)

-- open_run --
-- Held by the session of a run: while it is held, nobody sweeps the run's tables.
SELECT pg_advisory_lock(%(class)s, %(run)s)

-- close_run --
SELECT pg_advisory_unlock(%(class)s, %(run)s)

-- staged --
-- The tables of all runs, with the number of the run in their name.
SELECT relname AS name, (regexp_match(relname, '^run_([0-9]+)_'))[1]::int AS run
FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r' AND relname ~ '^run_[0-9]+_'

-- try_run --
-- True when the process of a run is gone: its lock is free.
SELECT pg_try_advisory_lock(%(class)s, %(run)s) AS is_gone

-- close_pieces --
UPDATE checks.piece SET until = %(revision)s
FROM unnest(%(fids)s::bigint[]) AS closed (fid)
WHERE piece.layer = %(number)s AND piece.fid = closed.fid AND piece.until IS NULL

-- close_facts --
UPDATE checks.fact SET until = %(revision)s
FROM unnest(%(fids)s::bigint[]) AS closed (fid)
WHERE fact.layer = %(number)s AND fact.fid = closed.fid AND fact.until IS NULL

-- close_mapped --
-- The declared area and what was cut from it; cut-outs of communes outside the scope stay.
UPDATE checks.mapped SET until = %(revision)s
WHERE layer = %(number)s AND until IS NULL
  AND (kind <> 'refused' OR %(communes)s::text[] IS NULL OR commune = ANY(%(communes)s::text[]))

-- insert_mapped --
INSERT INTO checks.mapped (layer, since, kind, zone, commune, reason, geom)
SELECT %(number)s, %(revision)s, kind, zone, commune, reason, ST_GeomFromWKB(decode(shape, 'hex'), 0)
FROM unnest(%(kinds)s::text[], %(zones)s::smallint[], %(communes)s::text[], %(reasons)s::text[], %(shapes)s::text[])
    AS given (kind, zone, commune, reason, shape)

-- restore_mapped --
-- The mapped area of an older revision, as it was.
INSERT INTO checks.mapped (layer, since, kind, zone, commune, reason, geom)
SELECT layer, %(revision)s, kind, zone, commune, reason, geom
FROM checks.mapped
WHERE layer = %(number)s AND since <= %(old)s AND (until IS NULL OR until > %(old)s)

-- restore_pieces --
INSERT INTO checks.piece (layer, zone, fid, since, geom)
SELECT piece.layer, piece.zone, piece.fid, %(revision)s, piece.geom
FROM checks.piece JOIN unnest(%(fids)s::bigint[]) AS back (fid) ON back.fid = piece.fid
WHERE piece.layer = %(number)s AND piece.since <= %(old)s AND (piece.until IS NULL OR piece.until > %(old)s)

-- restore_facts --
INSERT INTO checks.fact (layer, fid, since, key, accuracy_m, attributes, parcel_refs)
SELECT fact.layer, fact.fid, %(revision)s, fact.key, fact.accuracy_m, fact.attributes, fact.parcel_refs
FROM checks.fact JOIN unnest(%(fids)s::bigint[]) AS back (fid) ON back.fid = fact.fid
WHERE fact.layer = %(number)s AND fact.since <= %(old)s AND (fact.until IS NULL OR fact.until > %(old)s)

-- count_held --
-- What the layer's pieces and facts come to at this revision: those of the one before, and what was added and ended.
INSERT INTO checks.held AS held (layer, revision, pieces, facts)
SELECT %(number)s, %(revision)s, coalesce(before.pieces, 0) + %(pieces)s, coalesce(before.facts, 0) + %(facts)s
FROM (SELECT) AS one
LEFT JOIN LATERAL (
    SELECT known.pieces, known.facts FROM checks.held known
    WHERE known.layer = %(number)s AND known.revision < %(revision)s
    ORDER BY known.revision DESC LIMIT 1
) before ON true
ON CONFLICT (layer, revision) DO UPDATE SET pieces = held.pieces + %(pieces)s, facts = held.facts + %(facts)s

-- insert_revision --
INSERT INTO catalogue.revision (layer, revision, kind, definition, state, principal, os_user, reason, added, changed, removed,
                                created)
VALUES (%(layer)s, %(revision)s, %(kind)s, %(definition)s, %(state)s, %(principal)s, %(os_user)s, %(reason)s,
        %(added)s, %(changed)s, %(removed)s, coalesce(%(created)s::timestamptz, clock_timestamp()))

-- switch_layer --
UPDATE catalogue.layer SET revision = %(revision)s, state = %(state)s, state_reason = %(reason)s,
    changed = coalesce(%(created)s::timestamptz, now())
WHERE id = %(layer)s

-- next_release --
SELECT coalesce(max(release), 0) + 1 AS release FROM catalogue.release WHERE layer = %(layer)s

-- insert_release --
-- `content_of`: the revision whose content, or part of it, the release keeps or brings back (null: none).
INSERT INTO catalogue.release (layer, release, revision, note, source_name, source_layer, source_digest, content_digest,
                               declaration, report, content_date)
VALUES (%(layer)s, %(release)s, %(revision)s, %(note)s, %(source_name)s, %(source_layer)s, %(source_digest)s,
        %(content_digest)s, %(declaration)s, %(report)s,
        (SELECT coalesce(known.content_date, made.created)
         FROM catalogue.release known JOIN catalogue.revision made USING (layer, revision)
         WHERE known.layer = %(layer)s AND known.revision <= %(content_of)s::bigint
         ORDER BY known.release DESC LIMIT 1))

-- latest_release --
-- The newest release at a revision (null: now).
SELECT release, revision, note, source_name, source_layer, source_digest, content_digest, declaration, report
FROM catalogue.release
WHERE layer = %(layer)s AND (%(revision)s::bigint IS NULL OR revision <= %(revision)s::bigint)
ORDER BY release DESC LIMIT 1

-- insert_change_boxes --
INSERT INTO catalogue.change_box (layer, revision, geom)
SELECT %(layer)s, %(revision)s, ST_MakeEnvelope(west, south, east, north, 4326)
FROM unnest(%(west)s::float8[], %(south)s::float8[], %(east)s::float8[], %(north)s::float8[])
    AS box (west, south, east, north)

-- insert_aliases --
-- Keys that left the layer: whoever asks for one later still finds its fid.
INSERT INTO catalogue.alias (layer, key, fid, since, until)
SELECT %(layer)s, given.key, given.fid, given.since, %(revision)s
FROM unnest(%(keys)s::text[], %(fids)s::bigint[], %(since)s::bigint[]) AS given (key, fid, since)
ON CONFLICT DO NOTHING

-- notify --
NOTIFY lienthong

-- history --
-- All revisions of a layer, newest first, with the release each one is.
SELECT revision.revision, revision.kind, revision.created, revision.state, revision.principal, revision.os_user,
       revision.reason, revision.added, revision.changed, revision.removed,
       release.release, release.note, release.source_name, release.content_digest, release.declaration
FROM catalogue.revision LEFT JOIN catalogue.release USING (layer, revision)
WHERE revision.layer = %(layer)s
ORDER BY revision.revision DESC

-- freeze --
-- Every statement of this transaction sees the same instant.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ

-- close_all_pieces --
UPDATE checks.piece SET until = %(revision)s WHERE layer = %(number)s AND until IS NULL

-- close_all_facts --
UPDATE checks.fact SET until = %(revision)s WHERE layer = %(number)s AND until IS NULL

-- close_all_mapped --
UPDATE checks.mapped SET until = %(revision)s WHERE layer = %(number)s AND until IS NULL

-- layer_list --
-- Every layer of the applied profile that the database knows, with its newest release.
SELECT layer.id, layer.state, layer.state_reason, layer.revision, layer.changed, newest.release, newest.note, newest.source_name
FROM catalogue.layer
LEFT JOIN LATERAL (
    SELECT release.release, release.note, release.source_name FROM catalogue.release
    WHERE release.layer = layer.id ORDER BY release.release DESC LIMIT 1
) newest ON true
ORDER BY layer.id
