-- hold --
-- One at a time on a record, until the transaction ends; a person's hour is counted behind a lock of its own, taken first.
SELECT pg_advisory_xact_lock(hashtextextended('reviews by ' || %(principal)s, 0)),
       pg_advisory_xact_lock(hashtextextended('reviews of ' || %(record)s, 0))

-- recent --
-- How much somebody has said since an instant, and when the first of it was said.
SELECT count(*) AS said, min(created) AS first FROM checks.review
WHERE principal = %(principal)s AND created > %(since)s

-- of_record --
-- The chain of a record, from its beginning.
SELECT id, record, number, created, kind, about, layer, fid, principal, previous, digest, body
FROM checks.review WHERE record = %(record)s ORDER BY number

-- insert --
INSERT INTO checks.review (id, record, number, created, kind, about, layer, fid, principal, previous, digest, body)
VALUES (%(id)s, %(record)s, %(number)s, %(created)s, %(kind)s, %(about)s, %(layer)s, %(fid)s, %(principal)s,
        %(previous)s, %(digest)s, %(body)s)

-- one --
SELECT id, record, number, created, kind, about, layer, fid, principal, previous, digest, body
FROM checks.review WHERE id = %(id)s

-- disputes --
-- Disputes about some layers, or by one person, the newest first; `is_answered` null: both.
SELECT dispute.id, dispute.record, dispute.number, dispute.created, dispute.kind, dispute.about, dispute.layer,
       dispute.fid, dispute.principal, dispute.previous, dispute.digest, dispute.body
FROM checks.review AS dispute
WHERE dispute.kind = 'dispute'
  AND (dispute.layer = ANY(%(layers)s::text[]) OR dispute.principal = %(principal)s)
  AND (%(is_answered)s::boolean IS NULL OR %(is_answered)s = EXISTS (
      SELECT FROM checks.review AS answer WHERE answer.about = dispute.id))
ORDER BY dispute.created DESC, dispute.id
LIMIT %(most)s

-- answers --
-- The answers to some disputes.
SELECT id, record, number, created, kind, about, layer, fid, principal, previous, digest, body
FROM checks.review WHERE about = ANY(%(disputes)s::text[])

-- about_features --
-- Disputes of other records about the same features, the newest of each feature first.
SELECT dispute.id, dispute.record, dispute.number, dispute.created, dispute.kind, dispute.about, dispute.layer,
       dispute.fid, dispute.principal, dispute.previous, dispute.digest, dispute.body
FROM unnest(%(layers)s::text[], %(fids)s::bigint[]) AS asked (layer, fid)
CROSS JOIN LATERAL (
    SELECT * FROM checks.review AS one
    WHERE one.layer = asked.layer AND one.fid = asked.fid AND one.kind = 'dispute' AND one.record <> %(record)s
    ORDER BY one.created DESC, one.id LIMIT %(most)s
) AS dispute

-- records --
-- The records that some disputes are about.
SELECT id, created, procedure, subject_layer, subject_fid, dossier, purpose, principal, digest, body
FROM checks.record WHERE id = ANY(%(ids)s::text[])

-- has_revision --
SELECT EXISTS (SELECT FROM catalogue.revision WHERE layer = %(layer)s AND revision = %(revision)s) AS found
