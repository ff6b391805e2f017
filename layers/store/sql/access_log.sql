-- events --
-- Accesses to one layer, the newest first: those on it, and the checks that measured it. What was opened and closed is one
-- access; what was opened and never closed stands for itself. They are named by their instant (microseconds since 1970):
-- the numbers of events count those of every layer, and would tell an owner how much the others' are read.
WITH page AS (
SELECT event.id AS number, event.at, event.principal, event.office, event.sector, event.roles, event.action, event.purpose,
       event.dossier, event.decision, event.reason, event.grants, event.accesses,
       event.layer IS DISTINCT FROM %(layer)s AS is_measured,
       CASE WHEN event.layer = %(layer)s THEN event.features END AS features,
       CASE WHEN event.layer = %(layer)s THEN event.bytes END AS bytes,
       event.phase = 'opened' AS is_open
FROM access.event AS event
WHERE (event.layer = %(layer)s OR event.used @> ARRAY[%(layer)s::text])
  AND event.at >= %(since)s AND event.at < %(until)s
  AND (%(action)s::text IS NULL OR event.action = %(action)s)
  AND (%(after)s::bigint IS NULL OR event.at < timestamptz 'epoch' + %(after)s::bigint * interval '1 microsecond')
  AND (event.phase <> 'opened' OR NOT EXISTS (
      SELECT FROM access.event AS closing WHERE closing.access = event.access AND closing.phase = 'closed'))
ORDER BY event.at DESC
FETCH FIRST %(most)s ROWS WITH TIES
)
SELECT (extract(epoch FROM at) * 1000000)::bigint AS id, at, principal, office, sector, roles, action, purpose, dossier,
       decision, reason, grants, accesses, is_measured, features, bytes, is_open
FROM page
ORDER BY at DESC, number DESC

-- sums --
-- The same accesses by caller, purpose, day of the province and action.
SELECT event.principal, event.office, event.sector, event.purpose, event.action, event.decision,
       (event.at AT TIME ZONE %(zone)s)::date AS day,
       sum(event.accesses)::bigint AS accesses,
       coalesce(sum(event.features) FILTER (WHERE event.layer = %(layer)s), 0)::bigint AS features
FROM access.event AS event
WHERE (event.layer = %(layer)s OR event.used @> ARRAY[%(layer)s::text])
  AND event.at >= %(since)s AND event.at < %(until)s
  AND (%(action)s::text IS NULL OR event.action = %(action)s)
  AND (event.phase <> 'opened' OR NOT EXISTS (
      SELECT FROM access.event AS closing WHERE closing.access = event.access AND closing.phase = 'closed'))
GROUP BY event.principal, event.office, event.sector, event.purpose, event.action, event.decision, day
ORDER BY day DESC, accesses DESC, event.principal, event.action, event.purpose, event.decision
LIMIT %(most)s
