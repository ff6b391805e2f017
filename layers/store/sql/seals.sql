-- head --
-- the last seal, the first one's digest, and whose transactions are counted here
SELECT current_database()::text AS database, here.cluster, pg_current_snapshot()::text AS now,
       seal.number, seal.digest, seal.snapshot::text AS snapshot, seal.events[cardinality(seal.events)] AS event,
       (SELECT first.digest FROM access.seal AS first WHERE first.number = 1) AS chain,
       coalesce(seal.cluster = here.cluster
                AND pg_snapshot_xmax(pg_current_snapshot()) >= pg_snapshot_xmax(seal.snapshot), false) AS is_continued
FROM (SELECT system_identifier::text AS cluster FROM pg_control_system()) AS here
LEFT JOIN LATERAL (SELECT * FROM access.seal ORDER BY number DESC LIMIT 1) AS seal ON true

-- lock --
-- One sealer at a time, over all processes of a database; as the role that may add and change nothing. What is new is a few
-- rows at the end of an index, whatever the planner believes of a snapshot it cannot look into.
SELECT set_config('role', 'lt_audit', true), set_config('enable_seqscan', 'off', true),
       pg_try_advisory_xact_lock(7305220269) AS is_mine

-- is_anything_new --
-- looked at every second: nothing is written, and no lock is taken, where nothing was added. The order makes it one look
-- into the index; as EXISTS it is planned as a scan of all events.
SELECT event.id
FROM access.event AS event
WHERE event.transaction >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
  AND NOT pg_visible_in_snapshot(event.transaction, %(snapshot)s::pg_snapshot)
ORDER BY event.transaction
LIMIT 1

-- new --
-- Committed since the last seal: visible now, and not in its snapshot. The order of numbers is that of insertion, not of
-- commits; a smaller number that is committed later is in a later seal.
SELECT pg_current_snapshot()::text AS snapshot, event.*
FROM access.event AS event
WHERE event.transaction >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
  AND NOT pg_visible_in_snapshot(event.transaction, %(snapshot)s::pg_snapshot)
ORDER BY event.transaction, event.id

-- never_sealed --
-- The first seal of a database, or the first after it was moved to another cluster, which counts its own transactions:
-- whatever no seal has.
SELECT pg_current_snapshot()::text AS snapshot, event.*
FROM access.event AS event
LEFT JOIN (SELECT unnest(seal.events) AS id FROM access.seal) AS sealed ON sealed.id = event.id
WHERE sealed.id IS NULL
ORDER BY event.id

-- seal --
INSERT INTO access.seal (number, sealed, cluster, snapshot, events, digests, previous, digest)
VALUES (%(number)s, %(sealed)s, %(cluster)s, %(snapshot)s::pg_snapshot, %(events)s, %(digests)s, %(previous)s, %(digest)s)

-- walk --
-- every seal with its events as they are now, in order; an event that is gone has no columns
SELECT seal.number, seal.sealed, seal.cluster, seal.snapshot::text AS snapshot, seal.previous, seal.digest AS seal_digest,
       entry.event AS sealed_id, entry.digest AS sealed_digest, entry.position, event.*
FROM access.seal AS seal
CROSS JOIN LATERAL unnest(seal.events, seal.digests) WITH ORDINALITY AS entry (event, digest, position)
LEFT JOIN access.event AS event ON event.id = entry.event
ORDER BY seal.number, entry.position

-- outside --
-- Events in no seal: new ones, and those that should be in one.
SELECT event.id, event.at,
       coalesce(pg_visible_in_snapshot(event.transaction, last.snapshot)
                AND last.cluster = (SELECT system_identifier::text FROM pg_control_system()), false) AS is_late
FROM access.event AS event
LEFT JOIN (SELECT snapshot, cluster FROM access.seal ORDER BY number DESC LIMIT 1) AS last ON true
LEFT JOIN (SELECT unnest(seal.events) AS id FROM access.seal) AS sealed ON sealed.id = event.id
WHERE sealed.id IS NULL
ORDER BY event.id

-- seals_by_number --
SELECT number, digest FROM access.seal WHERE number = ANY(%(numbers)s)

-- walking --
-- a walk over years of events takes longer than a request may
SELECT set_config('role', 'lt_audit', true), set_config('statement_timeout', '0', true)

-- left_open --
-- accesses that were begun and never ended: under way, or their process died
SELECT count(*) AS number, min(opening.at) AS earliest
FROM access.event AS opening
WHERE opening.phase = 'opened' AND NOT EXISTS (
    SELECT FROM access.event AS closing WHERE closing.access = opening.access AND closing.phase = 'closed')
