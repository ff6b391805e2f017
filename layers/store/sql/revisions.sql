-- standing --
-- Read after the rows: a notification may still be on its way, and a walk over pages must stay on what its first page saw.
SELECT revision, state FROM catalogue.layer WHERE id = %(layer)s

-- at --
-- What the service knew at an instant: the last revision that was there, and the state it left the layer in.
SELECT revision, state FROM catalogue.revision
WHERE layer = %(layer)s AND created <= %(instant)s
ORDER BY revision DESC LIMIT 1
-- between --
-- What happened to a layer after one revision, up to another, with the release that each revision is.
SELECT asked.layer, made.revision, made.kind, made.created, release.release, coalesce(release.note, made.reason) AS note
FROM unnest(%(layers)s::text[], %(after)s::bigint[], %(until)s::bigint[]) AS asked (layer, after, until)
JOIN catalogue.revision AS made
  ON made.layer = asked.layer AND made.revision > asked.after AND made.revision <= asked.until
LEFT JOIN catalogue.release AS release ON release.layer = made.layer AND release.revision = made.revision
ORDER BY asked.layer, made.revision
