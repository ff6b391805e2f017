-- kept --
-- the extract that was made for this reader, answer and language
SELECT code, record, record_digest, answer_digest, view_digest, language, form, principal, created, certificate,
       certificate_name, is_demo, sha256, length(pdf) AS bytes
FROM checks.extract
WHERE record = %(record)s AND principal = %(principal)s AND language = %(language)s AND form = %(form)s
  AND answer_digest = %(answer_digest)s AND view_digest = %(view_digest)s

-- extract --
-- one extract by its code
SELECT code, record, record_digest, answer_digest, view_digest, language, form, principal, created, certificate,
       certificate_name, is_demo, sha256, length(pdf) AS bytes
FROM checks.extract WHERE code = %(code)s

-- of_record --
-- the extracts of a record, the newest first
SELECT code, record, record_digest, answer_digest, view_digest, language, form, principal, created, certificate,
       certificate_name, is_demo, sha256, length(pdf) AS bytes
FROM checks.extract WHERE record = %(record)s ORDER BY created DESC, code

-- pdf --
SELECT pdf FROM checks.extract WHERE code = %(code)s

-- insert --
-- Who is second of two at the same moment takes the first one's.
INSERT INTO checks.extract (code, record, record_digest, answer_digest, view_digest, language, form, principal, created,
                            certificate, certificate_name, is_demo, sha256, pdf)
VALUES (%(code)s, %(record)s, %(record_digest)s, %(answer_digest)s, %(view_digest)s, %(language)s, %(form)s, %(principal)s,
        %(created)s, %(certificate)s, %(certificate_name)s, %(is_demo)s, %(sha256)s, %(pdf)s)
ON CONFLICT (record, principal, language, form, answer_digest, view_digest) DO NOTHING

-- hold --
-- The extract for one who is about to add a signed version: their numbers have no gap.
SELECT pg_advisory_xact_lock(hashtextextended('signed_extract ' || %(code)s, 0))

-- signed --
-- the signed versions of extracts, in their order
SELECT code, number, received, principal, signers, is_trusted, sha256, length(pdf) AS bytes
FROM checks.signed_extract WHERE code = ANY(%(codes)s) ORDER BY received, code, number

-- signed_pdf --
SELECT pdf FROM checks.signed_extract WHERE code = %(code)s AND number = %(number)s

-- insert_signed --
INSERT INTO checks.signed_extract (code, number, received, principal, signers, is_trusted, sha256, pdf)
VALUES (%(code)s, %(number)s, %(received)s, %(principal)s, %(signers)s, %(is_trusted)s, %(sha256)s, %(pdf)s)
