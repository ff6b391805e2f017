-- events --
-- Accesses to one layer, the newest first: those on it, and the checks that measured it. What was opened and closed is one
-- access; what was opened and never closed stands for itself.
SELECT event.id, event.at, event.principal, event.office, event.sector, event.roles, event.action, event.purpose,
       event.dossier, event.decision, event.reason, event.grants, event.accesses,
       event.layer IS DISTINCT FROM %(layer)s AS is_measured,
       CASE WHEN event.layer = %(layer)s THEN event.features END AS features,
       CASE WHEN event.layer = %(layer)s THEN event.bytes END AS bytes,
       event.phase = 'opened' AS is_open
FROM access.event AS event
WHERE (event.layer = %(layer)s OR event.used @> ARRAY[%(layer)s::text])
  AND event.at >= %(since)s AND event.at < %(until)s
  AND (%(action)s::text IS NULL OR event.action = %(action)s)
  AND (%(after)s::bigint IS NULL OR event.id < %(after)s)
  AND (event.phase <> 'opened' OR NOT EXISTS (
      SELECT FROM access.event AS closing WHERE closing.access = event.access AND closing.phase = 'closed'))
ORDER BY event.id DESC
LIMIT %(most)s

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
