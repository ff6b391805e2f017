-- insert_division --
-- What binds the records of a division together; their rows come first, in the same transaction.
INSERT INTO checks.division (id, created, kind, procedure, dossier, purpose, principal, records, digest, body)
VALUES (%(id)s, %(created)s, %(kind)s, %(procedure)s, %(dossier)s, %(purpose)s, %(principal)s, %(records)s, %(digest)s,
        %(body)s)

-- division --
SELECT id, created, kind, procedure, dossier, purpose, principal, records, digest, body
FROM checks.division WHERE id = %(id)s
