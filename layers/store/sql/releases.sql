-- page --
-- Releases of a layer, newest first, each with the revision of the one before it (0: none).
SELECT release.release, release.revision, release.note, made.created, made.added, made.changed, made.removed,
       coalesce((SELECT max(known.revision) FROM catalogue.release AS known
                 WHERE known.layer = release.layer AND known.release < release.release), 0) AS before
FROM catalogue.release JOIN catalogue.revision AS made USING (layer, revision)
WHERE release.layer = %(layer)s AND (%(before)s::bigint IS NULL OR release.release < %(before)s::bigint)
ORDER BY release.release DESC
LIMIT %(limit)s

-- one --
SELECT release.release, release.revision, release.note, made.created, made.added, made.changed, made.removed,
       coalesce((SELECT max(known.revision) FROM catalogue.release AS known
                 WHERE known.layer = release.layer AND known.release < release.release), 0) AS before
FROM catalogue.release JOIN catalogue.revision AS made USING (layer, revision)
WHERE release.layer = %(layer)s AND release.release = %(release)s
